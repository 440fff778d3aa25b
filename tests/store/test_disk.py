"""A disk that is nearly full: what is set aside for matters of life, when it is given back, and who gets it."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from hub.store.database import Store
from hub.store.disk import RESERVE, ROOM, Disk
from hub.store.sealing import Keys
from hub.store.spool import Draft, NearlyFull, Spool
from tests.disk import until

TOTAL = 100 * RESERVE


class Partition:
    """A disk of TOTAL bytes in which others and the hub's own reserve take room."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.others = 0.5
        self.reserve = folder / "reserve"
        monkeypatch.setattr(os, "statvfs", self._seen)

    def _seen(self, _: object) -> SimpleNamespace:
        held = self.reserve.stat().st_size if self.reserve.exists() else 0
        return SimpleNamespace(f_blocks=TOTAL, f_frsize=1, f_bavail=int(TOTAL * (1 - self.others)) - held)


@pytest.fixture
def partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partition:
    return Partition(tmp_path, monkeypatch)


def test_the_reserve_is_on_the_disk_and_not_only_a_number(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.look()
    made = (tmp_path / "reserve").stat()
    assert (disk.low, made.st_size) == (False, RESERVE)
    assert made.st_blocks * 512 >= RESERVE


def test_it_is_nearly_full_below_the_mark_and_no_more_above_a_higher_one(tmp_path: Path, partition: Partition) -> None:
    disk = Disk(tmp_path)
    seen = []
    for others in (0.5, 0.93, 0.945, 0.935, 0.92, 0.5):
        partition.others = others
        disk.look()
        seen.append(disk.low)
        if disk.low:
            disk.give_back()
    assert partition.reserve.exists()
    assert seen == [False, False, True, True, False, False]  # of what is free 1 % is the reserve


def test_two_who_watch_one_disk_do_the_same(tmp_path: Path, partition: Partition) -> None:
    both = Disk(tmp_path), Disk(tmp_path)
    for others, low in ((0.5, False), (0.945, True), (0.935, True), (0.9, False)):
        partition.others = others
        for disk in both:
            disk.look()
        assert [disk.low for disk in both] == [low, low]
        if low:
            both[0].give_back()
    assert partition.reserve.exists()


async def test_the_reserve_is_given_back_where_no_room_can_be_taken_without_it(
    tmp_path: Path, partition: Partition
) -> None:
    said: list[str] = []

    async def take() -> bool:
        said.append("taken" if not partition.reserve.exists() or partition.others < 0.98 else "no room")
        return said[-1] == "taken"

    disk = Disk(tmp_path)
    task = asyncio.create_task(disk.run([take], lambda: said.append("enough")))
    await until(partition.reserve.exists)
    for others, heard in ((0.97, ["taken"]), (0.5, ["enough"]), (0.989, ["no room", "taken"]), (0.5, ["enough"])):
        said.clear()
        partition.others = others
        await until(lambda heard=heard: said == heard)  # type: ignore[misc]
        assert partition.reserve.exists() is (others != 0.989)
    assert disk.health["room"] is True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_room_that_could_not_be_taken_is_tried_until_it_is_there_and_no_other_is_taken_twice(
    tmp_path: Path, partition: Partition
) -> None:
    room = False
    taken: list[str] = []

    async def spool() -> bool:
        taken.append("spool")
        return True

    async def store() -> bool:
        if room:
            taken.append("store")
        return room

    partition.others = 0.989
    task = asyncio.create_task(Disk(tmp_path).run([spool, store]))
    await until(lambda: taken == ["spool"])
    room = True
    await until(lambda: taken == ["spool", "store"])
    await asyncio.sleep(0.6)  # two more looks
    assert taken == ["spool", "store"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_spool_on_a_full_disk_keeps_life_and_refuses_the_rest(tmp_path: Path) -> None:
    low = False
    spool = Spool(tmp_path / "spool.db", Keys.load_or_create(tmp_path), lambda: low)
    await spool.open()
    routine, life = Draft("routine", "gate-1", b"1"), Draft("life", "fire-b3", b"2")
    await spool.append([routine])
    low = True
    with pytest.raises(NearlyFull):
        await spool.append([routine, routine])
    assert [row.lane for row in await spool.append([routine, life])] == ["routine", "life"]  # one frame's, whole
    assert await spool.append([]) == []
    assert spool.refused == 1
    low = False
    assert len(await spool.append([routine])) == 1
    assert (await spool.waiting())[2] == 4
    await spool.close()


async def test_what_a_database_took_stays_its_own(tmp_path: Path) -> None:
    """In its file and in its log, with every page of it free for what comes."""
    keys = Keys.load_or_create(tmp_path)
    spool = Spool(tmp_path / "spool.db", keys)
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}", keys)
    await spool.open()
    await store.open()
    for database in (spool, store):
        for _ in range(2):
            await database.take_room()

    def free(name: str) -> int:
        return (tmp_path / name).stat().st_blocks * 512

    for name in ("spool.db", "hub.db"):
        assert free(name) >= ROOM
        assert free(f"{name}-wal") >= ROOM
    assert (
        await store.read(lambda tx: tx.connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()) * 4096 >= ROOM
    )
    before = free("spool.db"), free("spool.db-wal")
    for _ in range(20):
        await spool.append([Draft("life", "fire-b3", os.urandom(100_000))])
    assert (free("spool.db"), free("spool.db-wal")) == before
    await spool.close()
    await store.close()
