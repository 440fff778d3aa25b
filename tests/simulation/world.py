"""The building: devices, broker, disks and processes under one clock, moved step by step by one series of choices."""

import math
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from queue import Empty
from random import Random
from types import SimpleNamespace
from typing import Literal
from unittest import mock

from sqlalchemy import Connection

import hub.host.host
import hub.intake.deciding
import hub.store.database
import hub.store.spool
from hub.bus.client import Message as Published
from hub.core.building import Building
from hub.core.notifier import Channel, Message, NotSent, Sent
from hub.store.deadlines import next_due
from hub.store.sealing import Keys
from hub.store.tables import metadata
from tests.adapters import gbt26875_frames as gbt
from tests.simulation.broker import Broker
from tests.simulation.clock import Clock
from tests.simulation.devices import PANEL, SITE, Locker, Panel
from tests.simulation.process import Line, Part, Process, Silent
from tests.simulation.turns import Queue, Ranked, Worker

Moment = Literal["yes", "receipt", "command", "deadline"]
"""just after a locker heard its yes, a host a receipt, a command's first byte was written, a due deadline offered"""
LOCKERS = ("locker-1", "locker-2")
MEMORY = "/dev/shm"  # files that a crash is played on needn't outlive one
BUILDING = Building.model_validate(
    {
        "site": {"id": SITE, "name": {"zh": "云杉苑", "en": "Spruce Court"}, "time_zone": "Asia/Shanghai"},
        "posts": {
            "front": {"id": "front", "name": {"zh": "前台", "en": "Desk"}, "first_for": ["parcel"], "phone": "100"},
            "fire": {"id": "fire", "name": {"zh": "消控室", "en": "Fire room"}, "first_for": ["fire"], "phone": "119"},
        },
        "devices": {
            name: {
                "id": name,
                "name": {"zh": name, "en": name},
                "adapter": adapter,
                "address": address,
                "peer": peer,
                "heartbeat": "PT30S",
                "silence": "PT90S",
                **more,
            }
            for name, adapter, address, peer, more in (
                (PANEL, "gbt26875", str(gbt.PANEL), "127.0.0.1", {}),
                *((locker, "locker_mqtt", locker, "", {"codes": "hub"}) for locker in LOCKERS),
            )
        },
    }
)


def _laid_out(connection: Connection) -> None:
    """The schema as the migrations make it, which take longer than all else at a start."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
        metadata.create_all(connection)


class World:
    """`split`: host and desk are two processes, each with its own crashes."""

    def __init__(self, split: bool) -> None:
        self.clock = Clock()
        self.broker = Broker()
        self.broker.published = self._on_the_wire
        self.parts: tuple[Part, ...] = ("host", "desk") if split else ("all",)
        self.processes: dict[Part, Process] = {}
        self.lockers = {name: Locker(name, self.broker, self.clock, lambda: self._comes("yes")) for name in LOCKERS}
        self.panel = Panel(self.clock)
        self.wire: Counter[str] = Counter()
        """command id → how often the hub wrote it"""
        self.sent: list[Message] = []
        """notices that a channel took"""
        self.choose = Random(0)
        self.trace: list[str] = []
        """what was chosen, step by step: the same life has the same"""
        self.slow = ""
        """the database whose thread gets no turn"""
        self.moments: Counter[Moment] = Counter()
        """how often each has come"""
        self._folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=MEMORY if Path(MEMORY).is_dir() else None))
        self._places = 0
        self._keys = Keys.load_or_create(self._folder)
        self._crew: list[Worker] = []
        self._patches = ExitStack()
        self._patches.enter_context(self._patched())
        for part in self.parts:
            self.start(part, self._place())

    # time and threads

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """The hub's threads and what it measures time with; all else comes in as arguments."""
        with ExitStack() as stack:

            def patch(target: object, name: str, new: object) -> None:
                stack.enter_context(mock.patch.object(target, name, new))

            patch(time, "monotonic", self.clock.monotonic)
            patch(time, "clock_gettime", lambda which: self.clock.monotonic())
            patch(hub.intake.deciding, "time", SimpleNamespace(monotonic=count().__next__, thread_time=self._thinking))
            patch(hub.store.spool, "queue", SimpleNamespace(SimpleQueue=Queue, Empty=Empty))
            patch(hub.store.spool, "threading", SimpleNamespace(Thread=self._worker))
            patch(hub.store.database, "PriorityQueue", Ranked)
            patch(hub.store.database, "Thread", self._worker)
            patch(hub.store.database, "migrate", _laid_out)
            patch(hub.host.host, "TcpListener", Line)
            patch(hub.host.host, "HttpListener", Silent)
            yield

    def _worker(self, **named: object) -> Worker:
        return Worker(self._crew, **named)  # type: ignore[arg-type]

    def _thinking(self) -> float:
        """Deciding takes long now and then, and a batch stops growing."""
        return self.clock.monotonic() + (0.02 if self.choose.random() < 0.05 else 0.0)

    # processes

    def _place(self) -> Path:
        self._places += 1
        place = self._folder / f"{self._places}"
        place.mkdir()
        return place

    def start(self, part: Part, place: Path) -> None:
        crew: list[Worker] = []
        channels: dict[str, Channel] = {"desk": self._channel, "webhook": self._flaky}
        self._crew = crew
        self.processes[part] = Process(
            part, place, self.clock, self.broker, BUILDING, self._keys, channels, crew, self._comes
        )

    def crash(self, part: Part) -> None:
        """And start again at once."""
        place = self._place()
        process = self.processes.pop(part)
        self.panel.hang_up() if part != "desk" else None
        process.die(place, self.choose)
        self.start(part, place)

    @property
    def host(self) -> Process:
        return self.processes[self.parts[0]]

    @property
    def desk(self) -> Process:
        return self.processes[self.parts[-1]]

    # steps

    def step(self) -> str:
        """One of what can happen now. "" if nothing can, "commit" if it left one that nobody heard of."""
        self.trace.append(taken := self._step())
        return taken

    def _step(self) -> str:
        can = [(part, choice) for part, process in self.processes.items() for choice in process.choices(self.slow)]
        moving = bool(self.broker.can_move())
        if not can and not moving:
            return ""
        number = self.choose.randrange(len(can) + moving)
        if number == len(can):
            self.broker.move(self.choose)
            return "broker"
        part, choice = can[number]
        self._crew = self.processes[part].crew
        return "commit" if self.processes[part].step(choice) else choice

    def until(self, moment: Moment, within: float, most: int = 2000) -> bool:
        """Step by step until it comes; False if it doesn't within so many seconds."""
        before, until = self.moments[moment], self.clock.monotonic() + within
        for _ in range(most):
            if self.moments[moment] > before:
                return True
            if not self.step():
                timer = self._next_timer()
                if timer > until:
                    return False
                self.clock.pass_to(timer)
        return False

    def until_a_commit(self, most: int) -> None:
        """That nobody has heard of yet; or so many steps."""
        for _ in range(most):
            if self.step() in ("", "commit"):
                return

    def a_deadline_falls_due(self) -> None:
        """However far it is: the machine slept till then."""
        due = self.desk.read(next_due)
        if due:
            self.clock.pass_to(self.clock.monotonic() + (due - self.clock.now()).total_seconds())

    def _next_timer(self) -> float:
        timers = [process.loop.next_timer() for process in self.processes.values()]
        return min((timer for timer in timers if timer is not None), default=math.inf)

    def until_quiet(self, most: int = 200_000) -> None:
        for _ in range(most):
            if not self.step():
                return
        raise AssertionError("it never comes to rest")

    def passes(self, seconds: float) -> None:
        """Everything happens when it is due; devices that wait for a yes ask again every few seconds."""
        until = self.clock.monotonic() + seconds
        while True:
            self.until_quiet()
            moment = self._next_timer()
            if moment > until:
                break
            self.clock.pass_to(moment)
        self.clock.pass_to(until)
        self.until_quiet()

    def devices_speak(self) -> None:
        self.panel.speaks(self.host)
        for locker in self.lockers.values():
            locker.send_again()

    # what leaves the hub

    def _on_the_wire(self, session: str, message: Published) -> None:
        self.trace.append(f"{session} {message.topic} {len(message.payload)}")
        if session.startswith("devices-") and b'"command"' in message.payload:
            self._comes("command")
            self.wire[message.payload.decode().split('"command":"')[1][:36]] += 1

    def _comes(self, moment: Moment) -> None:
        self.moments[moment] += 1

    async def _channel(self, message: Message) -> Sent | NotSent:
        self.sent.append(message)
        return Sent()

    async def _flaky(self, message: Message) -> Sent | NotSent:
        if self.choose.random() < 0.3:
            return NotSent(retry=True, reason="no_connection")
        return await self._channel(message)

    # the end

    def settle(self) -> None:
        """Every fault is over, and whoever waits gets what is his."""
        self.clock.wrong_by = timedelta()
        self.broker.running = True
        self.broker.forbidden = ()
        for session in self.broker.sessions.values():
            session.stalled = False
        for _ in range(60):
            self.devices_speak()
            self.passes(4.0)
            if not self.panel.waiting and not any(locker.waiting for locker in self.lockers.values()):
                break
        self.passes(70.0)  # the longest patience, and a late run

    def end(self) -> None:
        for process in self.processes.values():
            process.drop()
        self._patches.close()
        shutil.rmtree(self._folder)
        assert threading.active_count() < 50
