"""The scheduler: deadlines that fall due become events, each decided and its row deleted in one commit.

One that waits for an absence is offered only when the intake has passed its due time, or 120 s after, marked unsure.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from hub.core.device_events import DeadlineReached, Reached
from hub.core.envelope import event_id
from hub.core.records import Deadline
from hub.store import deadlines
from hub.store.database import Store, StoreAway

log = structlog.get_logger()

UNSURE_AFTER = timedelta(seconds=120)
LOOK_EVERY = 0.5
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
    ) -> None:
        self._site = site
        self._store = store
        self._reached = reached
        self._passed = passed
        self._clock = clock
        self.ticked = time.monotonic()

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
        finally:
            subscription.close()

    async def _offer_all(self, news: asyncio.Event) -> None:
        while True:
            self.ticked = time.monotonic()
            news.clear()
            try:
                wait = await self._offer_due()
            except StoreAway:
                wait = 1.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await news.wait()

    async def _offer_due(self) -> float:
        """Offer what is due now; returns the seconds until the next look."""
        now = self._clock()
        due = await self._store.read(lambda tx: deadlines.due(tx, now, AT_ONCE))
        held = False
        offered = []
        for deadline in due:
            unsure = now - deadline.due > UNSURE_AFTER
            if deadline.absence and not unsure and not self._passed(deadline.due):
                held = True
                continue
            offered.append(self._reached(_event(deadline, now, unsure=deadline.absence and unsure)))
        for done in offered:
            await done
        if held or offered:
            return LOOK_EVERY if not offered else 0.0
        upcoming = await self._store.read(deadlines.next_due)
        if upcoming is None:
            return 5.0
        return min(5.0, max(LOOK_EVERY / 10, (upcoming - self._clock()).total_seconds()))


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
