"""People and their ways through: found by what devices know them by, by phone, unit, number or name."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, delete, or_

from hub.core.records import Credential, Person, PersonKind
from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout, blind, blinds
from hub.store.paging import Page, page
from hub.store.prepared import Among
from hub.store.upsert import put as put_rows

_PEOPLE = tables.people.c
_CREDENTIALS = tables.credentials.c
_PERSON = Layout(tables.people, Person)
_CREDENTIAL = Layout(tables.credentials, Credential)
_BY_REF = Among([_CREDENTIALS.person], _CREDENTIALS.ref)
_BY_NUMBER = Among([_CREDENTIALS.person], _CREDENTIALS.number_blind)

SEARCHED = 10_000
"""people of a site whose names a search looks through, at most"""
FOUND = 50


def save(tx: Transaction, *people: Person) -> None:
    """Each becomes what is kept of them, with exactly these credentials."""
    bare = [replace(person, credentials=()) for person in people]
    put_rows(tx.connection, tables.people, [_row(tx, person) for person in bare])
    for person in people:
        of_person = (_CREDENTIALS.site == person.site, _CREDENTIALS.person == person.id)
        tx.connection.execute(delete(tables.credentials).where(*of_person))
    rows = [_credential_row(tx, credential) for person in people for credential in person.credentials]
    put_rows(tx.connection, tables.credentials, rows)
    if people:
        tx.touch("people")


def remove(tx: Transaction, site: str, person: str) -> None:
    tx.connection.execute(delete(tables.people).where(_PEOPLE.site == site, _PEOPLE.id == person))
    tx.touch("people")


def get(tx: Transaction, site: str, person: str) -> Person | None:
    found = _whole(tx, site, _PERSON.find(tx, _PEOPLE.site == site, _PEOPLE.id == person))
    return found[0] if found else None


def listing(
    tx: Transaction,
    site: str,
    *,
    kind: Sequence[PersonKind] = (),
    unit: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Person]:
    """By unit and id, the last first."""
    where: list[ColumnElement[bool]] = [_PEOPLE.site == site]
    if kind:
        where.append(_PEOPLE.kind.in_(kind))
    if unit is not None:
        where.append(_PEOPLE.unit == unit)
    query = _PERSON.select().where(*where)
    order = [_PEOPLE.unit, _PEOPLE.id]
    bare = page(tx, query, order, lambda row: _PERSON.record(tx, row), cursor=cursor, limit=limit, count=True)
    return replace(bare, items=tuple(_whole(tx, site, bare.items)))


def search(tx: Transaction, site: str, text: str) -> list[Person]:
    """At most FOUND people: those whose name, phone, unit, card number or id is `text`, before those in whose name,
    phone or unit it is found (among the first SEARCHED of the site, by id)."""
    wanted = text.strip()
    if not wanted:
        return []
    exact = _PERSON.find(tx, _PEOPLE.site == site, _is(tx, wanted))
    exact += find(tx, site, numbers={wanted})
    found = {person.id: person for person in exact}
    folded = wanted.casefold()
    for row in tx.connection.execute(_PERSON.select().where(_PEOPLE.site == site).order_by(_PEOPLE.id).limit(SEARCHED)):
        if len(found) >= FOUND:
            break
        if folded not in (_PERSON.plain(tx, row).decode() + row._mapping["unit"]).casefold():
            continue
        person = _PERSON.record(tx, row)
        if any(folded in value.casefold() for value in (person.name, person.phone, person.unit)):
            found.setdefault(person.id, person)
    return _whole(tx, site, list(found.values())[:FOUND])


def find(
    tx: Transaction,
    site: str,
    *,
    ids: Collection[str] = (),
    refs: Collection[str] = (),
    phones: Collection[str] = (),
    units: Collection[str] = (),
    numbers: Collection[str] = (),
) -> list[Person]:
    """All whom one of these names: `refs` as devices know them, `numbers` of cards, codes or plates."""
    held = {person for (person,) in _BY_REF.rows(tx.connection, site, refs)}
    held |= {person for (person,) in _BY_NUMBER.rows(tx.connection, site, blinds(tx, "number", numbers))}
    found = [
        *_PERSON.having(tx, site, _PEOPLE.id, held | set(ids) | set(refs)),
        *_PERSON.having(tx, site, _PEOPLE.phone_blind, blinds(tx, "phone", phones)),
        *_PERSON.having(tx, site, _PEOPLE.unit, units),
    ]
    return _whole(tx, site, list({person.id: person for person in found}.values()))


def _whole(tx: Transaction, site: str, people: Sequence[Person]) -> list[Person]:
    held: dict[str, list[Credential]] = {}
    for credential in _CREDENTIAL.having(tx, site, _CREDENTIALS.person, [person.id for person in people]):
        held.setdefault(credential.person, []).append(credential)
    return [
        replace(person, credentials=tuple(held[person.id])) if person.id in held else person  # as it lies there: bare
        for person in people
    ]


def _is(tx: Transaction, text: str) -> ColumnElement[bool]:
    name = blind(tx, "name", text.casefold())
    return or_(
        _PEOPLE.id == text,
        _PEOPLE.unit == text,
        _PEOPLE.name_blind == name,
        _PEOPLE.phone_blind == blind(tx, "phone", text),
    )


def _row(tx: Transaction, person: Person) -> dict[str, object]:
    return _PERSON.row(
        tx,
        person,
        name_blind=tx.keys.blind(f"name\x1f{person.name.casefold()}"),
        phone_blind=blind(tx, "phone", person.phone),
    )


def _credential_row(tx: Transaction, credential: Credential) -> dict[str, object]:
    return _CREDENTIAL.row(tx, credential, number_blind=blind(tx, "number", credential.number))
