"""What goes on in the building while it is killed: all four kinds of device, visitors, and somebody at the desk."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp

from chaos.check import Asked, Outside, Thing
from chaos.said import last_door
from simulators.gate import Enrolled, Gate
from simulators.locker import Locker
from simulators.memory import Record
from simulators.panel import Panel
from simulators.reader import Reader
from tests.e2e.desk import Desk, Json

AT_MOST = 60
"""records that wait at a device before nothing more happens there"""
APART = 0.3
"""seconds at least between two things that happen to one visitor or parcel: people aren't faster"""
CLEAR_OF = 3.0
"""seconds around a deadline in which either outcome is right"""
LATE_RUN = 30.0
"""seconds that an exit is waited for after news of an entry that came late"""
DOOR = "north-1"
"""where the reader is"""
NOT_NOW = (aiohttp.ClientError, OSError, AssertionError, TimeoutError)
"""what the desk meets while the hub is away; an AssertionError is an answer that isn't a yes"""


@dataclass(slots=True)
class Visit:
    id: str
    ref: str
    ends: float
    """Unix time"""
    entered: float = 0.0
    left: float = 0.0


@dataclass(slots=True)
class Load:
    gates: tuple[Gate, Gate]
    """in and out"""
    reader: Reader
    locker: Locker
    panel: Panel
    desk: Desk
    random: Random
    outside: Outside
    going: bool = True
    visits: list[Visit] = field(default_factory=list)
    troubles: dict[str, bool] = field(default_factory=dict)
    """by point: whether it stands, as the panel said last"""
    manual: bool = False
    """the panel's linkage, as it said last"""
    alarms: list[str] = field(default_factory=list)
    parcels: dict[str, str] = field(default_factory=dict)
    """by tracking number: the last thing that was done with it"""
    _numbers: int = 0

    async def run(self) -> None:
        """Until `going` is false, and what was begun is done."""
        async with asyncio.TaskGroup() as group:
            for gate in self.gates:
                group.create_task(self._often(0.05, lambda gate=gate: self._passes(gate)))  # type: ignore[misc]
            group.create_task(self._often(0.08, self._at_the_reader))
            group.create_task(self._often(0.4, self._at_the_panel))
            for _ in range(3):
                group.create_task(self._parcels())
            for _ in range(3):
                group.create_task(self._visitors())
            group.create_task(self._openings())

    async def _often(self, apart: float, act: Callable[[], None]) -> None:
        while self.going:
            act()
            await asyncio.sleep(self.random.expovariate(1 / apart))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _passes(self, gate: Gate) -> None:
        if len(gate.memory.waiting) < AT_MOST:
            person = f"C-{self._number()}"
            gate.people[person] = Enrolled(f"住户{person}", "1")
            gate.person_passes(person)
            del gate.people[person]

    def _at_the_reader(self) -> None:
        if len(self.reader.memory.waiting) < AT_MOST:
            if self.random.random() < 0.3:
                self.reader.somebody_passes()
            else:
                self.reader.card_refused(str(41_000_000 + self._number()))

    def _at_the_panel(self) -> None:
        if len(self.panel.memory.waiting) >= AT_MOST:
            return
        standing = [point for point, stands in self.troubles.items() if stands]
        draw = self.random.random()
        if draw < 0.05:
            self.manual = not self.manual
            self.panel.system_condition("manual", active=self.manual)
        elif draw < 0.5:
            point = f"217/{1000 + self._number()}"
            self.panel.alarm(point, kind="smoke")
            self.alarms.append(point)
        elif draw < 0.75 or not standing:
            point = f"218/{1000 + self._number()}"
            self.panel.condition(point, "trouble", kind="smoke")
            self.troubles[point] = True
        else:
            point = self.random.choice(standing)
            self.panel.condition(point, "trouble", active=False, kind="smoke")
            self.troubles[point] = False

    async def _parcels(self) -> None:
        people = ("R-001", "R-003", "R-004", "R-008", "R-012")
        while self.going:
            tracking = f"CH{self._number():010}"
            try:
                number = await self.locker.courier_stores(
                    self.random.choice(people), self.random.choice("SML"), tracking=tracking
                )
            except LookupError:  # it is full
                await asyncio.sleep(APART)
                continue
            self.parcels[tracking] = "stored"
            await asyncio.sleep(APART + self.random.expovariate(1 / 3))
            if self.random.random() < 0.1:
                continue  # nobody comes for it
            try:
                await self.locker.recipient_collects(number, within=4)
                self.parcels[tracking] = "collected"
            except TimeoutError:  # no code came: the courier takes it back
                await self.locker.courier_withdraws(number)
                self.parcels[tracking] = "withdrawn"

    async def _visitors(self) -> None:
        while self.going:
            ends = time.time() + self.random.uniform(6, 30)
            visit = await self._announced(ends)
            if visit and self.random.random() < 0.9:
                await self._comes_and_goes(visit)
            await asyncio.sleep(self.random.uniform(0.2, 1))

    async def _announced(self, ends: float) -> Visit | None:
        name = f"访客{self._number()}"
        until = datetime.fromtimestamp(ends, UTC)
        body = {
            "name": name,
            "unit": "3-1-702",
            "kind": "visit",
            "from": (until - timedelta(hours=1)).isoformat(),
            "until": until.isoformat(),
        }
        visited = Thing("desk", "visit", name)
        self.outside.sent[visited] += 1
        told = await self._insists("visits", body, f"visit-{self._numbers}")
        if told is None:
            return None
        self.outside.told[visited] += 1
        visit = Visit(str(told["id"]), str(told["ref"]), ends)
        self.visits.append(visit)
        return visit

    async def _comes_and_goes(self, visit: Visit) -> None:
        entry, exit_ = self.gates
        await self._passes_with(entry, visit)
        visit.entered = time.time()
        await asyncio.sleep(self.random.uniform(APART, 10))
        if self.random.random() < 0.8:
            await self._passes_with(exit_, visit)
            visit.left = time.time()

    async def _passes_with(self, gate: Gate, visit: Visit) -> None:
        """Waits for the pass for a while, shows it, and waits for the gate's yes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while visit.ref not in gate.people:
                    await asyncio.sleep(0.1)
        gate.people[visit.ref] = Enrolled("访客", "1")
        gate.person_passes(visit.ref)
        record: Record[Json] = gate.memory.waiting[-1]
        while record in gate.memory.waiting:
            await asyncio.sleep(0.05)

    async def _openings(self) -> None:
        while self.going:
            device = self.random.choice(("gate-e1", "gate-e2", "reader-n1"))
            reason = f"送货 {self._number()}"
            asked = Thing("desk", "command", reason)
            self.outside.sent[asked] += 1
            body = {"kind": "door.open", "point": "1", "reason": reason}
            if await self._insists(f"devices/{device}/commands", body, f"opening-{self._numbers}"):
                self.outside.told[asked] += 1
            await asyncio.sleep(self.random.uniform(0.3, 2))

    async def _insists(self, path: str, body: Json, key: str) -> Json | None:
        """Asked again under the same key until there is a yes. None where the load ended first: nobody heard yes."""
        while self.going:
            try:
                async with asyncio.timeout(5):
                    return await self.desk.post(path, body, key=key)
            except NOT_NOW:
                await asyncio.sleep(0.3)
        return None

    def expect(self, ended: float) -> None:
        """What the records must be now, and which deadlines must have been reached by the Unix time `ended`."""
        states = self.outside.states
        for visit in self.visits:
            state = "departed" if visit.left else "open" if visit.entered else "expected"
            states[Asked("visit", visit.ref)] = frozenset({state})
            overstay = f"overstay/{visit.id}"
            waits_until = max(visit.ends, visit.entered + LATE_RUN) + CLEAR_OF
            if visit.entered and not visit.left and waits_until < ended:
                self.outside.must_fire.add(overstay)
            if visit.left and visit.left < visit.ends - CLEAR_OF:
                self.outside.must_not_fire.add(overstay)
        for tracking, state in self.parcels.items():
            states[Asked("parcel", tracking)] = frozenset({state})
        for point in self.alarms:
            states[Asked("fire", _subject(point))] = frozenset({"active"})
        for point, stands in self.troubles.items():
            states[Asked("trouble", _subject(point))] = frozenset({"active"} if stands else {"quiet"})
        states[Asked("linkage", self.panel.device.id)] = frozenset({"manual" if self.manual else "auto"})
        for device in (*self.gates, self.reader, self.locker, self.panel):
            states[Asked("device", device.device.id)] = frozenset({"online"})
        if door := last_door(self.reader.memory.sent):
            states[Asked("door", DOOR)] = frozenset({door})


def _subject(point: str) -> str:
    zone, _, number = point.partition("/")
    return f"zone/{zone}/point/{number}"
