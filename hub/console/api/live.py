"""The API's stream: which kinds of record changed, numbered, so that a program reads again only what did."""

import asyncio
import contextlib
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from hub.console.desk import DESK, Desk
from hub.console.sessions import signed_in
from hub.console.stream import MERGE_FOR, PING_EVERY
from hub.core.text import rfc3339
from hub.store.changes import Change, Subscription
from hub.store.database import StoreAway

TOPICS = (
    "visits", "parcels", "alerts", "incidents", "devices", "people", "notices", "commands", "deadlines", "quarantine",
    "events", "doors", "hosts", "accounts",
)  # fmt: skip
_REMEMBERED = 256


@dataclass(slots=True, eq=False)
class Listener:
    """One stream: the sum of what it has yet to be told."""

    serving: "asyncio.Task[object] | None"
    topics: set[str] = field(default_factory=set)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    urgent: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, change: Change) -> None:
        self.topics |= change.topics
        self.ready.set()
        if change.life:
            self.urgent.set()

    def take(self) -> Change:
        change = Change(frozenset(self.topics), self.urgent.is_set())
        self.topics.clear()
        self.ready.clear()
        self.urgent.clear()
        return change


class Feed:
    """Numbers the store's changes for all streams; the numbers hold while this process lives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._lately: deque[tuple[int, Change]] = deque(maxlen=_REMEMBERED)
        self._listeners: set[Listener] = set()

    @property
    def current(self) -> str:
        return f"{self._boot}-{self._number}"

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """aiohttp's cleanup context."""
        subscription = self._desk.store.changes.subscribe()
        listening = asyncio.create_task(self._listen(subscription), name="api-live")
        yield
        subscription.close()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    async def end(self, app: web.Application) -> None:
        for listener in list(self._listeners):
            if listener.serving:
                listener.serving.cancel()

    @contextlib.contextmanager
    def joined(self, last_seen: str) -> Iterator[Listener]:
        """A stream that first hears what it missed since `last_seen`: everything, where that isn't known any more."""
        listener = Listener(asyncio.current_task())
        for change in self._missed(last_seen):
            listener.hear(change)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _missed(self, last_seen: str) -> Sequence[Change]:
        boot, _, number = last_seen.partition("-")
        known = boot == self._boot and number.isdecimal() and len(number) < 20
        oldest = self._lately[0][0] if self._lately else self._number + 1
        if not known or not oldest - 1 <= int(number) <= self._number:
            return [Change(frozenset(TOPICS), life=False)]
        return [change for at, change in self._lately if at > int(number)]

    async def _listen(self, subscription: Subscription) -> None:
        async for change in subscription:
            self._number += 1
            self._lately.append((self._number, change))
            for listener in self._listeners:
                listener.hear(change)


FEED = web.AppKey("feed", Feed)


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `change` with the topics that changed (all of them first, unless `Last-Event-ID` is one that
    is still known), and `ping` every 5 s. It ends with the session or the token."""
    desk, feed = request.app[DESK], request.app[FEED]
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    await response.write(b"retry: 2000\n\n")
    last_seen = request.headers.get("Last-Event-ID", "")
    with contextlib.suppress(ConnectionResetError), feed.joined(last_seen) as listener:  # until who listens is gone
        ping_at = time.monotonic() + PING_EVERY
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ping_at - time.monotonic()):
                    await listener.ready.wait()
            if listener.ready.is_set():
                await response.write(_frame(desk, feed.current, listener.take()))
            if time.monotonic() >= ping_at:
                if not await _still_in(request):
                    break
                await response.write(f"event: ping\ndata: {rfc3339(desk.clock())}\n\n".encode())
                ping_at = time.monotonic() + PING_EVERY
            with contextlib.suppress(TimeoutError):  # routine changes that follow each other are told together
                async with asyncio.timeout(MERGE_FOR):
                    await listener.urgent.wait()
    return response


def _frame(desk: Desk, number: str, change: Change) -> bytes:
    said = {"topics": sorted(change.topics), "life": change.life, "at": rfc3339(desk.clock())}
    return f"event: change\nid: {number}\ndata: {json.dumps(said)}\n\n".encode()


async def _still_in(request: web.Request) -> bool:
    try:
        return await signed_in(request) is not None
    except StoreAway:
        return True
