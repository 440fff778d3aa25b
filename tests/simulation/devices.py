"""Devices as they are: they keep each record until they are told yes, send it again under the same number, and go by
the right time. A locker over MQTT, a fire panel over TCP, which says one thing after the other."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.adapters.gbt26875.framing import CONFIRM, parse
from hub.bus.client import Message
from hub.core.adapter import Frame
from hub.core.text import rfc3339
from tests.adapters import gbt26875_frames as gbt
from tests.simulation.broker import Broker, Session
from tests.simulation.clock import BEGIN, Clock
from tests.simulation.process import Line, Process

SITE = "b1"
PANEL = "fire-b3"


@dataclass(slots=True)
class Record:
    """What a device once said: the frame, and whether it was told yes."""

    frame: bytes
    told: bool = False


class Locker:
    """`orders` are the commands that it carried out, by id; `told` is called at each yes."""

    def __init__(self, name: str, broker: Broker, clock: Clock, told: Callable[[], None]) -> None:
        self.name = name
        self.said: dict[int, Record] = {}
        self.orders: dict[str, Mapping[str, Any]] = {}
        self.parcels: dict[str, str] = {}
        """tracking number → stored or collected"""
        self._inside: dict[str, str] = {}
        self._open: set[str] = set()
        self._last = BEGIN - timedelta(hours=1)
        self._broker = broker
        self._clock = clock
        self._told = told
        self._session: Session | None = None
        self._connections = 0

    @property
    def up(self) -> str:
        return f"locker/v1/{SITE}/{self.name}/up"

    @property
    def waiting(self) -> bool:
        return any(not record.told for record in self.said.values())

    def connect(self) -> None:
        """If it isn't. Says hello, and all that it was told no yes to."""
        if self._session and self._broker.sessions.get(self.name) is self._session:
            return
        self._session = session = Session(self.name, None, lambda after: None, owner=self)
        session.hears = self._hear
        if not self._broker.open(session, lambda: None):
            return
        self._broker.subscribe(session, f"locker/v1/{SITE}/{self.name}/down", lambda: None)
        self._connections += 1
        self._publish({"type": "hello", "boot": 1, "connection": self._connections, "firmware": "1"})
        self.send_again()

    def happens(self, kind: str, *, ago: timedelta = timedelta(), **what: Any) -> int:
        """`ago`: it comes from its memory, of so long ago, though after all that was said before it."""
        number = len(self.said) + 1
        at = self._last = max(self._clock.true() - ago, self._last + timedelta(milliseconds=1))
        record = {"type": kind, "boot": 1, "number": number, "time": rfc3339(at), "backlog": bool(ago), **what}
        self.said[number] = Record(json.dumps(record).encode())
        self.send_again()
        return number

    def parcel_moves(self, compartment: str, ago: timedelta) -> None:
        """Out if there is one, else a new one in."""
        if tracking := self._inside.pop(compartment, ""):
            self.parcels[tracking] = "collected"
            self.happens(
                "parcel.collected", ago=ago, compartment=compartment, parcel={"tracking": tracking}, by="recipient"
            )
            return
        tracking = self._inside[compartment] = f"{self.name}/{len(self.said) + 1}"
        self.parcels[tracking] = "stored"
        label, to = {"tracking": tracking}, {"phone": "13912340987"}
        self.happens("parcel.stored", ago=ago, compartment=compartment, parcel=label, recipient=to)

    def door_moves(self, compartment: str) -> None:
        """It has stood open for too long, or is closed at last."""
        if compartment in self._open:
            self._open.discard(compartment)
            self.happens("compartment.closed", compartment=compartment, cause="recipient")
        else:
            self._open.add(compartment)
            self.happens("compartment.left_open", compartment=compartment, active=True)

    def send_again(self) -> None:
        """Oldest first: what lies where in a locker follows from the order of what it said."""
        self.connect()
        for number, record in self.said.items():
            if not record.told:
                self._send(number)

    def heartbeat(self) -> None:
        self.connect()
        self._publish({"type": "heartbeat", "boot": 1, "time": rfc3339(self._clock.true())})

    def _send(self, number: int) -> None:
        if self._session and self._broker.sessions.get(self.name) is self._session:
            self._broker.publish(self._session, Message(self.up, self.said[number].frame, False), False, _nothing)

    def _publish(self, statement: dict[str, Any]) -> None:
        if self._session and self._broker.sessions.get(self.name) is self._session:
            message = Message(self.up, json.dumps(statement).encode(), False)
            self._broker.publish(self._session, message, False, _nothing)

    def _hear(self, message: Message) -> None:
        told = json.loads(message.payload)
        if told["type"] == "kept":
            self.said[told["number"]].told = True
            self._told()
        elif told["command"] not in self.orders:
            self.orders[told["command"]] = told
            self.happens("command.done", command=told["command"], result="put")


@dataclass(slots=True)
class Panel:
    """`said` are its reports in order; the first that wasn't confirmed is sent until it is."""

    clock: Clock
    said: list[Record] = field(default_factory=list)
    points: dict[int, bool] = field(default_factory=dict)
    _bodies: list[bytes] = field(default_factory=list)
    _connection: int = 0
    _line: Line | None = None
    _heard: list[bytes] = field(default_factory=list)
    _last: datetime | None = None

    @property
    def waiting(self) -> bool:
        return any(not record.told for record in self.said)

    def reports(self, point: int, alarm: bool) -> None:
        """Its clock shows whole seconds; two things of one point in one second would be one."""
        at = self.clock.true().replace(microsecond=0)
        if self._last and at <= self._last:
            at = self._last + timedelta(seconds=1)
        self._last = at
        self.points[point] = alarm
        self._bodies.append(gbt.objects(2, gbt.component(0b10 if alarm else 0, point=point, at=at)))
        self.said.append(Record(self._frame(len(self.said), at)))

    def _frame(self, number: int, at: datetime) -> bytes:
        """Stamped with the time of its sending."""
        return gbt.framed(self._bodies[number], sequence=number % 65536, sent=gbt.tag(at.replace(microsecond=0)))

    def speaks(self, process: Process | None) -> None:
        """Hears what it was told, and says what comes next."""
        self._listen()
        line = process.line if process else None
        if line is None or not line.listening or process is None:
            return
        if line is not self._line:
            self.hang_up()
            self._connection += 1
            self._line, self._heard = line, []
            line.open(self._connection, self._heard)
        waiting = next((number for number, record in enumerate(self.said) if not record.told), None)
        if waiting is not None:
            frame = Frame(self._frame(waiting, self.clock.true()), self.clock.now(), peer="127.0.0.1")
            process.loop.call_soon(line.says, self._connection, frame)

    def hang_up(self) -> None:
        if self._line:
            self._line.close(self._connection)
        self._line, self._heard = None, []

    def _listen(self) -> None:
        heard, self._heard[:] = list(self._heard), []
        for answer in heard:
            packet = parse(answer)
            if packet.command == CONFIRM:
                self.said[packet.sequence].told = True


def _nothing(*_: object) -> None:
    pass
