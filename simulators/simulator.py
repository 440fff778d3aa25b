"""What every simulated device has: a clock, a memory, a connection that comes back, and faults on request."""

import asyncio
import contextlib
import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from random import Random
from typing import Any, ClassVar, Generic

from simulators.building import Device
from simulators.memory import Body, Memory, Record

log = logging.getLogger("simulators")

LINE_LOST = (OSError, EOFError, TimeoutError)
"""what a session may end with: the line, or the other end, is gone"""


@dataclass
class Misbehaviour:
    """Faults on request. Chances are 0 to 1 a record; times are seconds; the default is a device in order."""

    duplicate: float = 0.0
    """chance that a record is sent twice in a row"""
    drop: float = 0.0
    """chance that an answer is not heard, so that the record comes again"""
    delay: float = 0.0
    """a record waits up to this long before it goes out"""
    wrong_clock: float = 0.0
    """the device's clock is this far ahead (or behind, if negative) until somebody sets it"""
    garbage: float = 0.0
    """chance that something unreadable goes out before a record"""
    reconnect_storm: float = 0.0
    """cut the connection this often; 0: never"""
    split: bool = False
    """bytes go out in small pieces, where the wire is a stream"""
    glue: bool = False
    """several records go out at once: in one segment or one POST where the wire has those"""


class Clock:
    """The device's own clock in its own time zone: as right as it was last set."""

    def __init__(self, zone: tzinfo, ahead: float) -> None:
        self._zone = zone
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._ahead).astimezone(self._zone)

    def set(self, wall: datetime) -> None:
        """`wall` is what the face of the clock shall show now; its zone, if any, is dropped."""
        self._ahead = wall.replace(tzinfo=self._zone) - datetime.now(UTC)

    def run_ahead(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)


class Simulator(ABC, Generic[Body]):
    """One device. `run()` lives until cancelled; scenario steps call the methods that `actions` names."""

    actions: ClassVar[frozenset[str]] = frozenset()
    common_actions: ClassVar[frozenset[str]] = frozenset({"outage", "misbehave"})
    under_way: ClassVar[int] = 1
    """records sent and not yet answered, at most"""

    def __init__(
        self, device: Device, *, seed: int = 0, speed: float = 1.0, misbehaviour: Misbehaviour | None = None
    ) -> None:
        """`speed` divides every wait of the protocol (resend, heartbeat, reconnection), not the clock."""
        self.device = device
        self.memory: Memory[Body] = Memory()
        self.misbehaviour = misbehaviour or Misbehaviour()
        self.random = Random(f"{seed}/{device.id}")
        self.clock = Clock(device.time_zone, self.misbehaviour.wrong_clock)
        self.speed = speed
        self.connected = asyncio.Event()
        self.connections = 0
        self._away = 0.0
        self._last_trouble = ""
        self._stopping = False
        self._session_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Connect, live, connect again, for ever."""
        self._stopping = False
        while True:
            await self._live_once()
            await asyncio.sleep(self.seconds(self._away or self.random.uniform(0.5, 1.5)))
            self._away = 0.0

    def outage(self, seconds: float) -> None:
        """The line is cut at once, without a goodbye, and comes back after `seconds`; records pile up meanwhile."""
        self._away = seconds
        if self._session_task:
            self._session_task.cancel()

    def misbehave(self, **faults: float | bool) -> None:
        """Switch faults on or off by name, as in Misbehaviour. Raises TypeError for one that doesn't exist."""
        self.misbehaviour = dataclasses.replace(self.misbehaviour, **faults)  # type: ignore[arg-type]
        if "wrong_clock" in faults:
            self.clock.run_ahead(self.misbehaviour.wrong_clock)

    def seconds(self, protocol_seconds: float) -> float:
        return protocol_seconds / self.speed

    @abstractmethod
    async def _session(self) -> None:
        """Connect and talk until the line is lost (one of LINE_LOST) or the task is cancelled."""

    @abstractmethod
    async def _send(self, batch: Sequence[Record[Body]]) -> None:
        """Put records on the wire."""

    @abstractmethod
    async def _send_garbage(self) -> None:
        """Put something unreadable on the wire."""

    def _up(self) -> None:
        self.connections += 1
        self.connected.set()
        self._last_trouble = ""
        log.info("%s connected", self.device.id)

    async def _deliver(self) -> None:
        """Empty the memory over this connection, with the faults asked for."""
        await self.memory.deliver(
            self._send_with_faults,
            again_after=lambda times: self.seconds(self._silence(times)),
            at_once=lambda: 3 if self.misbehaviour.glue else self.under_way,
        )

    def _silence(self, times_sent: int) -> float:
        """Seconds without an answer after which a record goes out again."""
        return 10.0

    async def _send_with_faults(self, batch: Sequence[Record[Body]]) -> None:
        faults = self.misbehaviour
        if faults.delay:
            await asyncio.sleep(self.random.uniform(0, faults.delay))
        if self._chance(faults.garbage):
            await self._send_garbage()
        await self._send(batch)
        if self._chance(faults.duplicate):
            self.memory.going_out(batch)
            await self._send(batch)

    def _heard_yes(self, kind: str, number: int) -> bool:
        """An answer came in. False where it was for nothing that waits, or by request was not heard."""
        return not self._chance(self.misbehaviour.drop) and self.memory.answered(kind, number)

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    async def _live_once(self) -> None:
        """One connection from first byte to last. A fault of the line is logged; a fault of ours is raised."""
        self._session_task = session = asyncio.create_task(self._session(), name=f"{self.device.id} session")
        try:
            await asyncio.wait({session}, timeout=self.misbehaviour.reconnect_storm or None)
        except asyncio.CancelledError:
            self._stopping = True
            raise
        finally:
            session.cancel()
            await asyncio.wait({session})
            if self.connected.is_set():
                log.info("%s disconnected", self.device.id)
            self.connected.clear()
            self._raise_own_fault(session)

    def _raise_own_fault(self, session: asyncio.Task[None]) -> None:
        """A lost line is what devices live with; anything else is our own fault and is raised."""
        if not session.cancelled() and (error := session.exception()):
            causes = tuple(_leaves(error))
            if not all(isinstance(cause, LINE_LOST) for cause in causes):
                raise error
            self._grumble(str(causes[0]) or type(causes[0]).__name__)

    def _grumble(self, trouble: str) -> None:
        """One line on the log for the same trouble, however often it comes, until the device is connected again."""
        if trouble != self._last_trouble:
            log.info("%s: %s", self.device.id, trouble)
        self._last_trouble = trouble


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@contextlib.asynccontextmanager
async def running(*simulators: "Simulator[Any]") -> AsyncIterator[None]:
    """The devices live inside the block. A fault of a simulator's own code ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run(), name=each.device.id) for each in simulators]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
