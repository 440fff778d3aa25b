"""A simulated panel keeps to GB/T 26875.3 as this test reads the standard, byte by byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from simulators import gb26875 as gb
from simulators.building import Point
from simulators.panel import Habit, Panel
from simulators.simulator import Misbehaviour, running
from tests.simulators.hub_side import declared

POINTS = {"217/6": Point("217/6", "smoke", "电梯厅")}
T = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Centre:
    """Listens as the hub would; confirms what `confirms` says yes to."""

    confirms: Callable[[gb.Frame], bool] = lambda frame: True
    port: int = 0
    heard: list[gb.Frame] = field(default_factory=list)
    segments: list[bytes] = field(default_factory=list)
    writer: asyncio.StreamWriter | None = None
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer, stream = writer, bytearray()
        while received := await reader.read(4096):
            self.segments.append(received)
            stream += received
            for frame in gb.take(stream):
                if frame.command == gb.SEND and self.confirms(frame):
                    writer.write(gb.build(gb.Frame(frame.sequence, 0, frame.source, gb.CONFIRM), T))
                self.heard.append(frame)
                self.more.set()
        writer.close()

    def ask(self, command: int, data: bytes) -> None:
        assert self.writer
        self.writer.write(gb.build(gb.Frame(9000, 0, 3460, command, data), T))

    async def until(self, wanted: Callable[[gb.Frame], bool], times: int = 1) -> list[gb.Frame]:
        async with asyncio.timeout(10):
            while len(found := [frame for frame in self.heard if wanted(frame)]) < times:
                self.more.clear()
                await self.more.wait()
        return found


@contextlib.asynccontextmanager
async def centre(confirms: Callable[[gb.Frame], bool] = lambda frame: True) -> AsyncIterator[Centre]:
    side = Centre(confirms)
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
    side.port = server.sockets[0].getsockname()[1]
    async with server:
        yield side


def panel(side: Centre, faults: Misbehaviour | None = None, habit: Habit = "status") -> Panel:
    device = declared("fire-x", "gbt26875", "3460", peer="127.0.0.1", heartbeat=30.0, points=POINTS)
    return Panel(device, "127.0.0.1", side.port, heartbeat=habit, speed=100, misbehaviour=faults)


def of_type(flag: int) -> Callable[[gb.Frame], bool]:
    return lambda frame: len(frame.data) > 1 and frame.data[0] == flag


def test_a_confirmation_has_the_bytes_that_the_standard_counts_off() -> None:
    whole = gb.build(gb.Frame(2, 0, 3460, gb.CONFIRM), T)
    assert whole.hex(" ") == (
        "40 40 02 00 01 01 05 04 03 02 01 1a 00 00 00 00 00 00 84 0d 00 00 00 00 00 00 03 c1 23 23"
    )
    assert gb.take(bytearray(b"@\x00@@junk" + whole[2:] + whole)) == [gb.Frame(2, 0, 3460, gb.CONFIRM)]


async def test_an_alarm_is_bit_1_of_a_component_and_comes_again_until_confirmed() -> None:
    async with centre(lambda frame: not of_type(2)(frame)) as hub, running(device := panel(hub)):
        number = device.alarm("217/6")
        first, second = await hub.until(of_type(2), times=2)
        assert first == second
        assert first.sequence == number
        assert first.data[:2] == b"\x02\x01"
        assert first.data[2:9].hex() == "01012" + "8d9000600"
        assert first.data[9:11] == b"\x02\x00"
        assert first.data[11:].rstrip(b"\0").startswith("电梯厅".encode("gb18030"))
        assert len(first.data) == 2 + 40 + 6
        hub.confirms = lambda frame: True
        await device.memory.emptied(10)
    assert [record.number for record in device.memory.acked] == [number]


async def test_after_four_tries_the_line_is_tried_anew() -> None:
    async with centre(lambda frame: not of_type(2)(frame)) as hub, running(device := panel(hub)):
        device.alarm("217/6")
        await hub.until(of_type(2), times=5)
        assert device.connections >= 2


async def test_fire_overtakes_what_waits() -> None:
    async with centre(lambda frame: not of_type(4)(frame)) as hub, running(device := panel(hub)):
        device.operate("silence")
        await hub.until(of_type(4))
        device.operate("test")
        device.alarm("217/6")
        async with asyncio.timeout(10):
            while not device.memory.acked:
                await asyncio.sleep(0.01)
        assert [record.kind for record in device.memory.acked] == ["type 2"]
        assert [record.kind for record in device.memory.waiting] == ["type 4", "type 4"]


async def test_a_confirmation_for_somebody_else_is_none() -> None:
    async with centre(lambda frame: False) as hub, running(device := panel(hub)):
        number = device.alarm("217/6")
        await hub.until(of_type(2))
        assert hub.writer
        hub.writer.write(gb.build(gb.Frame(number, 0, 9999, gb.CONFIRM), T))
        hub.writer.write(gb.build(gb.Frame(number + 1, 0, 3460, gb.CONFIRM), T))
        await hub.until(of_type(2), times=2)
        assert device.memory.acked == []


@pytest.mark.parametrize(
    ("habit", "data"), [("empty", b""), ("byte", b"\x16"), ("status", None)], ids=["empty", "byte", "status"]
)
async def test_the_heart_beats_in_each_of_the_three_habits(habit: Habit, data: bytes | None) -> None:
    async with centre() as hub, running(panel(hub, habit=habit)):
        wanted = of_type(21) if data is None else (lambda frame: frame.data == data)
        first, second = await hub.until(wanted, times=2)
        assert second.sequence == first.sequence + 1


async def test_it_answers_the_clock_the_duty_check_and_questions() -> None:
    async with centre() as hub, running(device := panel(hub)):
        await hub.until(of_type(21))
        hub.ask(gb.CONTROL, bytes.fromhex("5a01 02 3a 09 1a 09 0c"))
        hub.ask(gb.CONTROL, bytes.fromhex("5b01 0a"))
        hub.ask(gb.REQUEST, bytes.fromhex("5101 00"))
        await hub.until(lambda frame: frame.command == gb.CONFIRM, times=2)
        await hub.until(lambda frame: frame.command == gb.REPLY and frame.data[0] == 21)
        [pressed] = await hub.until(of_type(24))
        assert pressed.data[2] == 0x20
        assert device.clock.now().strftime("%Y-%m-%d %H:%M") == "2012-09-26 09:58"
        hub.ask(gb.CONTROL, b"\x7b\x01\x00")
        hub.ask(gb.CONTROL, bytes.fromhex("5a01 63 63 63 63 63 63"))
        await hub.until(lambda frame: frame.command == gb.DENY, times=2)


async def test_a_reset_quiets_every_component_and_a_restore_one() -> None:
    async with centre() as hub, running(device := panel(hub)):
        device.alarm("217/6")
        device.restore("217/6")
        device.reset()
        await device.memory.emptied(10)
        alarm, restored = await hub.until(of_type(2), times=2)
        [reset] = await hub.until(of_type(4))
    assert (alarm.data[9], restored.data[9], reset.data[4]) == (2, 1, 1)


async def test_each_condition_sets_its_own_bit_and_takes_it_back() -> None:
    async with centre() as hub, running(device := panel(hub)):
        await hub.until(of_type(21))
        device.condition("217/6", "trouble")
        device.condition("217/6", "alarm")
        device.condition("217/6", "trouble", active=False)
        device.system_condition("main_power")
        device.system_condition("manual")
        device.measured("254/1", 4, 12)
        device.device_condition("backup_power")
        await device.memory.emptied(10)
        words = [int.from_bytes(frame.data[9:11], "little") for frame in await hub.until(of_type(2), times=3)]
        assert sorted(words) == [0b010, 0b100, 0b110]
        systems = [int.from_bytes(frame.data[4:6], "little") for frame in await hub.until(of_type(1), times=2)]
        assert systems == [0x0101, 0x0901]
        [value] = await hub.until(of_type(3))
        assert value.data[2:12].hex() == "0101" + "00" + "fe000100" + "04" + "0c00"
        await hub.until(lambda frame: of_type(21)(frame) and frame.data[2] == 0b10001)


async def test_what_happened_during_an_outage_is_sent_afterwards() -> None:
    async with centre() as hub, running(device := panel(hub)):
        await hub.until(of_type(21))
        device.outage(20)
        device.alarm("217/6")
        await device.memory.emptied(10)
        assert device.connections == 2


async def test_split_and_glued_packets_are_the_same_packets() -> None:
    async with centre() as hub, running(device := panel(hub, Misbehaviour(split=True))):
        device.alarm("217/6")
        await device.memory.emptied(10)
        assert max(len(segment) for segment in hub.segments) < 30
    async with centre() as hub:
        device = panel(hub, Misbehaviour(glue=True))
        for operation in ("silence", "acknowledge", "test"):
            device.operate(operation)
        async with running(device):
            await device.memory.emptied(10)
        assert any(segment.count(b"##@@") >= 2 for segment in hub.segments)


async def test_duplicates_and_garbage_on_request() -> None:
    async with centre() as hub, running(device := panel(hub, Misbehaviour(duplicate=1.0, garbage=1.0))):
        device.alarm("217/6")
        await hub.until(of_type(2), times=2)
        await device.memory.emptied(10)
