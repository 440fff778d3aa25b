"""What was taken in and isn't committed yet, one lane of it, in the order it came."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

import structlog

from hub.core.envelope import Lane
from hub.core.events import Event

log = structlog.get_logger()

BATCH = 256
BUFFERED = 8192
"""events; the hosts' windows keep it far below"""


class Taken:
    """An event and, where one waits for its commit (the scheduler), whom to tell. `again`: it failed once, and a person
    wants it decided although it is stored. `row` is its row in its host's spool; None for what no host spooled."""

    __slots__ = ("again", "done", "event", "row")

    def __init__(self, event: Event, done: "asyncio.Future[bool] | None" = None, *, again: bool = False) -> None:
        self.event = event
        self.done = done
        self.again = again
        host, sequence = event.host, event.sequence
        self.row = None if host is None or sequence is None else (host, sequence)


class Waiting:
    """A row that comes again while its first copy waits isn't taken twice: one receipt answers both."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._events: deque[Taken] = deque()
        self._rows: set[tuple[str, int]] = set()
        self._some = asyncio.Event()
        self._full = False

    def __len__(self) -> int:
        return len(self._events)

    def take(self, taken: Taken) -> bool:
        """False where there is no room: without a receipt its host sends it again."""
        if taken.row in self._rows:
            return True
        if len(self._events) >= BUFFERED and taken.done is None:
            if not self._full:
                log.error("intake_full", lane=self.lane, waiting=len(self._events))
            self._full = True
            return False
        if taken.row:
            self._rows.add(taken.row)
        self._events.append(taken)
        self._some.set()
        return True

    async def batch(self, within: float) -> list[Taken]:
        """What is there, without lingering; [] when nothing came within so many seconds."""
        if not self._events:
            self._some.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._some.wait()
        return [self._events.popleft() for _ in range(min(BATCH, len(self._events)))]

    def put_back(self, batch: Sequence[Taken]) -> None:
        """These come first again."""
        self._events.extendleft(reversed(batch))

    def settled(self, batch: Sequence[Taken]) -> None:
        """These are committed: a copy that comes from now on is a repeat, and gets its receipt."""
        self._rows.difference_update(taken.row for taken in batch if taken.row)
        self._full = self._full and len(self._events) > BUFFERED // 2
