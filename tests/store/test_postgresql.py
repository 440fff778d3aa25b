"""What only a server shows: lost connections, timeouts, rights, two processes at once."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from hub.store import visits
from hub.store.database import Priority, Store, StoreAway, Transaction
from hub.store.engines import UnusableUrl
from hub.store.sealing import Keys
from tests.postgresql import PASSWORD, Server
from tests.store.examples import SITE, visit

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(postgresql: Server) -> str:
    return postgresql.emptied()


@pytest.fixture
def url(postgresql: Server, database: str) -> str:
    return postgresql.url(database)


@pytest.fixture
def empty(postgresql: Server) -> Iterator[str]:
    """A database without any table."""
    name = postgresql.create()
    yield name
    postgresql.drop(name)


@pytest.fixture
async def short(store: Store) -> Store:
    """The store, with a writer that waits a fraction of a second where it would wait seconds."""

    def hurry(tx: Transaction) -> None:
        waits = {"lock_timeout": 100, "statement_timeout": 300, "idle_in_transaction_session_timeout": 100}
        for name, milliseconds in waits.items():
            tx.connection.exec_driver_sql(f"SET {name} = {milliseconds}")

    await store.write(Priority.ROUTINE, hurry)
    return store


def kept(tx: Transaction) -> int:
    return visits.counts(tx, SITE)["expected"]


def backend(tx: Transaction) -> int:
    return int(tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


async def until_back(store: Store, within: float = 20) -> None:
    until = time.monotonic() + within
    while True:
        try:
            await store.probe()
        except StoreAway:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        else:
            return


async def test_every_session_has_its_timeouts_and_commits_to_the_disk(
    url: str, keys: Keys, database: str, postgresql: Server
) -> None:
    postgresql.run(f"ALTER DATABASE {database} SET synchronous_commit = off")
    store = Store(url, keys)
    await store.open()

    def settings(tx: Transaction) -> list[object]:
        names = (
            "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation",
            "transaction_read_only", "synchronous_commit",
        )  # fmt: skip
        return [tx.connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    for _ in range(2):
        assert await store.write(Priority.ROUTINE, settings) == ["30s", "5s", "30s", "read committed", "off", "on"]
        assert await store.read(settings) == ["30s", "5s", "30s", "repeatable read", "on", "on"]
    await store.close()
    postgresql.run(f"ALTER DATABASE {database} RESET synchronous_commit")


async def test_a_connection_lost_in_the_middle_leaves_nothing_and_comes_back(store: Store) -> None:
    def cut(tx: Transaction) -> None:
        visits.put(tx, [visit("v1")])
        os.kill(backend(tx), signal.SIGKILL)
        visits.put(tx, [visit("v2")])

    with pytest.raises(StoreAway):
        await store.write(Priority.LIFE, cut)
    await until_back(store)
    assert await store.read(kept) == 0
    await store.write(Priority.LIFE, lambda tx: visits.put(tx, [visit()]))
    assert await store.read(kept) == 1


async def test_a_reader_that_loses_its_connection_says_so_and_the_next_one_reads(
    store: Store, postgresql: Server
) -> None:
    def cut(tx: Transaction) -> int:
        postgresql.run(f"SELECT pg_terminate_backend({backend(tx)})")
        return kept(tx)

    with pytest.raises(StoreAway):
        await store.read(cut)
    assert await store.read(kept) == 0


async def test_connections_lost_while_nobody_used_them_are_not_noticed(store: Store, postgresql: Server) -> None:
    await store.read(kept)
    postgresql.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'front%'")
    await store.write(Priority.LIFE, lambda tx: visits.put(tx, [visit()]))
    assert await store.read(kept) == 1


async def test_while_the_server_is_down_the_store_is_away_and_then_goes_on_alone(
    store: Store, url: str, keys: Keys, postgresql: Server
) -> None:
    await store.write(Priority.ROUTINE, lambda tx: visits.put(tx, [visit("v1")]))
    postgresql.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreAway):
                await store.write(Priority.LIFE, lambda tx: visits.put(tx, [visit("v2")]))
            with pytest.raises(StoreAway):
                await store.read(kept)
        late = Store(url, keys)
        with pytest.raises(StoreAway):
            await late.open()
        await late.close()
    finally:
        postgresql.start()
    assert await store.read(kept) == 1
    await store.write(Priority.LIFE, lambda tx: visits.put(tx, [visit("v2")]))
    assert await store.read(kept) == 2


async def test_who_listens_is_told_of_a_commit_whose_answer_was_lost(store: Store) -> None:
    def answer_lost(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        driver.close()

    def raised(tx: Transaction) -> None:
        visits.put(tx, [visit()])
        tx.touch("alerts", life=True)

    heard = store.changes.subscribe()
    event.listen(store._writing, "commit", answer_lost, once=True)
    with pytest.raises(StoreAway):
        await store.write(Priority.LIFE, raised)
    assert await store.read(kept) == 1
    await store.probe()
    change = await asyncio.wait_for(anext(heard), 5)
    assert (change.topics, change.life) == (frozenset({"visits", "alerts"}), True)


async def test_a_writer_that_another_holds_up_is_said_as_away(short: Store, url: str, keys: Keys) -> None:
    other = Store(url, keys)
    await other.open()
    begun, go_on = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        begun.set()
        go_on.wait(10)

    holding = asyncio.ensure_future(other.write(Priority.ROUTINE, hold))
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(StoreAway, match="lock timeout"):
        await short.write(Priority.LIFE, kept)
    go_on.set()
    await holding
    await other.close()
    await short.write(Priority.LIFE, kept)


async def test_a_statement_that_never_ends_is_said_as_away(short: Store) -> None:
    with pytest.raises(StoreAway, match="statement timeout"):
        await short.write(Priority.LIFE, lambda tx: tx.connection.exec_driver_sql("SELECT pg_sleep(30)"))
    await short.write(Priority.LIFE, kept)


async def test_a_transaction_that_falls_silent_gives_its_lock_back(short: Store) -> None:
    def silent(tx: Transaction) -> None:
        visits.put(tx, [visit()])
        time.sleep(0.5)
        visits.put(tx, [visit("v2")])

    with pytest.raises(StoreAway):
        await short.write(Priority.LIFE, silent)
    assert await short.write(Priority.LIFE, kept) == 0


async def test_what_the_database_can_never_take_is_not_said_as_away(store: Store) -> None:
    """Else it would be tried for ever, and all that comes behind it would wait."""
    too_long_for_an_index = os.urandom(6000).hex()
    for refused in (visit(ref=too_long_for_an_index), visit(ref="\x00"), visit(kind=None)):
        with pytest.raises(Exception, match=r".") as caught:
            await store.write(Priority.LIFE, lambda tx, one=refused: visits.put(tx, [one]))  # type: ignore[misc]
        assert not isinstance(caught.value, StoreAway)


OPENING = """
import asyncio, sys
from pathlib import Path
from hub.store.database import Store
from hub.store.sealing import Keys

async def main():
    store = Store(sys.stdin.read(), Keys.load_or_create(Path(sys.argv[1])))
    await store.open()
    await store.close()

asyncio.run(main())
"""


async def test_two_processes_that_start_at_once_make_the_tables_once(
    postgresql: Server, empty: str, keys: Keys, tmp_path: Path
) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", OPENING, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = await asyncio.gather(*(asyncio.to_thread(one.communicate, postgresql.url(empty).encode()) for one in both))
    assert [one.returncode for one in both] == [0, 0], said
    store = Store(postgresql.url(empty), keys)
    await store.open()
    assert await store.read(kept) == 0
    await store.close()


async def test_why_a_database_cannot_be_opened_is_said_without_its_password(
    postgresql: Server, database: str, empty: str, keys: Keys
) -> None:
    postgresql.run("REVOKE ALL ON SCHEMA public FROM PUBLIC, pg_database_owner", database=empty)
    postgresql.run("ALTER SCHEMA public OWNER TO postgres", database=empty)
    right = postgresql.url(database)
    written = PASSWORD.replace(" ", "%20")
    for url, reason in (
        (right.replace(written, "something"), "password authentication failed"),
        (postgresql.url("nowhere"), "does not exist"),
        (postgresql.url(empty), "permission denied for schema public|no schema has been selected"),
    ):
        store = Store(url, keys)
        with pytest.raises(StoreAway, match=reason) as caught:
            await store.open()
        assert written not in str(caught.value)
        assert PASSWORD not in str(caught.value)
        await store.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://hub:secret@localhost/hub", "can't be read"),
        ("postgresql+psycopg://hub:secret@localhost:door/hub", "can't be read"),
        ("hub.db", "can't be read"),
        ("mysql://hub:secret@localhost/hub", "isn't installed"),
    ],
)
def test_a_url_that_names_no_database_is_refused_without_its_password(url: str, reason: str, keys: Keys) -> None:
    with pytest.raises(UnusableUrl, match=reason) as caught:
        Store(url, keys)
    assert "secret" not in str(caught.value)


async def test_the_audit_cannot_be_emptied(store: Store) -> None:
    for act in ("TRUNCATE audit", "DELETE FROM audit", "UPDATE audit SET who = 'x'"):
        with pytest.raises(Exception, match="append-only"):
            await store.write(Priority.PERSON, lambda tx, act=act: tx.connection.execute(text(act)))  # type: ignore[misc]
