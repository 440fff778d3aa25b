"""Who shows records hears which kinds of them changed, after the commit; a slow listener gets the sum."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from hub.core.records import Alert, Incident

Emergency: TypeAlias = Alert | Incident


@dataclass(frozen=True, slots=True)
class Change:
    """`topics` are kinds of record (`visits`, `alerts`, …); `life` if any of it is a matter of life. `became` are the
    alerts and incidents among it as they are now: who shows a fire need not read it."""

    topics: frozenset[str]
    life: bool
    became: Sequence[Emergency] = ()


class Subscription:
    """An endless iterator of Change; ends when closed. Belongs to the loop that it was made in."""

    def __init__(self, changes: "Changes") -> None:
        self._changes = changes
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._of_life = asyncio.Event()
        self._topics: set[str] = set()
        self._became: dict[tuple[type[Emergency], str], Emergency] = {}
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        await self._ready.wait()
        if not self._topics:
            raise StopAsyncIteration
        change = Change(frozenset(self._topics), self._of_life.is_set(), tuple(self._became.values()))
        self._topics.clear()
        self._of_life.clear()
        self._became.clear()
        if not self._closed:
            self._ready.clear()
        return change

    async def gather(self, seconds: float) -> None:
        """Let what changes meanwhile come together; a matter of life waits for nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._of_life.wait()

    def close(self) -> None:
        self._changes.forget(self)
        self._closed = True
        self._ready.set()

    def hear(self, change: Change) -> None:
        """Take a change in, from any thread."""
        with contextlib.suppress(RuntimeError):  # its loop has ended, and with it whoever listened
            self._loop.call_soon_threadsafe(self._merge, change)

    def _merge(self, change: Change) -> None:
        self._topics |= change.topics
        self._became.update(((type(record), record.id), record) for record in change.became)
        if change.life:
            self._of_life.set()
        self._ready.set()


class Changes:
    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()

    def subscribe(self) -> Subscription:
        subscription = Subscription(self)
        self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def publish(self, change: Change) -> None:
        """Tell all who listen, from any thread."""
        for subscription in self._subscriptions:
            subscription.hear(change)

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
