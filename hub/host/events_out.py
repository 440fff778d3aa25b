"""Events out: to disk, then to the broker and, life, straight to the intake beside us; until receipted."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from hub.bus import topics
from hub.core.envelope import Lane
from hub.core.events import Event, dump_event, parse_event
from hub.core.passing import HostStatus
from hub.host.tasks import Tasks
from hub.host.window import Window
from hub.pulse import Pulse
from hub.store.spool import Draft, NearlyFull, Spool, SpoolAway, SpooledRow

log = structlog.get_logger()

TICK = 0.25


class Local(Protocol):
    """The intake in the same process: hears of life events and of the host's state while the broker is away."""

    def offer(self, events: Sequence[Event]) -> None: ...
    def host_status(self, host: str, status: HostStatus) -> None: ...
    def device_status(self, device: str, status: Mapping[str, Any] | None) -> None: ...


class EventsOut:
    """`publish(lane, topic, payload)` hands a message to a lane's session and says whether there was a connection.
    `life_comes` hears at once that a matter of life is to be kept."""

    def __init__(
        self,
        host: str,
        site: str,
        spool: Spool,
        publish: Callable[[Lane, str, bytes], bool],
        local: Local | None,
        tasks: Tasks,
        life_comes: Callable[[], None] = lambda: None,
    ) -> None:
        self._head = b'{"host":"%s","sequence":' % host.encode()  # an Identifier: nothing in it to escape
        self._site = site
        self._spool = spool
        self._publish = publish
        self._local = local
        self._tasks = tasks
        self._life_comes = life_comes
        self._kick = asyncio.Event()
        self.pulse = Pulse()
        self._stranded = (0, 0)
        """(sequence, how many looks found it neither out nor to be read)"""
        self._life = Window("life", spool, self._publish_row, time.monotonic)
        self._routine = Window("routine", spool, self._publish_row, time.monotonic)

    @property
    def receipts_overdue(self) -> bool:
        """Rows go out and nobody receives them: the intake or its store is away, or the broker refuses them (a broker
        of MQTT 3.1.1 has no other way to say so)."""
        return self._life.overdue or self._routine.overdue

    def keep(self, events: Sequence[Event]) -> "asyncio.Future[list[SpooledRow]]":
        """Done once they are on disk and begin their way out; none, once all that was asked to be kept before is.
        Raises SpoolAway."""
        if any(event.lane == "life" for event in events):
            self._life_comes()
        kept = self._spool.append([Draft(event.lane, event.device, dump_event(event)) for event in events])
        kept.add_done_callback(self._kept)
        return kept

    def _kept(self, kept: "asyncio.Future[list[SpooledRow]]") -> None:
        if kept.cancelled():
            return  # whoever waited has gone: `look_for_stranded` finds the rows
        if problem := kept.exception():
            if not isinstance(problem, NearlyFull):  # the disk says that once, and the spool counts
                log.error("events_not_kept", reason=str(problem))
        else:
            self.committed(kept.result())

    def committed(self, rows: Sequence[SpooledRow]) -> None:
        """What stands on disk goes out."""
        if not rows:
            return
        if self._local:
            self._offer([row for row in rows if row.lane == "life"])
        self._life.committed([row for row in rows if row.lane == "life"])
        self._routine.committed([row for row in rows if row.lane == "routine"])
        self._kick.set()

    def receipt(self, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
        """The intake's word: the store has committed these."""
        if restart:
            self.begin_again()
        if ranges:
            for window in (self._life, self._routine):
                window.received(ranges)
            self._tasks.begin(self._forget(ranges), "host-forget")
        self._kick.set()

    def begin_again(self, settle: float = 0.0) -> None:
        """From the oldest row on, after `settle` seconds: the session is new, or the intake is."""
        for window in (self._life, self._routine):
            window.begin_again(settle)
        self._kick.set()

    def look_for_stranded(self, oldest: int | None) -> None:
        """The oldest row on disk is out, or to be read; one that is neither (its forgetting failed) is sent again."""
        if oldest is None or any(window.will_send(oldest) for window in (self._life, self._routine)):
            return
        looks = self._stranded[1] + 1 if self._stranded[0] == oldest else 1
        self._stranded = (oldest, looks)
        if looks == 2:  # at the first its forgetting may be under way; one still here at the third is damaged
            self.begin_again()

    async def run(self) -> None:
        """Empty the spool, life first, until cancelled."""
        while True:
            self.pulse.beat(disk=self._spool.is_asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._kick.wait()
            self._kick.clear()
            with contextlib.suppress(SpoolAway):  # the spool says why; the rows are read at the next turn
                await self._life.fill()
                await self._routine.fill()

    def _on_the_wire(self, row: SpooledRow, after: int = 0) -> bytes:
        behind = b'"after":%d,' % after if after else b""
        return self._head + b"%d,%s%s" % (row.sequence, behind, row.payload[1:])

    def _publish_row(self, row: SpooledRow, after: int) -> bool:
        return self._publish(row.lane, topics.events(self._site, row.lane, row.device), self._on_the_wire(row, after))

    def _offer(self, rows: Sequence[SpooledRow]) -> None:
        offered = []
        for row in rows:
            try:
                offered.append(parse_event(self._on_the_wire(row)))
            except ValidationError as error:  # the intake refuses its copy from the broker, and says so there
                log.error("own_event_unreadable", sequence=row.sequence, problems=error.error_count())
        if self._local and offered:
            self._local.offer(offered)

    async def _forget(self, ranges: Sequence[tuple[int, int]]) -> None:
        with contextlib.suppress(SpoolAway):
            await self._spool.forget(ranges)
