"""Once in effect: a repeat is dropped, and a second fire under an old id is not."""

from datetime import timedelta
from typing import Any

from hub.core.events import Event
from hub.core.fire_events import FireCondition, FireNormal, FirePoint
from hub.store import events
from hub.store.database import Priority, Store, Transaction
from tests.store.examples import MINUTE, SITE, T, fire, granted


def take(tx: Transaction, batch: list[Event]) -> list[Event]:
    fresh = events.unseen(tx, batch)
    events.add(tx, fresh)
    return fresh


async def taken(store: Store, *batch: Event) -> list[int | None]:
    """The sequences of those that were new."""
    fresh = await store.write(Priority.LIFE, lambda tx: take(tx, list(batch)))
    return [event.sequence for event in fresh]


async def test_a_repeat_in_the_batch_and_one_in_the_store_are_dropped(store: Store) -> None:
    first, again = granted(1), granted(1, sequence=7)
    assert await taken(store, first, again, granted(2)) == [1, 2]
    assert await taken(store, again, granted(3), granted(2)) == [3]


async def test_a_batch_of_any_size_is_looked_up(store: Store) -> None:
    every = [granted(number) for number in range(1_500)]
    assert len(await taken(store, *every)) == 1_500
    assert await taken(store, *every, granted(1_500)) == [1_500]


def suspect(sequence: int, after: timedelta, **changes: Any) -> Event:
    """The same line of a panel whose clock stands still."""
    return fire(900, sequence=sequence, received=T + after, clock="suspect", **changes)


async def test_a_wrong_clocks_second_fire_is_a_new_one(store: Store) -> None:
    assert await taken(store, suspect(1, timedelta())) == [1]
    assert await taken(store, suspect(2, 9 * MINUTE)) == []  # a resend
    assert await taken(store, suspect(3, 11 * MINUTE)) == [3]
    assert await taken(store, suspect(3, 11 * MINUTE)) == []  # the same row of the spool, sent again by its host
    assert await taken(store, suspect(1, timedelta())) == []
    assert await taken(store, suspect(4, 20 * MINUTE)) == []  # a resend of the second
    assert await taken(store, suspect(5, 22 * MINUTE)) == [5]
    listed = await store.read(lambda tx: events.listing(tx, SITE))
    assert len({item.event.id for item in listed.items}) == 3
    assert all(item.event.id.version == 8 for item in listed.items)
    assert {item.event.id.int >> 80 for item in listed.items} == {fire(900).id.int >> 80}


async def test_within_one_batch_too(store: Store) -> None:
    batch = (suspect(1, timedelta()), suspect(2, MINUTE), suspect(3, 15 * MINUTE), suspect(3, 15 * MINUTE))
    assert await taken(store, *batch) == [1, 3]


async def test_a_repeat_is_dropped_where_the_clock_is_right_or_nothing_is_raised(store: Store) -> None:
    quiet = FireCondition(active=False, zone="1", point="7")
    assert await taken(store, fire(900, sequence=1)) == [1]
    assert await taken(store, fire(900, sequence=2, received=T + 30 * MINUTE)) == []
    assert await taken(store, fire(901, sequence=3, clock="suspect", data=quiet)) == [3]
    assert await taken(store, fire(901, sequence=4, clock="suspect", data=quiet, received=T + 30 * MINUTE)) == []
    like = fire(902, sequence=5, clock="suspect").model_dump(exclude={"type", "data"})
    normal = FireNormal(**like, data=FirePoint(zone="1", point="7"))
    assert await taken(store, normal) == [5]
    assert await taken(store, normal.model_copy(update={"sequence": 6, "received": T + 30 * MINUTE})) == []


async def test_another_fire_of_that_moment_is_its_own(store: Store) -> None:
    """Two points, or two records of one point, are two ids, whatever the clock says."""
    assert await taken(store, suspect(1, timedelta()), fire(901, sequence=2, clock="suspect")) == [1, 2]


async def test_the_hubs_own_events_are_numbered_in_the_sites_own_series(store: Store) -> None:
    await taken(store, granted(1, host=None, sequence=None), granted(2))
    await taken(store, granted(3, host=None, sequence=None))
    listed = await store.read(lambda tx: events.listing(tx, SITE))
    assert [(kept.event.host, kept.event.sequence) for kept in listed.items] == [
        ("intake", 2),
        ("hub-1", 2),
        ("intake", 1),
    ]
