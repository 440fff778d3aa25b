"""Events as they were stored: each once, in the order of their commits."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, select, update

from hub.core.building import Building, Place
from hub.core.device_events import FrameQuarantined
from hub.core.envelope import Lane
from hub.core.events import EVENT, Event
from hub.store import quarantine, tables
from hub.store.columns import microseconds
from hub.store.database import Transaction
from hub.store.paging import Page, page
from hub.store.prepared import Among, Prepared
from hub.store.upsert import add_plain, put_new

COPY_AFTER = timedelta(minutes=10)
"""a life condition raised again under a known id, by a device whose clock is wrong, is new after this long"""

_RAISING = frozenset(
    {
        "fire.alarm", "fire.pre_alarm", "fire.evacuation", "fire.supervisory", "fire.trouble", "fire.disablement",
        "fire.activation", "fire.feedback", "fire.test", "access.duress", "help.called", "emergency.reported",
        "input.changed",
    }
)  # fmt: skip
_COPIES = 0xFFFFFF
"""an id and its copies differ only here"""
_ENVELOPE = (
    "id", "host", "sequence", "source", "type", "subject", "time", "received", "lane", "delivery", "clock",
    "vendorcode",
)  # fmt: skip
_WRITTEN = (
    "id", "site", "device", "type", "subject", "lane", "delivery", "clock", "host", "sequence", "source", "time",
    "received", "stored_at", "late", "vendorcode", "door", "zone", "fire_zone", "label", "data",
)  # fmt: skip
NOWHERE = Place()
OWN_HOST = "intake"
"""the host of the hub's own events and of people's, which pass no spool"""
_SEQUENCES = tables.sequences.c
_TAKE_SEQUENCES = Prepared(
    lambda _: (
        update(tables.sequences)
        .where(_SEQUENCES.site == bindparam("of_site"))
        .values(last=_SEQUENCES.last + bindparam("number"))
        .returning(_SEQUENCES.last)
    )
)
_BY_ID = Among([tables.events.c.id], tables.events.c.id, any_site=True)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """`n` numbers events in the order of their commits. `door` … `label` are the building's own, "" where it has
    none for this event."""

    n: int
    event: Event
    late: bool
    stored_at: datetime
    door: str
    zone: str
    fire_zone: str
    label: str


def unseen(tx: Transaction, events: Iterable[Event]) -> list[Event]:
    """Those that neither the store nor an earlier one of the batch has.

    A raising life event whose clock is suspect is never dropped on its id alone: received more than COPY_AFTER away
    from every one of that id, it comes back under an id of its own.
    """
    batch = list(events)
    ids = [event.id.bytes for event in batch]
    seen = {bytes(identity) for (identity,) in _BY_ID.rows(tx.connection, "", ids)}
    """of any site; the index answers without the row"""
    copies: dict[UUID, dict[UUID, datetime]] = {}
    fresh = []
    for event, identity in zip(batch, ids, strict=True):
        if event.clock == "suspect" and _raises(event):
            first = UUID(int=event.id.int & ~_COPIES)
            if first not in copies:
                copies[first] = _copies(tx, first)
            if (new := _if_new(event, copies[first])) is not None:
                copies[first][new.id] = new.received
                fresh.append(new)
        elif identity not in seen:
            seen.add(identity)
            fresh.append(event)
    return fresh


def add(tx: Transaction, events: Sequence[Event], building: Building | None = None) -> None:
    """Store events that `unseen` let through. The bytes of a quarantined frame go to the quarantine."""
    if not events:
        return
    kept = [_without_frame(tx, event) for event in numbered(tx, events)]
    seal = tx.keys.sealer("events", "data")
    stored_at = microseconds(tx.now)
    rows = [_row(event, building, stored_at, seal) for event in kept]
    add_plain(tx.connection, tables.events, _WRITTEN, rows)
    tx.touch("events", life=any(event.lane == "life" for event in kept))


def numbered(tx: Transaction, events: Sequence[Event]) -> list[Event]:
    """The hub's own events, which passed no spool, get their place in the site's own series."""
    own = [event for event in events if event.sequence is None]
    if not own:
        return list(events)
    following = count(_next_sequence(tx, own[0].site, len(own)))
    return [
        event.model_copy(update={"host": OWN_HOST, "sequence": next(following)}) if event.sequence is None else event
        for event in events
    ]


def _next_sequence(tx: Transaction, site: str, number: int) -> int:
    """The first of `number` sequence numbers of the hub's own events, never given out again."""
    put_new(tx.connection, tables.sequences, [{"site": site, "last": 0}])
    ((last,),) = _TAKE_SEQUENCES.rows(tx.connection, {"of_site": site, "number": number})
    return int(last) - number + 1


def get(tx: Transaction, site: str, event: UUID | str) -> StoredEvent | None:
    try:
        wanted = UUID(str(event))
    except ValueError:
        return None
    row = tx.connection.execute(
        select(tables.events).where(tables.events.c.site == site, tables.events.c.id == wanted)
    ).first()
    return None if row is None else stored_event(tx, row)


def listing(
    tx: Transaction,
    site: str,
    *,
    types: Sequence[str] = (),
    device: str | None = None,
    lane: Lane | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[StoredEvent]:
    """Newest commit first; `since` and `until` (exclusive) are of the events' own times."""
    table = tables.events.c
    where: list[ColumnElement[bool]] = [tables.events.c.site == site]
    if types:
        where.append(table.type.in_(types))
    if device is not None:
        where.append(table.device == device)
    if lane is not None:
        where.append(table.lane == lane)
    if since is not None:
        where.append(table.time >= since)
    if until is not None:
        where.append(table.time < until)
    query = select(tables.events).where(*where)
    return page(tx, query, [table.n], lambda row: stored_event(tx, row), cursor=cursor, limit=limit)


def points_heard(tx: Transaction, site: str) -> dict[str, set[str]]:
    """device → the points, as `zone/point`, that its fire events named."""
    table = tables.events.c
    query = select(table.device, table.subject).distinct()
    heard: dict[str, set[str]] = {}
    for row in tx.connection.execute(query.where(table.site == site, table.subject.like("zone/%/point/%"))):
        _, zone, _, point = row.subject.split("/", 3)
        heard.setdefault(row.device, set()).add(f"{zone}/{point}")
    return heard


def stored_event(tx: Transaction, row: Row[Any]) -> StoredEvent:
    found = row._mapping
    plain = tx.keys.unseal(found["data"], table="events", column="data", row=str(found["id"]))
    envelope = {name: found[name] for name in _ENVELOPE}
    return StoredEvent(
        n=found["n"],
        event=EVENT.validate_python(envelope | {"data": json.loads(plain)}),
        late=found["late"],
        stored_at=found["stored_at"],
        door=found["door"],
        zone=found["zone"],
        fire_zone=found["fire_zone"],
        label=found["label"],
    )


def _row(
    event: Event, building: Building | None, stored_at: int, seal: Callable[[bytes, str], bytes]
) -> tuple[object, ...]:
    """Its values of _WRITTEN, as the driver takes them: of all rows, these are written most."""
    _, _, site, said_by, *name = event.source.split("/")
    device = name[0] if said_by == "devices" else ""
    data = event.data
    place = NOWHERE
    if building is not None and device:
        said = vars(data).get
        place = building.place(device, door=said("door") or "", zone=said("zone") or "", point=said("point") or "")
    plain = data.__pydantic_serializer__.to_json(data, exclude_none=True)
    return (
        event.id.bytes,
        site,
        device,
        event.type,
        event.subject,
        event.lane,
        event.delivery,
        event.clock,
        event.host,
        event.sequence,
        event.source,
        microseconds(event.time),
        microseconds(event.received),
        stored_at,
        event.late,
        event.vendorcode,
        place.door,
        place.zone,
        place.fire_zone,
        place.label,
        seal(plain, str(event.id)),
    )


def _without_frame(tx: Transaction, event: Event) -> Event:
    if not isinstance(event, FrameQuarantined) or event.data.frame is None:
        return event
    quarantine.add(
        tx,
        quarantine.QuarantinedFrame(
            id=event.data.quarantine,
            site=event.site,
            device=event.device,
            host=event.host or "",
            lane=event.lane,
            topic=event.data.topic or "",
            received=event.received,
            reason=event.data.reason,
            frame=quarantine.frame_bytes(event.data.frame),
        ),
    )
    return event.model_copy(update={"data": event.data.model_copy(update={"frame": None})})


def _raises(event: Event) -> bool:
    return event.lane == "life" and event.type in _RAISING and vars(event.data).get("active", True)


def _copies(tx: Transaction, first: UUID) -> dict[UUID, datetime]:
    """What was stored under an id or as a copy of it, and when it was received: they differ in their last bits."""
    table = tables.events.c
    query = select(table.id, table.received)
    rows = tx.connection.execute(query.where(table.id.between(first, UUID(int=first.int | _COPIES))))
    return {row.id: row.received for row in rows}


def _if_new(event: Event, copies: Mapping[UUID, datetime]) -> Event | None:
    if not copies:
        return event
    if any(abs(event.received - received) <= COPY_AFTER for received in copies.values()):
        return None
    mixed = hashlib.sha256(f"{event.id}/{event.host}/{event.sequence}".encode()).digest()
    last = int.from_bytes(mixed[:3], "big")
    while (fresh := UUID(int=event.id.int & ~_COPIES | last)) in copies:
        last = (last + 1) & _COPIES
    return event.model_copy(update={"id": fresh})
