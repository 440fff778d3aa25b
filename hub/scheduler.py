"""The scheduler: deadlines that fall due become events, each decided and its row deleted in one commit.

One that waits for an absence is offered only when the intake has passed its due time, or 120 s after, marked unsure.
When the hub's own clock is set, waits that it began go on as long as they were meant to.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from hub.core.device_events import DeadlineReached, Reached
from hub.core.envelope import event_id
from hub.core.records import Deadline
from hub.core.steps import ClockSteps, elapsed
from hub.pulse import Pulse
from hub.store import deadlines, outbox
from hub.store.database import Priority, Store, StoreAway, Transaction

log = structlog.get_logger()

UNSURE_AFTER = timedelta(seconds=120)
LOOK_EVERY, SOONEST, IDLE = 0.5, 0.05, 5.0
"""seconds to the next look: while an absence waits for the intake, at the least, at the most"""
GATHER_FOR = 0.1
"""seconds from one look for deadlines that were just set to the next: none of them is due so soon"""
AT_ONCE = 500


class Scheduler:
    """`reached` has the intake decide a deadline's event; `passed` says whether it has taken all up to a moment."""

    def __init__(
        self,
        site: str,
        store: Store,
        reached: Callable[[DeadlineReached], Awaitable[bool]],
        passed: Callable[[datetime], bool],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        self._site = site
        self._store = store
        self._reached = reached
        self._passed = passed
        self._clock = clock
        self._steps = ClockSteps(clock, elapsed)
        self._since = clock()
        """the start of this run, by the clock as it is now set"""
        self._step = timedelta()
        self.pulse = Pulse()

    async def run(self) -> None:
        """Offer what is due until cancelled."""
        news = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_of_new_ones(news), name="scheduler-news")
            tasks.create_task(self._offer_all(news), name="scheduler")

    async def _hear_of_new_ones(self, news: asyncio.Event) -> None:
        subscription = self._store.changes.subscribe()
        try:
            async for change in subscription:
                if "deadlines" in change.topics:
                    news.set()
                    await subscription.gather(GATHER_FOR)
        finally:
            subscription.close()

    async def _offer_all(self, news: asyncio.Event) -> None:
        while True:
            news.clear()
            self.pulse.beat(disk=self._store.is_asked)
            try:
                await self._go_on_after_a_step()
                wait = await self._offer_due()
            except StoreAway:
                wait = 1.0
            self.pulse.beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await news.wait()

    async def _go_on_after_a_step(self) -> None:
        """What was begun by the clock as it was before it was set ends by the clock as it is now."""
        self._step += self._steps.since_last_look()
        if not self._step:
            return
        step, since = self._step, self._since

        def move(tx: Transaction) -> None:
            deadlines.move(tx, self._site, step, since)
            outbox.clock_set(tx, self._site, step, since)

        log.warning("clock_set", by=step.total_seconds())
        await self._store.write(Priority.DEADLINE, move)
        self._since, self._step = since + step, timedelta()

    async def _offer_due(self) -> float:
        """Offer what is due now; returns the seconds until the next look."""
        now = self._clock()
        due = await self._store.read(lambda tx: deadlines.due(tx, now, AT_ONCE))
        offered = [
            self._reached(_event(deadline, now, unsure=_unsure(deadline, now)))
            for deadline in due
            if not deadline.absence or _unsure(deadline, now) or self._passed(deadline.due)
        ]
        asked = [asyncio.ensure_future(done) for done in offered]
        waiting = set(asked)
        while waiting:  # for as long as the store is away
            self.pulse.beat(disk=self._store.is_asked)
            _, waiting = await asyncio.wait(waiting, timeout=LOOK_EVERY)
        for done in asked:
            done.result()
        if len(offered) == AT_ONCE:
            return 0.0
        if len(offered) < len(due):
            return LOOK_EVERY
        upcoming = await self._store.read(deadlines.next_due)
        if upcoming is None:
            return IDLE
        return min(IDLE, max(SOONEST, (upcoming - self._clock()).total_seconds()))


def _unsure(deadline: Deadline, now: datetime) -> bool:
    """Whether an absence has waited so long for the intake that it is concluded all the same."""
    return deadline.absence and now - deadline.due > UNSURE_AFTER


def _event(deadline: Deadline, now: datetime, *, unsure: bool) -> DeadlineReached:
    record = f"{deadline.key}/{deadline.due.isoformat()}"
    return DeadlineReached(
        id=event_id(
            deadline.due,
            site=deadline.site,
            device="",
            type_name="deadline.reached",
            subject=deadline.key,
            record=record,
        ),
        source=f"/sites/{deadline.site}/hub",
        subject=deadline.key,
        time=deadline.due,
        received=now,
        lane=deadline.lane,
        clock="hub",
        data=Reached(deadline=deadline.key, due=deadline.due, unsure=unsure),
    )
