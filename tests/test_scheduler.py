"""Deadlines: offered once each when they are due, an absence only when nothing that could end it is under way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hub import scheduler
from hub.core.device_events import DeadlineReached
from hub.core.records import Deadline
from hub.scheduler import UNSURE_AFTER, Scheduler
from hub.store import deadlines
from hub.store.database import Priority, Store
from hub.store.sealing import Keys
from tests.disk import until
from tests.intake_side import Desk
from tests.store.examples import SITE, T, deadline

SECOND = timedelta(seconds=1)


class Clocked:
    """A scheduler with a clock to turn, and an intake that deletes what it is offered, or doesn't."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = T
        self.step = timedelta()
        """how far the clock was set; `now` otherwise tells what really passed"""
        self.passed = True
        self.deletes = True
        self.offered: list[DeadlineReached] = []
        self.scheduler = Scheduler(
            SITE, store, self.reached, lambda moment: self.passed, lambda: self.now + self.step, self.real
        )

    def real(self) -> float:
        return (self.now - T).total_seconds()

    async def reached(self, event: DeadlineReached) -> bool:
        self.offered.append(event)
        if self.deletes:
            await self.store.write(Priority.DEADLINE, lambda tx: deadlines.delete(tx, SITE, event.data.deadline))
        return True

    async def put(self, *given: Deadline) -> None:
        await self.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, given))

    async def due(self, key: str) -> datetime:
        found = await self.store.read(lambda tx: deadlines.get(tx, SITE, key))
        assert found
        return found.due

    @property
    def keys(self) -> list[str]:
        return [event.data.deadline for event in self.offered]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(scheduler, "IDLE", 0.05)


@pytest.fixture
async def clocked(store: Store) -> AsyncIterator[Clocked]:
    made = Clocked(store)
    task = asyncio.create_task(made.scheduler.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def ladder(key: str, due: datetime = T) -> Deadline:
    return deadline(key, due=due, absence=False, kind="ladder")


async def test_each_is_offered_once_when_it_is_due(clocked: Clocked) -> None:
    await clocked.put(ladder("now"), ladder("later", T + 10 * SECOND))
    await until(lambda: clocked.offered)
    await asyncio.sleep(0.1)
    assert clocked.keys == ["now"]
    clocked.now += 10 * SECOND
    await until(lambda: len(clocked.offered) == 2)
    event = clocked.offered[1]
    assert (event.time, event.data.due, event.received) == (T + 10 * SECOND, T + 10 * SECOND, clocked.now)
    assert (event.data.deadline, event.data.unsure, event.clock) == ("later", False, "hub")


async def test_an_absence_waits_until_the_intake_has_passed_its_time(clocked: Clocked) -> None:
    clocked.passed = False
    await clocked.put(deadline("absence"), ladder("ladder"))
    await until(lambda: clocked.offered)
    await asyncio.sleep(0.1)
    assert clocked.keys == ["ladder"], "one that waits for people doesn't wait for the intake"
    clocked.passed = True
    await until(lambda: len(clocked.offered) == 2)
    assert clocked.offered[1].data.unsure is False


async def test_after_two_minutes_it_is_concluded_and_marked_unsure(clocked: Clocked) -> None:
    clocked.passed = False
    await clocked.put(deadline("absence"))
    clocked.now += UNSURE_AFTER
    await asyncio.sleep(0.1)
    assert clocked.offered == []
    clocked.now += SECOND
    await until(lambda: clocked.offered)
    assert clocked.offered[0].data.unsure is True


async def test_what_was_due_while_the_hub_was_down_is_offered_at_the_next_start(store: Store) -> None:
    clocked = Clocked(store)
    await clocked.put(ladder("missed", T - timedelta(hours=8)))
    task = asyncio.create_task(clocked.scheduler.run())
    await until(lambda: clocked.keys == ["missed"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_same_deadline_has_the_same_id_after_a_restart(store: Store) -> None:
    ids = []
    for _ in range(2):
        clocked = Clocked(store)
        clocked.deletes = False
        await clocked.put(ladder("same"))
        task = asyncio.create_task(clocked.scheduler.run())
        await until(lambda: clocked.offered)  # noqa: B023  # awaited here
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ids.append(clocked.offered[0].id)
    assert ids[0] == ids[1]


async def test_one_that_stays_is_not_offered_without_a_pause(clocked: Clocked) -> None:
    clocked.deletes = False
    await clocked.put(ladder("stuck"))
    await asyncio.sleep(0.5)
    assert 1 <= len(clocked.offered) <= 15


async def test_through_the_intake_it_is_decided_and_gone(tmp_path: Path) -> None:
    async with Desk(tmp_path / "desk").running() as desk:
        work = Scheduler(SITE, desk.store, desk.intake.reached, desk.intake.passing.passed)
        await desk.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [ladder("overstay/v1")]))
        task = asyncio.create_task(work.run())
        async with asyncio.timeout(5):
            while await desk.store.read(deadlines.next_due):
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
async def test_when_the_clock_is_set_a_wait_lasts_as_long_as_it_was_meant_to(clocked: Clocked, step: timedelta) -> None:
    wait = replace(ladder("rung", T + 30 * SECOND), set_at=T)
    reminder = replace(ladder("reminder", T + timedelta(days=2)), set_at=T)
    before = replace(ladder("before", T + 5 * SECOND), set_at=T - SECOND)
    await clocked.put(wait, reminder, before)
    clocked.now = T + 10 * SECOND
    await until(lambda: clocked.keys == ["before"])

    clocked.step = step
    moved = T + 30 * SECOND + step
    async with asyncio.timeout(8):
        while await clocked.due("rung") != moved:
            await asyncio.sleep(0.01)
    assert await clocked.due("reminder") == T + timedelta(days=2)
    assert clocked.keys == ["before"]
    clocked.now = T + 31 * SECOND
    await until(lambda: "rung" in clocked.keys)
    assert clocked.keys == ["before", "rung"]


async def test_a_clock_set_forth_and_back_fires_nothing_twice(clocked: Clocked) -> None:
    await clocked.put(*(replace(ladder(f"rung-{n}", T + n * SECOND), set_at=T) for n in range(20)))
    for step in (timedelta(days=1), timedelta(0), timedelta(days=-1), timedelta(0)):
        clocked.step = step
        clocked.now += 4 * SECOND
        await asyncio.sleep(0.2)
    clocked.now += 30 * SECOND
    await until(lambda: len(clocked.keys) >= 20)
    await asyncio.sleep(0.1)
    assert sorted(clocked.keys) == sorted({f"rung-{n}" for n in range(20)})
