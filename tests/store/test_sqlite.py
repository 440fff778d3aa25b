"""What only a SQLite file shows: bytes on the disk, a full disk, a lock held by another, a killed process."""

import asyncio
import base64
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from hub.core.device_events import FrameQuarantined, Quarantined
from hub.core.effects import ParcelBecomes, PersonBecomes, SendCommand, SendNotice, VisitBecomes
from hub.store import accounts, audit, deadlines, devices, effects, events, visits
from hub.store.accounts import User
from hub.store.database import Priority, Store, StoreAway, Transaction
from hub.store.devices import DeviceStatus
from hub.store.sealing import Keys
from tests.store.examples import (
    NAME,
    PERSONAL,
    PHONE,
    SITE,
    T,
    command,
    granted,
    notice,
    parcel,
    person,
    stored,
    visit,
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hub.db'}"


def states(tx: Transaction) -> dict[str, int]:
    return {state: number for state, number in visits.counts(tx, SITE).items() if number}


async def test_what_is_committed_is_on_the_disk(store: Store) -> None:
    def pragmas(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    full = 2
    assert await store.write(Priority.ROUTINE, pragmas) == ["wal", full, 1]


async def test_nothing_personal_can_be_read_off_the_disk(store: Store, tmp_path: Path) -> None:
    unread = FrameQuarantined(
        id=uuid4(), source=f"/sites/{SITE}/devices/gate-1", time=T, received=T, lane="routine", host="hub-1",
        sequence=77,
        data=Quarantined(reason="not JSON", quarantine="q1", frame=base64.b64encode(f"x{NAME}".encode()).decode()),
    )  # fmt: skip
    status = DeviceStatus.read(
        {
            "site": SITE, "device": "unknown.x", "host": "hub-1", "adapter": "face_mqtt", "address": "x",
            "declared": False, "link": "online", "frames": [{"at": T, "hex": NAME.encode().hex(), "meaning": ["x"]}],
        }
    )  # fmt: skip
    assert status is not None

    def everything(tx: Transaction) -> None:
        events.add(tx, [granted(), stored(), unread])
        devices.save_status(tx, status)
        accounts.add_user(tx, SITE, User("u1", "front", NAME, "hash", "desk"))
        done = (
            VisitBecomes(visit(), "announced"),
            ParcelBecomes(parcel(), "stored"),
            PersonBecomes(person(), "front"),
            SendNotice(notice()),
            SendCommand(command()),
        )
        effects.add(tx, SITE, done, cause=None, at=T)

    await store.write(Priority.ROUTINE, everything)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith("hub.db"))
    assert b"3-1-1201" in written  # units stand in the open, so the files looked through are the right ones
    for value in (*PERSONAL, NAME.encode().hex(), "qinghe", base64.b64encode(f"x{NAME}".encode()).decode()):
        assert value.encode() not in written, value
    for value in (NAME, PHONE):
        assert value.encode("utf-16-le") not in written


async def test_a_commit_that_fails_leaves_nothing_and_reaches_the_caller(store: Store) -> None:
    def owing(tx: Transaction) -> None:
        visits.put(tx, [visit()])
        tx.connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        tx.connection.execute(
            text(
                "INSERT INTO credentials (site, id, person, kind, ref, sealed) "
                "VALUES ('b1', 'c', 'nobody', 'card', '', x'00')"
            )
        )

    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.write(Priority.PERSON, owing)
    assert await store.read(states) == {}


async def test_a_full_disk_is_said_as_away_and_the_store_goes_on_afterwards(store: Store) -> None:
    def without_room(tx: Transaction) -> None:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(2_000):
            visits.put(tx, [visit(f"v{number}")])

    def with_room(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
        visits.put(tx, [visit()])

    with pytest.raises(StoreAway, match="full"):
        await store.write(Priority.ROUTINE, without_room)
    with pytest.raises(StoreAway):
        await store.write(Priority.ROUTINE, without_room)
    assert await store.read(states) == {}
    await store.write(Priority.ROUTINE, with_room)
    assert await store.read(states) == {"expected": 1}


async def test_a_database_that_someone_else_holds_is_said_as_away(store: Store, url: str) -> None:
    await store.write(Priority.ROUTINE, lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway, match="locked"):
        await store.probe()
    other.execute("ROLLBACK")
    other.close()
    await store.probe()


async def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path, keys: Keys) -> None:
    store = Store(f"sqlite:///{tmp_path / 'missing' / 'hub.db'}", keys)
    with pytest.raises(StoreAway):
        await store.open()
    await store.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from hub.store import deadlines, visits
from hub.store.database import Priority, Store
from hub.store.sealing import Keys
from tests.store.examples import deadline, visit

def both(tx, number):
    visits.put(tx, [visit(f"v{number}")])
    deadlines.put(tx, [deadline(f"overstay/v{number}")])

async def main():
    folder = Path(sys.argv[1])
    store = Store(f"sqlite:///{folder / 'killed.db'}", Keys.load_or_create(folder))
    await store.open()
    for number in range(1_000_000):
        await store.write(Priority.ROUTINE, lambda tx: both(tx, number))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 23, 60])
async def test_a_killed_writer_leaves_all_that_it_was_told_is_kept_and_nothing_in_halves(
    tmp_path: Path, keys: Keys, after: int
) -> None:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as said:
        confirmed = -1
        while confirmed < after:
            confirmed = int(await asyncio.to_thread(said.readline))
        process.send_signal(signal.SIGKILL)
        confirmed = max([confirmed, *map(int, said.read().split())])
    process.wait(10)
    store = Store(f"sqlite:///{tmp_path / 'killed.db'}", keys)
    await store.open()
    kept = (await store.read(states))["expected"]
    timers = await store.read(lambda tx: len(deadlines.due(tx, T, 1_000_000)))
    check = await store.read(lambda tx: tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar())
    await store.close()
    assert check == "ok"
    assert kept == timers
    assert kept in (confirmed + 1, confirmed + 2)


async def test_a_forged_audit_row_is_found(store: Store) -> None:
    def acts(tx: Transaction) -> None:
        for number in range(5):
            audit.add(tx, SITE, T, "front", "lobby", "visit.opened", f"v{number}", {"state": "open"})
            audit.add(tx, "b2", T, "front", "lobby", "visit.opened", f"w{number}")

    def forge(tx: Transaction) -> None:
        tx.connection.execute(text("DROP TRIGGER audit_no_update"))
        tx.connection.execute(text("UPDATE audit SET who = 'x' WHERE target = 'v3'"))

    await store.write(Priority.PERSON, acts)
    assert await store.read(lambda tx: audit.verify(tx, SITE)) is None
    await store.write(Priority.PERSON, forge)
    broken = await store.read(lambda tx: audit.verify(tx, SITE))
    assert broken is not None
    assert broken.target == "v3"
    assert await store.read(lambda tx: audit.verify(tx, "b2")) is None


async def test_a_file_that_is_no_database_is_said_so_and_left_alone(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"something else" * 1000)
    store = Store(f"sqlite:///{path}", keys)
    with pytest.raises(StoreAway, match="not a database"):
        await store.open()
    await store.close()
    assert path.read_bytes() == b"something else" * 1000
