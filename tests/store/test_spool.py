"""The spool: what was told kept is on disk, whoever dies; nothing is numbered twice; a failing disk is said."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hub.core.commands import OpenDoor
from hub.store.sealing import Keys
from hub.store.spool import Draft, Spool, SpoolAway
from tests.disk import away, held

NOW = datetime(2026, 4, 10, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path)


@pytest.fixture
async def spool(tmp_path: Path, keys: Keys) -> AsyncIterator[Spool]:
    opened = Spool(tmp_path / "spool.db", keys)
    await opened.open()
    yield opened
    await opened.close()


def drafts(*payloads: bytes) -> list[Draft]:
    return [Draft("routine", "gate-1", payload) for payload in payloads]


def door_command() -> OpenDoor:
    return OpenDoor(id=uuid4(), site="b1", device="gate-1", expires=NOW + timedelta(minutes=1), by="front", door="1")


async def reopened(tmp_path: Path, keys: Keys) -> Spool:
    spool = Spool(tmp_path / "spool.db", keys)
    await spool.open()
    return spool


async def test_rows_come_back_in_order_lane_by_lane(spool: Spool) -> None:
    first = await spool.append([Draft("routine", "a", b"1"), Draft("life", "b", b"2"), Draft("routine", "a", b"3")])
    assert [row.sequence for row in first] == [1, 2, 3]
    assert [row.payload for row in await spool.after("routine", 0, 10)] == [b"1", b"3"]
    assert [row.payload for row in await spool.after("routine", 1, 10)] == [b"3"]
    assert [row.payload for row in await spool.after("life", 0, 10)] == [b"2"]
    assert await spool.waiting() == (1, 3, 3)


async def test_how_many_rows_of_a_device_wait_is_known_also_after_a_restart(
    tmp_path: Path, keys: Keys, spool: Spool
) -> None:
    await spool.append([Draft("routine", "a", b"1"), Draft("life", "b", b"2"), Draft("routine", "a", b"3")])
    assert [spool.rows_of(device) for device in ("a", "b", "c")] == [2, 1, 0]
    await spool.forget([(1, 2), (9, 12)])
    await spool.forget([(1, 2)])
    assert [spool.rows_of(device) for device in ("a", "b", "c")] == [1, 0, 0]
    async with away(spool):
        with pytest.raises(SpoolAway):
            await spool.append(drafts(b"4"))
    assert spool.rows_of("gate-1") == 0
    await spool.close()
    again = await reopened(tmp_path, keys)
    assert [again.rows_of(device) for device in ("a", "b", "gate-1")] == [1, 0, 0]
    await again.close()


async def test_a_number_is_never_given_twice_even_when_all_rows_are_gone(
    tmp_path: Path, keys: Keys, spool: Spool
) -> None:
    await spool.append(drafts(b"1", b"2", b"3"))
    await spool.forget([(1, 3)])
    await spool.close()
    again = await reopened(tmp_path, keys)
    assert await again.waiting() == (None, 3, 0)
    assert [row.sequence for row in await again.append(drafts(b"4"))] == [4]
    await again.close()


async def test_many_at_once_are_numbered_in_the_order_they_were_asked(spool: Spool) -> None:
    kept = await asyncio.gather(*(spool.append(drafts(b"%d" % n)) for n in range(300)))
    assert [rows[0].sequence for rows in kept] == list(range(1, 301))
    assert [row.payload for row in await spool.after("routine", 0, 500)] == [b"%d" % n for n in range(300)]


_WRITER = """
import asyncio, sys
from pathlib import Path
from hub.store.sealing import Keys
from hub.store.spool import Draft, Spool

async def main(folder):
    spool = Spool(folder / "spool.db", Keys.load_or_create(folder))
    await spool.open()
    number = 0
    while True:
        number += 1
        await spool.append([Draft("life", "panel", b"fire %d" % number)])
        print(number, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_what_was_said_to_be_kept_survives_kill_9(tmp_path: Path, keys: Keys) -> None:
    child = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    told = 0
    while told < 60:
        told = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    told = max([told, *map(int, child.stdout.read().split())])
    child.stdout.close()
    child.wait()
    spool = await reopened(tmp_path, keys)
    payloads = [row.payload for row in await spool.after("life", 0, 100_000)]
    assert payloads[:told] == [b"fire %d" % n for n in range(1, told + 1)]
    assert [row.sequence for row in await spool.append(drafts(b"next"))] == [len(payloads) + 1]
    await spool.close()


async def test_the_disk_holds_no_plain_text(tmp_path: Path, spool: Spool) -> None:
    await spool.append(drafts("欧阳青禾 13912340987".encode()))
    await spool.keep_command(door_command().model_copy(update={"why": "13912340987"}))
    await spool.close()
    on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("spool.db*"))
    assert "欧阳".encode() not in on_disk
    assert b"13912340987" not in on_disk


async def test_nothing_is_kept_while_the_thread_is_held(spool: Spool) -> None:
    async with held(spool):
        kept = spool.append(drafts(b"1"))
        await asyncio.sleep(0.05)
        assert not kept.done()
    assert [row.sequence for row in await kept] == [1]


async def test_a_disk_that_cannot_be_written_is_said_and_recovers_alone(spool: Spool) -> None:
    await spool.append(drafts(b"before"))
    async with away(spool):
        with pytest.raises(SpoolAway, match="locked"):
            await spool.append(drafts(b"lost"))
    assert [row.payload for row in await spool.after("routine", 0, 9)] == [b"before"]
    assert [row.sequence for row in await spool.append(drafts(b"after"))] == [2]


async def test_a_full_disk_is_said_and_recovers_when_there_is_room(spool: Spool) -> None:
    def limit(pages: int) -> asyncio.Future[object]:
        return spool._submit(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))

    await limit(20)
    with pytest.raises(SpoolAway, match="full"):
        await spool.append(drafts(bytes(300_000)))
    await limit(100_000)
    assert [row.sequence for row in await spool.append(drafts(bytes(300_000)))] == [1]


async def test_one_bad_piece_of_work_does_not_fail_those_beside_it(spool: Spool) -> None:
    def fail(_connection: object) -> None:
        raise OverflowError

    async with held(spool):
        good, bad, also_good = spool.append(drafts(b"1")), spool._submit(fail), spool.append(drafts(b"2"))
    assert [row.sequence for row in await good] == [1]
    with pytest.raises(SpoolAway, match="OverflowError"):
        await bad
    assert [row.sequence for row in await also_good] == [2]


async def test_a_row_that_its_disk_damaged_is_passed_over(tmp_path: Path, keys: Keys, spool: Spool) -> None:
    await spool.append(drafts(b"1", b"2", b"3"))
    await spool.close()
    with sqlite3.connect(tmp_path / "spool.db") as file:
        file.execute("UPDATE spooled SET payload = x'00ff' WHERE sequence IN (1, 2)")
    file.close()
    again = await reopened(tmp_path, keys)
    assert [row.payload for row in await again.after("routine", 0, 1)] == [b"3"]
    await again.close()


async def test_a_file_that_is_no_database_is_said(tmp_path: Path, keys: Keys) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(SpoolAway, match="not a database"):
        await reopened(tmp_path, keys)


async def test_who_asks_a_closed_spool_hears_so(spool: Spool) -> None:
    await spool.close()
    with pytest.raises(SpoolAway):
        await spool.append(drafts(b"1"))


async def test_a_command_is_kept_once_begun_once_and_closed_once_over_restarts(
    tmp_path: Path, keys: Keys, spool: Spool
) -> None:
    command = door_command()
    kept = await spool.keep_command(command)
    assert kept is not None
    assert await spool.keep_command(command) is None
    await spool.close()

    spool = await reopened(tmp_path, keys)
    assert await spool.keep_command(command) is None
    assert [found.progress for found in await spool.open_commands()] == ["kept"]
    assert await spool.begin_command(kept.number, "ref") is True
    await spool.close()

    spool = await reopened(tmp_path, keys)
    assert await spool.begin_command(kept.number, "ref") is False
    assert [(c.command, c.progress, c.ref) for c in await spool.open_commands()] == [(command, "writing", "ref")]
    assert len(await spool.close_command(kept.number, drafts(b"done"))) == 1
    assert await spool.close_command(kept.number, drafts(b"done")) == []
    await spool.close()

    spool = await reopened(tmp_path, keys)
    assert await spool.keep_command(command) is None
    assert await spool.open_commands() == []
    assert [row.payload for row in await spool.after("routine", 0, 9)] == [b"done"]
    await spool.close()


async def test_a_command_and_its_outcome_are_one_commit(spool: Spool) -> None:
    kept = await spool.keep_command(door_command())
    assert kept is not None
    async with away(spool):
        with pytest.raises(SpoolAway):
            await spool.close_command(kept.number, drafts(b"done"))
    assert len(await spool.open_commands()) == 1
    assert await spool.after("routine", 0, 9) == []
