"""One writer by priority, readers beside it, whole transactions or nothing."""

import asyncio
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from hub.store import audit, deadlines, visits
from hub.store.database import KeysWrong, Priority, Store, StoreAway, StoreClosed, Transaction
from hub.store.migrate import MIGRATIONS, NEWEST, NewerSchema
from hub.store.sealing import Keys
from hub.store.tables import metadata
from tests.store.examples import SITE, T, deadline, visit


def states(tx: Transaction) -> dict[str, int]:
    return {state: number for state, number in visits.counts(tx, SITE).items() if number}


async def test_the_migrations_make_exactly_the_tables_that_the_code_uses(store: Store) -> None:
    def differences(tx: Transaction) -> list[object]:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    assert await store.read(differences) == []


def test_the_newest_schema_is_that_of_the_last_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [NEWEST]


async def test_what_is_written_is_there_for_readers_and_after_a_restart(store: Store, url: str, keys: Keys) -> None:
    await store.write(Priority.ROUTINE, lambda tx: visits.put(tx, [visit()]))
    assert await store.read(lambda tx: visits.get(tx, SITE, "v1")) == visit()
    await store.close()
    again = Store(url, keys)
    await again.open()
    assert await again.read(lambda tx: visits.get(tx, SITE, "v1")) == visit()
    await again.close()


async def test_work_that_raises_leaves_nothing_and_its_error_reaches_the_caller(store: Store) -> None:
    def half(tx: Transaction) -> None:
        visits.put(tx, [visit()])
        raise LookupError("half way")

    heard = store.changes.subscribe()
    with pytest.raises(LookupError, match="half way"):
        await store.write(Priority.PERSON, half)
    assert await store.read(states) == {}
    await store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [deadline()]))
    assert (await anext(heard)).topics == {"deadlines"}


async def test_work_can_see_that_life_waits_for_its_end(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def routine(tx: Transaction) -> tuple[bool, bool]:
        before = tx.life_waits()
        begun.set()
        go_on.wait(10)
        return before, tx.life_waits()

    seen = asyncio.ensure_future(store.write(Priority.ROUTINE, routine))
    await asyncio.to_thread(begun.wait, 10)
    person = asyncio.ensure_future(store.write(Priority.PERSON, lambda tx: None))
    life = asyncio.ensure_future(store.write(Priority.LIFE, lambda tx: None))
    await asyncio.sleep(0)
    go_on.set()
    assert await seen == (False, True)
    await asyncio.gather(person, life)


async def test_a_life_write_overtakes_a_hundred_that_wait(store: Store) -> None:
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def blocking(tx: Transaction) -> None:
        begun.set()
        go_on.wait(10)

    first = asyncio.ensure_future(store.write(Priority.ROUTINE, blocking))
    await asyncio.to_thread(begun.wait, 10)
    waiting = [
        asyncio.ensure_future(store.write(Priority.ROUTINE, lambda tx, i=i: order.append(f"routine {i}")))  # type: ignore[misc]
        for i in range(100)
    ]
    asked = [
        asyncio.ensure_future(store.write(priority, lambda tx, name=name: order.append(name)))  # type: ignore[misc]
        for priority, name in [
            (Priority.DISPATCH, "dispatch"),
            (Priority.DEADLINE, "deadline"),
            (Priority.PERSON, "person"),
            (Priority.LIFE, "life"),
        ]
    ]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *waiting, *asked)
    assert order == ["life", "person", "deadline", "dispatch", *(f"routine {i}" for i in range(100))]


async def test_readers_read_while_a_write_is_under_way_and_see_what_is_committed(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        visits.put(tx, [visit()])
        begun.set()
        go_on.wait(10)

    writing = asyncio.ensure_future(store.write(Priority.ROUTINE, slow))
    await asyncio.to_thread(begun.wait, 10)
    assert await asyncio.wait_for(store.read(states), 5) == {}
    go_on.set()
    await writing
    assert await store.read(states) == {"expected": 1}


async def test_an_answer_is_of_one_moment(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def twice(tx: Transaction) -> tuple[dict[str, int], dict[str, int]]:
        first = states(tx)
        begun.set()
        go_on.wait(10)
        return first, states(tx)

    reading = asyncio.ensure_future(store.read(twice))
    await asyncio.to_thread(begun.wait, 10)
    await store.write(Priority.ROUTINE, lambda tx: visits.put(tx, [visit()]))
    go_on.set()
    assert await reading == ({}, {})


async def test_two_processes_write_one_after_the_other(store: Store, url: str, keys: Keys) -> None:
    """A command beside a running hub: each row of the audit follows from the one before it, whoever wrote that."""
    beside = Store(url, keys)
    await beside.open()

    def act(tx: Transaction) -> None:
        for number in range(3):
            audit.add(tx, SITE, T, "front", "lobby", "visit.opened", f"v{number}")

    await asyncio.gather(*(one.write(Priority.PERSON, act) for one in (store, beside) for _ in range(10)))
    assert await store.read(lambda tx: audit.verify(tx, SITE)) is None
    assert len((await beside.read(lambda tx: audit.listing(tx, SITE, limit=100))).items) == 60
    await beside.close()


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await store.read(lambda tx: visits.put(tx, [visit()]))
    assert await store.read(states) == {}


async def test_closing_finishes_the_work_under_way_and_refuses_the_rest(url: str, keys: Keys) -> None:
    store = Store(url, keys)
    await store.open()
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> str:
        begun.set()
        go_on.wait(10)
        return "done"

    under_way = asyncio.ensure_future(store.write(Priority.ROUTINE, slow))
    await asyncio.to_thread(begun.wait, 10)
    pending = [asyncio.ensure_future(store.write(Priority.LIFE, states)) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert await under_way == "done"
    for waiting in pending:
        with pytest.raises(StoreClosed, match="before this was written"):
            await waiting
    with pytest.raises(StoreClosed):
        await store.write(Priority.LIFE, states)
    with pytest.raises(StoreClosed):
        await store.read(states)


async def test_a_cancelled_wait_is_not_written(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def blocking(tx: Transaction) -> None:
        begun.set()
        go_on.wait(10)

    first = asyncio.ensure_future(store.write(Priority.ROUTINE, blocking))
    await asyncio.to_thread(begun.wait, 10)
    given_up = asyncio.ensure_future(store.write(Priority.ROUTINE, lambda tx: visits.put(tx, [visit()])))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await first
    await store.probe()
    assert await store.read(states) == {}


async def test_a_broken_statement_is_not_taken_for_an_absent_database(store: Store) -> None:
    with pytest.raises(Exception, match="nowhere") as caught:
        await store.write(Priority.ROUTINE, lambda tx: tx.connection.execute(text("SELECT * FROM nowhere")))
    assert not isinstance(caught.value, StoreAway)


async def test_another_key_file_is_noticed_before_anything_is_sealed_with_it(
    store: Store, url: str, tmp_path: Path
) -> None:
    await store.write(Priority.ROUTINE, lambda tx: visits.put(tx, [visit()]))
    other = Store(url, Keys.load_or_create(tmp_path / "elsewhere"))
    with pytest.raises(KeysWrong):
        await other.open()
    await other.close()


async def test_a_database_of_a_newer_release_is_left_alone(store: Store, url: str, keys: Keys) -> None:
    await store.write(
        Priority.ROUTINE, lambda tx: tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    await store.close()
    older = Store(url, keys)
    with pytest.raises(NewerSchema, match="9999"):
        await older.open()
    await older.close()


async def test_a_slow_listener_hears_the_sum_and_life_is_not_lost_in_it(store: Store) -> None:
    slow, closed = store.changes.subscribe(), store.changes.subscribe()
    closed.close()
    await store.write(Priority.ROUTINE, lambda tx: tx.touch("visits"))
    await store.write(Priority.LIFE, lambda tx: tx.touch("alerts", life=True))
    await store.write(Priority.ROUTINE, lambda tx: tx.touch("parcels"))
    await store.write(Priority.ROUTINE, lambda tx: None)
    change = await anext(slow)
    assert (change.topics, change.life) == (frozenset({"visits", "alerts", "parcels"}), True)
    await store.write(Priority.ROUTINE, lambda tx: tx.touch("doors"))
    change = await anext(slow)
    assert (change.topics, change.life) == (frozenset({"doors"}), False)
    assert [change async for change in closed] == []


async def test_the_audit_log_cannot_be_changed(store: Store) -> None:
    await store.write(Priority.PERSON, lambda tx: audit.add(tx, SITE, T, "front", "lobby", "visit.opened", "v1"))
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"):
            await store.write(Priority.PERSON, lambda tx, s=statement: tx.connection.execute(text(s)))  # type: ignore[misc]
    assert [row.who for row in (await store.read(lambda tx: audit.listing(tx, SITE))).items] == ["front"]
