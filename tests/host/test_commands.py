"""Commands: kept before their first byte, written at most once, in their order, in their time; each gets an outcome."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.core.adapter import (
    Adapter,
    CommandOutcome,
    Decoded,
    DeviceContext,
    Encoded,
    Http,
    Mqtt,
    NoOptions,
    Outgoing,
    Unsupported,
)
from hub.core.building import Building, Device
from hub.core.commands import Command, OpenDoor, SetClock
from hub.core.events import Event, parse_event
from hub.host import commands
from hub.host.commands import ANSWER_AFTER_EXPIRY, Commands
from hub.store.sealing import Keys
from hub.store.spool import Spool, SpoolAway, SpooledRow
from tests.disk import away

NOW = datetime(2026, 4, 10, tzinfo=UTC)


def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Encoded | Unsupported:
    if isinstance(command, OpenDoor) and command.door == "broken":
        raise RuntimeError
    return Encoded((Outgoing(f"{command.kind} {number}\n".encode(), topic="down"),), ref=str(number))


def adapter(name: str, transport: Mqtt | Http) -> Adapter:
    return Adapter(name, transport, lambda f, s: None, lambda f, d: Decoded(), encode, frozenset({"door.open"}))


ADAPTERS = {"talks": adapter("talks", Mqtt((), ())), "polls": adapter("polls", Http("/"))}
BUILDING = Building.model_validate(
    {
        "site": {"id": "b1", "name": {"zh": "云", "en": "Cloud"}, "time_zone": "UTC"},
        "devices": {
            name: {
                "id": name,
                "name": {"zh": name, "en": name},
                "adapter": adapter,
                "address": name,
                "heartbeat": "PT30S",
                "silence": "PT90S",
            }
            for name, adapter in (("gate", "talks"), ("reader", "polls"))
        },
    }
)


class Desk:
    """Commands at work: a clock to turn, a device that is there or not, and all that was written."""

    def __init__(self, spool: Spool, building: Building = BUILDING) -> None:
        self.spool = spool
        self.now = NOW
        self.seconds = 1000.0
        self.there = True
        self.connected = True
        self.written: list[bytes] = []
        self.told: list[Event] = []
        contexts = {name: DeviceContext("b1", name, name, UTC, options=NoOptions()) for name in building.devices}
        self.commands = Commands(
            spool,
            contexts,
            ADAPTERS,
            building,
            self.send,
            lambda device: self.there,
            self.committed,
            lambda: self.now,
            lambda: self.seconds,
        )

    def send(self, device: Device, outgoing: Outgoing) -> bool:
        if self.connected:
            self.written.append(outgoing.payload)
        return self.connected

    def committed(self, rows: Sequence[SpooledRow]) -> None:
        self.told += [parse_event(row.payload) for row in rows]

    async def ask(self, device: str = "gate", *, lasts: int = 30, **changes: Any) -> OpenDoor:
        values: dict[str, Any] = {"door": "1"} | changes
        expires = NOW + timedelta(seconds=lasts)
        asked = OpenDoor(id=uuid4(), site="b1", device=device, expires=expires, by="front", **values)
        await self.commands.take(asked)
        return asked

    async def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds
        await self.commands.expire(self.now)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(event.type, event.data.result) for event in self.told]  # type: ignore[union-attr]


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    opened = Spool(tmp_path / "spool.db", Keys.load_or_create(tmp_path))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def desk(spool: Spool) -> Desk:
    return Desk(spool)


async def test_a_command_is_written_and_answered(desk: Desk) -> None:
    asked = await desk.ask()
    assert desk.written == [b"door.open 1\n"]
    await desk.commands.answered("gate", CommandOutcome(ref="1", done=True, result="opened"))
    assert desk.outcomes == [("command.done", "opened")]
    assert desk.told[0].data.command == str(asked.id)  # type: ignore[union-attr]
    await desk.commands.answered("gate", CommandOutcome(ref="1", done=False, result="again"))
    await desk.later(1000)
    assert len(desk.told) == 1


async def test_the_same_command_again_is_not_written_again(desk: Desk) -> None:
    asked = await desk.ask()
    await desk.commands.take(asked)
    await desk.later(2)
    await desk.commands.take(asked)
    assert len(desk.written) == 1
    assert desk.commands.kept_lately() == [str(asked.id)]


async def test_nothing_is_written_that_is_not_on_disk(desk: Desk) -> None:
    async with away(desk.spool):
        with pytest.raises(SpoolAway):
            await desk.ask()
    assert desk.written == []
    assert desk.commands.kept_lately() == []


async def test_found_being_written_after_a_restart_it_is_never_sent_again(desk: Desk) -> None:
    await desk.ask()
    again = Desk(desk.spool)
    await again.commands.open()
    await again.later(5)
    assert again.written == []
    assert again.told == []
    await again.later(25 + ANSWER_AFTER_EXPIRY.total_seconds())
    assert again.outcomes == [("command.failed", "no_answer")]


async def test_found_kept_after_a_restart_it_is_written_if_its_time_is_not_over(desk: Desk) -> None:
    desk.there = False
    await desk.ask()
    await desk.ask(lasts=2)
    again = Desk(desk.spool)
    await again.commands.open()
    await again.later(5)
    assert again.written == [b"door.open 1\n"]
    assert again.outcomes == [("command.failed", "not_sent")]


async def test_it_waits_for_its_device_and_expires_unsent(desk: Desk) -> None:
    desk.there = False
    await desk.ask()
    await desk.later(10)
    assert desk.written == []
    desk.there = True
    await desk.later(1)
    assert desk.written == [b"door.open 1\n"]
    desk.there = False
    await desk.ask()
    await desk.later(60)
    assert ("command.failed", "not_sent") in desk.outcomes


async def test_one_that_comes_too_late_is_not_written(desk: Desk) -> None:
    desk.now += timedelta(seconds=31)
    await desk.ask()
    await desk.ask("reader")
    assert desk.written == []
    assert await desk.commands.carried_away("reader", 8) is None
    await desk.later(0)
    assert desk.outcomes == [("command.failed", "not_sent")] * 2


async def test_two_to_one_device_are_a_second_apart_and_in_their_order(desk: Desk) -> None:
    for _ in range(3):
        await desk.ask()
    assert desk.written == [b"door.open 1\n"]
    desk.seconds += 1.0
    await desk.ask()
    assert desk.written == [b"door.open 1\n", b"door.open 2\n"], "the fourth waits for its turn"
    await desk.later(1)
    await desk.later(1)
    assert desk.written == [b"door.open %d\n" % n for n in (1, 2, 3, 4)]


async def test_a_clock_set_back_holds_nothing_up(desk: Desk) -> None:
    await desk.ask()
    desk.now -= timedelta(hours=1)
    await desk.ask()
    desk.seconds += 1
    await desk.commands.expire(desk.now)
    assert len(desk.written) == 2


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
async def test_when_the_hubs_clock_is_set_an_opening_waits_no_longer_than_it_was_meant_to(
    desk: Desk, step: timedelta
) -> None:
    desk.there = False
    await desk.ask()
    desk.now += step
    desk.commands.clock_set(step)
    await desk.later(10)
    assert desk.outcomes == []
    await desk.later(25)
    assert desk.outcomes == [("command.failed", "not_sent")]
    desk.there = True
    await desk.later(1)
    assert desk.written == []


async def test_a_connection_lost_in_the_middle_is_said_and_not_tried_again(desk: Desk) -> None:
    desk.connected = False
    await desk.ask()
    assert desk.outcomes == [("command.failed", "connection_lost")]
    desk.connected = True
    await desk.later(5)
    assert desk.written == []


async def test_what_the_device_cannot_be_told_fails_at_once(desk: Desk) -> None:
    await desk.commands.take(SetClock(id=uuid4(), site="b1", device="gate", expires=NOW + timedelta(1), by="hub"))
    await desk.ask(door="broken")
    await desk.later(1)
    assert [(kind, "can't be told" in result or "failed on it" in result) for kind, result in desk.outcomes] == [
        ("command.failed", True)
    ] * 2


async def test_a_poll_carries_away_what_waits_oldest_first(desk: Desk) -> None:
    for _ in range(3):
        await desk.ask("reader")
    await desk.later(1)
    assert desk.written == []
    carried = await desk.commands.carried_away("reader", 2)
    assert carried is not None
    assert carried.payload == b"door.open 1\ndoor.open 2\n"
    carried = await desk.commands.carried_away("reader", 2)
    assert carried is not None
    assert carried.payload == b"door.open 3\n"
    assert await desk.commands.carried_away("reader", 2) is None


async def test_an_answer_that_names_nothing_means_the_only_one_under_way(desk: Desk) -> None:
    await desk.ask()
    await desk.commands.answered("gate", CommandOutcome(ref="", done=True))
    assert len(desk.told) == 1
    await desk.commands.answered("gate", CommandOutcome(ref="", done=True))
    await desk.commands.answered("gate", CommandOutcome(ref="99", done=True))
    assert len(desk.told) == 1


async def test_an_outcome_that_the_disk_did_not_take_is_taken_the_next_time(desk: Desk) -> None:
    await desk.ask()
    async with away(desk.spool):
        with pytest.raises(SpoolAway):
            await desk.commands.answered("gate", CommandOutcome(ref="1", done=True))
    assert desk.told == []
    await desk.commands.answered("gate", CommandOutcome(ref="1", done=True))
    assert [kind for kind, _ in desk.outcomes] == ["command.done"]


async def test_one_for_a_device_that_is_no_longer_declared_fails(desk: Desk) -> None:
    desk.there = False
    await desk.ask()
    await desk.ask("reader")
    fewer = Desk(desk.spool, BUILDING.model_copy(update={"devices": {"reader": BUILDING.devices["reader"]}}))
    await fewer.commands.open()
    await fewer.later(1)
    assert fewer.outcomes == [("command.failed", "not_declared")]
    assert fewer.told[0].device == "gate"


async def test_more_than_are_told_at_once_are_told_in_turn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "KEPT_TOLD", 5)
    asked = [await desk.ask("reader") for _ in range(12)]
    assert desk.commands.kept_lately() == [str(one.id) for one in asked[-5:]]
    await desk.commands.take(asked[0])  # dispatch offers it again, since nobody told that it is kept
    assert desk.commands.kept_lately()[-1] == str(asked[0].id)
