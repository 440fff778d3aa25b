"""Lists by pages: each row once, newest first, whatever the cursor is given."""

import base64
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.store import audit, events, incidents, outbox, parcels, people, quarantine, tables, visits
from hub.store.database import Priority, Store, Transaction
from hub.store.paging import SCAN, BadCursor, Page, _after
from tests.store.examples import MINUTE, SITE, T, alert, command, granted, incident, notice, parcel, person, visit

MANY = 1_000


def fill(tx: Transaction) -> None:
    """Neighbours share their time, so that only the second part of the sort key tells them apart."""
    at = [T + (number // 7) * MINUTE for number in range(MANY)]
    visits.put(tx, [visit(f"v{n:04}", starts=at[n], name=f"客{n}") for n in range(MANY)])
    parcels.put(tx, [parcel(f"k{n:04}", stored_at=at[n]) for n in range(MANY)])
    incidents.put_alerts(tx, [alert(f"a{n:04}", raised_at=at[n]) for n in range(MANY)])
    incidents.put_incidents(tx, [incident(f"i{n:04}", opened_at=at[n]) for n in range(MANY)])
    people.save(tx, *(person(f"p{n:04}", unit=f"{n // 7}", credentials=()) for n in range(MANY)))
    outbox.add_notices(tx, [notice(f"n{n:04}", created_at=at[n]) for n in range(MANY)])
    outbox.add_commands(tx, [command(created_at=at[n]) for n in range(MANY)])
    events.add(tx, [granted(n) for n in range(MANY)])
    for number in range(MANY):
        audit.add(tx, SITE, T, "front", "", "act", str(number))
        quarantine.add_bytes(tx, SITE, str(number).encode(), reason="x")


Listing = Callable[..., Page[Any]]


async def test_pages_hold_each_of_a_thousand_rows_once_newest_first(store: Store) -> None:
    await store.write(Priority.ROUTINE, fill)
    listings: list[tuple[Listing, Callable[[Any], Any]]] = [
        (visits.listing, lambda v: (v.starts, v.id)),
        (parcels.listing, lambda k: (k.stored_at, k.id)),
        (incidents.alert_listing, lambda a: (a.raised_at, a.id)),
        (incidents.listing, lambda i: (i.opened_at, i.id)),
        (people.listing, lambda p: (p.unit, p.id)),
        (outbox.notice_listing, lambda n: (n.created_at, n.key)),
        (outbox.command_listing, lambda c: (c.created_at, str(c.command.id))),
        (events.listing, lambda e: e.n),
        (audit.listing, lambda a: a.n),
        (quarantine.listing, lambda q: int(q.frame)),
    ]
    for listing, key in listings:
        found: list[Any] = []
        cursor = None
        pages = 0
        while True:
            page = await store.read(lambda tx, one=listing, at=cursor: one(tx, SITE, cursor=at, limit=137))  # type: ignore[misc]
            found += map(key, page.items)
            pages += 1
            assert page.total in (None, MANY)
            if page.next is None:
                break
            cursor = page.next
        assert pages == 8
        assert len(set(found)) == MANY, listing
        assert found == sorted(found, reverse=True), listing


async def test_filters_of_visits_and_parcels(store: Store) -> None:
    def some(tx: Transaction) -> None:
        ends = tx.now - MINUTE
        visits.put(
            tx,
            [
                visit("v1"), visit("v2", state="open", opened_at=T, ends=ends, name="钱多"),
                visit("v3", state="open", opened_at=T + 2 * MINUTE, ends=None, plate="京A·00001"),
                visit("v4", state="departed", ends=ends),
            ],
        )  # fmt: skip
        parcels.put(
            tx,
            [
                parcel("k1"), parcel("k2", overdue=True, tracking="SF0001"),
                parcel("k3", state="collected", overdue=True),
            ],
        )  # fmt: skip

    await store.write(Priority.PERSON, some)

    async def ids(listing: Listing, **wanted: Any) -> list[str]:
        return [item.id for item in (await store.read(lambda tx: listing(tx, SITE, **wanted))).items]

    assert await ids(visits.listing, state=("open",)) == ["v3", "v2"]
    assert await ids(visits.listing, overstay=True) == ["v2"]
    assert await ids(visits.listing, text="京a") == ["v3"]
    assert await ids(visits.listing, text=" 钱 ") == ["v2"]
    assert await ids(visits.listing, text="1201", state=("expected",)) == ["v1"]
    assert await ids(visits.listing, day=(T + MINUTE, T + 3 * MINUTE)) == ["v3"]
    assert await ids(parcels.listing, overdue=True) == ["k2"]
    assert await ids(parcels.listing, text="sf0") == ["k2"]
    assert await ids(parcels.listing, state=("collected",)) == ["k3"]
    assert await store.read(lambda tx: visits.counts(tx, SITE)) == {
        "expected": 1, "waiting": 0, "open": 2, "departed": 1, "cancelled": 0, "overstay": 1,
    }  # fmt: skip
    assert await store.read(lambda tx: parcels.counts(tx, SITE)) == {
        "stored": 2, "collected": 1, "withdrawn": 0, "overdue": 1,
    }  # fmt: skip


async def test_a_text_search_opens_a_bounded_number_of_rows_and_goes_on_from_there(store: Store) -> None:
    def fill_past_the_bound(tx: Transaction) -> None:
        first = [visit("needle", name="针", starts=T - MINUTE)]
        visits.put(tx, [*first, *(visit(f"v{n:05}", starts=T) for n in range(SCAN))])

    await store.write(Priority.ROUTINE, fill_past_the_bound)
    short = await store.read(lambda tx: visits.listing(tx, SITE, text="针"))
    assert short.items == ()
    assert short.next is not None
    rest = await store.read(lambda tx: visits.listing(tx, SITE, text="针", cursor=short.next))
    assert ([v.id for v in rest.items], rest.next) == (["needle"], None)


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "[null]", "[1,2]", '[{"at":1}]', '[{"at":1},"\\ud800"]', '[{"at":1},7]', '[{"at":1},"\\u0000"]',
        f'[{{"at":{2**70}}},"x"]', '{"a":1}',
    ],
)  # fmt: skip
async def test_a_made_up_cursor_is_refused(store: Store, content: str) -> None:
    made_up = base64.urlsafe_b64encode(content.encode()).decode() or "="
    for listing in (visits.listing, parcels.listing):
        with pytest.raises(BadCursor):
            await store.read(lambda tx, one=listing: one(tx, SITE, cursor=made_up))  # type: ignore[misc]


@settings(deadline=None, derandomize=True)
@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_cursor_is_worse_than_refused(cursor: str) -> None:
    with contextlib.suppress(BadCursor):
        _after(cursor, [tables.visits.c.at, tables.visits.c.id])
