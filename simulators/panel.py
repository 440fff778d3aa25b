"""A fire-alarm panel behind its transmission device: connects to the hub over TCP and speaks GB/T 26875.3."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from simulators import gb26875 as gb
from simulators.building import Device
from simulators.memory import Record
from simulators.simulator import Misbehaviour, Simulator, log

Habit = Literal["status", "empty", "byte"]
SYSTEM = (1, 1)
"""system type (fire alarm system) and address"""
TRIES = 4
"""the first transmission and three more (6.5.4); after that the transaction has failed and the line is tried anew"""
_OPERATIONS = {
    "reset": 0,
    "silence": 1,
    "manual_alarm": 2,
    "alarm_clear": 3,
    "self_test": 4,
    "acknowledge": 5,
    "test": 6,
}
_CONDITIONS = {
    "alarm": gb.FIRE, "trouble": gb.FAULT, "disabled": gb.SHIELDED, "supervisory": gb.SUPERVISED,
    "started": gb.STARTED, "feedback": gb.FEEDBACK,
}  # fmt: skip
_SYSTEM_CONDITIONS = {
    "main_power": gb.MAIN_POWER, "backup_power": gb.BACKUP_POWER, "bus": gb.BUS, "manual": gb.MANUAL,
    "changed": gb.CHANGED,
}  # fmt: skip
_DEVICE_CONDITIONS = ("fire", "trouble", "main_power", "backup_power", "channel", "line")
"""from bit 1 on (UITD running status)"""


class Panel(Simulator[bytes]):
    """A record's body is an application data unit; its number is the packet's sequence number, its kind `type N`."""

    actions = frozenset(
        {
            "alarm",
            "condition",
            "restore",
            "operate",
            "reset",
            "system_condition",
            "device_condition",
            "press_duty_key",
            "measured",
        }
    )

    def __init__(
        self,
        device: Device,
        host: str,
        port: int,
        *,
        heartbeat: Habit = "status",
        answers_duty_check: bool = True,
        centre: int = 0,
        seed: int = 0,
        speed: float = 1.0,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        """`heartbeat` is one of the three habits seen: a type 21 status, an empty packet, the one byte 16h.
        `centre` is the address that it sends to."""
        super().__init__(device, seed=seed, speed=speed, misbehaviour=misbehaviour)
        self.told: list[gb.Frame] = []
        """every control packet and request that arrived, in order"""
        self.denied: list[int] = []
        """sequence numbers that were answered with a no"""
        self._host, self._port = host, port
        self._habit = heartbeat
        self._answers_duty_check = answers_duty_check
        self._centre = centre
        self._address = int(device.address)
        self._sequence = -1
        self._system_status = 1
        self._device_status = 1
        self._tries: Counter[Record[bytes]] = Counter()
        """transmissions over this connection"""
        self._components: dict[tuple[int, int], int] = {}
        self._pressing: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None

    # What happens at the panel

    def alarm(self, point: str, kind: str = "", text: str = "") -> int:
        """The detector or call point `zone/point` alarms. Returns the sequence number that it is sent under."""
        return self.condition(point, "alarm", kind=kind, text=text)

    def condition(self, point: str, condition: str, *, active: bool = True, kind: str = "", text: str = "") -> int:
        """A component's `condition` (alarm, trouble, disabled, supervisory, started, feedback) begins or ends. Kind
        and text come from the point list where they aren't given. Returns the sequence number."""
        place, bit = _place(point), _CONDITIONS[condition]
        before = self._components.get(place, 0)
        self._components[place] = before | bit if active else before & ~bit
        listed = self.device.points.get(point)
        return self._say_component(
            point,
            kind or (listed.kind if listed else ""),
            text or (listed.label if listed else ""),
            # a real panel leaves bit 0 clear in an alarm; with nothing set it says "normal running"
            self._components[place] or 1,
            urgent=condition == "alarm" and active,
        )

    def restore(self, point: str) -> int:
        """Everything at this component is quiet again, said for the component itself."""
        self._components.pop(_place(point), None)
        listed = self.device.points.get(point)
        return self._say_component(point, listed.kind if listed else "", listed.label if listed else "", 1)

    def operate(self, operation: str, operator: int = 1) -> int:
        """Someone works the panel: reset, silence, manual_alarm, alarm_clear, self_test, acknowledge, test."""
        return self._keep(4, bytes([*SYSTEM, 1 << _OPERATIONS[operation], operator]) + self._tag())

    def reset(self, operator: int = 1) -> int:
        """复位: every component is quiet, and only the operation itself is sent."""
        self._components.clear()
        return self.operate("reset", operator)

    def system_condition(self, condition: str, *, active: bool = True) -> int:
        """The panel itself: main_power, backup_power, bus (faults), manual (linkage), changed (configuration)."""
        bit = _SYSTEM_CONDITIONS[condition]
        self._system_status = self._system_status | bit if active else self._system_status & ~bit
        return self._keep(1, self._system_state())

    def device_condition(self, condition: str, *, active: bool = True) -> int:
        """The transmission device itself: fire, trouble, main_power, backup_power, channel, line. Its heartbeats
        repeat it."""
        bit = 1 << _DEVICE_CONDITIONS.index(condition) + 1
        self._device_status = self._device_status | bit if active else self._device_status & ~bit
        return self._keep(21, bytes([self._device_status]) + self._tag())

    def press_duty_key(self, operator: int = 1) -> int:
        """Someone answers 查岗 on the transmission device."""
        return self._keep(24, bytes([1 << 5, operator]) + self._tag())

    def measured(self, point: str, quantity: int, value: int) -> int:
        """An analogue value: quantity as in table 7 (4: pressure in 0.1 MPa), value in its smallest unit."""
        zone, number = _place(point)
        address = zone.to_bytes(2, "little") + number.to_bytes(2, "little")
        body = bytes([*SYSTEM, 0]) + address + bytes([quantity]) + value.to_bytes(2, "little", signed=True)
        return self._keep(3, body + self._tag())

    # The line

    async def _session(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port, local_addr=self.device.source)
        self._writer = writer
        self._tries.clear()
        try:
            self._up()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(reader))
                group.create_task(self._beat())
                group.create_task(self._deliver())
        finally:
            self._writer = None
            if self._stopping:
                writer.close()
            else:
                writer.transport.abort()

    async def _beat(self) -> None:
        """At once, and then as often as declared. Its answer is not waited for."""
        while True:
            match self._habit:
                case "status":
                    data = gb.objects(21, bytes([self._device_status]) + self._tag())
                case "empty":
                    data = b""
                case "byte":
                    data = b"\x16"
            await self._write(self._packet(self._next(), gb.SEND, data))
            await asyncio.sleep(self.seconds(self.device.heartbeat))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        stream = bytearray()
        while received := await reader.read(4096):
            stream += received
            for frame in gb.take(stream):
                await self._hear(frame)
        raise EOFError("the hub hung up")

    async def _hear(self, frame: gb.Frame) -> None:
        match frame.command:
            case gb.CONFIRM if (frame.source, frame.destination) == (self._centre, self._address):
                for record in tuple(self.memory.waiting):
                    if record.number == frame.sequence:
                        self._heard_yes(record.kind, record.number)
            case gb.DENY:
                self.denied.append(frame.sequence)
            case gb.CONTROL | gb.REQUEST:
                self.told.append(frame)
                try:
                    command, data = self._answer(frame)
                except ValueError:
                    command, data = gb.DENY, b""
                await self._write(self._packet(frame.sequence, command, data))
            case _:
                log.debug("%s heard an answer that isn't for it", self.device.id)

    async def _send(self, batch: Sequence[Record[bytes]]) -> None:
        """A packet sent again has the same sequence number and a new time of sending."""
        self._tries.update(batch)
        if any(self._tries[record] > TRIES for record in batch):
            raise ConnectionError("no answer")
        await self._write(*(self._packet(record.number, gb.SEND, record.body) for record in batch))

    async def _send_garbage(self) -> None:
        whole = bytearray(self._packet(self._next(), gb.SEND, gb.objects(21, b"\x01" + self._tag())))
        broken = bytearray(whole)
        broken[-3] ^= 0xFF
        await self._write(self.random.choice((bytes(broken), bytes(whole[:-8]), self.random.randbytes(40))))

    async def _write(self, *packets: bytes) -> None:
        """One segment, or with `split` as many as it takes."""
        if self._writer is None:
            raise ConnectionError("no line")
        whole = b"".join(packets)
        pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)] if self.misbehaviour.split else [whole]
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(0.002)  # a segment of its own
            self._writer.write(piece)
            await self._writer.drain()

    # Answers

    def _answer(self, frame: gb.Frame) -> tuple[int, bytes]:
        """What the centre gets for a control packet or a request: command byte and data."""
        kind = frame.data[0] if frame.data else 0
        match frame.command, kind:
            case gb.CONTROL, 89:
                return gb.CONFIRM, b""
            case gb.CONTROL, 90:
                self.clock.set(gb.read_time_tag(frame.data[2:8]))
                return gb.CONFIRM, b""
            case gb.CONTROL, 91:
                if self._answers_duty_check:
                    task = asyncio.create_task(self._answer_duty_check(), name=f"{self.device.id} duty key")
                    self._pressing.add(task)
                    task.add_done_callback(self._pressing.discard)
                return gb.CONFIRM, b""
            case gb.REQUEST, 61:
                return gb.REPLY, gb.objects(1, self._system_state())
            case gb.REQUEST, 62:
                zone, point = (int.from_bytes(frame.data[at : at + 2], "little") for at in (4, 6))
                return gb.REPLY, gb.objects(2, self._component_body(f"{zone}/{point}"))
            case gb.REQUEST, 65:
                return gb.REPLY, gb.objects(5, bytes([*SYSTEM, 2, 4]))
            case gb.REQUEST, 68:
                return gb.REPLY, gb.objects(8, bytes(SYSTEM) + self._tag())
            case gb.REQUEST, 81:
                return gb.REPLY, gb.objects(21, bytes([self._device_status]) + self._tag())
            case gb.REQUEST, 85:
                return gb.REPLY, gb.objects(25, bytes([1, 3]))
            case gb.REQUEST, 86:
                name = "用户信息传输装置".encode("gb18030")
                return gb.REPLY, gb.objects(26, bytes([len(name)]) + name)
            case gb.REQUEST, 88:
                return gb.REPLY, gb.objects(28, self._tag())
            case _:
                return gb.DENY, b""

    async def _answer_duty_check(self) -> None:
        await asyncio.sleep(self.seconds(5))
        self.press_duty_key()

    # Packets

    def _say_component(self, point: str, kind: str, text: str, status: int, *, urgent: bool = False) -> int:
        component = gb.COMPONENTS.get(kind, 0)
        state = gb.component_state(SYSTEM, component, _place(point), status, text)
        return self._keep(2, state + self._tag(), urgent=urgent)

    def _component_body(self, point: str) -> bytes:
        listed = self.device.points.get(point)
        kind = gb.COMPONENTS.get(listed.kind, 0) if listed else 0
        status = self._components.get(_place(point), 0) or 1
        text = listed.label if listed else ""
        return gb.component_state(SYSTEM, kind, _place(point), status, text) + self._tag()

    def _keep(self, type_flag: int, body: bytes, *, urgent: bool = False) -> int:
        """Fire goes before whatever waits (GB 26875.1)."""
        number = self._next()
        time = self.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        self.memory.keep(Record(f"type {type_flag}", number, time, gb.objects(type_flag, body), urgent))
        return number

    def _packet(self, sequence: int, command: int, data: bytes) -> bytes:
        return gb.build(gb.Frame(sequence, self._address, self._centre, command, data), self.clock.now())

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) % 0x10000
        return self._sequence

    def _tag(self) -> bytes:
        return gb.time_tag(self.clock.now())

    def _system_state(self) -> bytes:
        return bytes(SYSTEM) + self._system_status.to_bytes(2, "little") + self._tag()


def _place(point: str) -> tuple[int, int]:
    """`217/6` as zone and point."""
    zone, _, number = point.partition("/")
    return int(zone), int(number)
