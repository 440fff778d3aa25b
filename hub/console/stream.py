"""The live stream: one board frame a look for all clients, built after each commit. Life at once, the rest merged."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from aiohttp import web

from hub.console.board import Snapshot, read_board, read_changes
from hub.console.desk import DESK, Desk
from hub.console.parts import parts_away
from hub.console.render import Look, board_partials, look_of
from hub.console.sessions import signed_in
from hub.console.signed import SIGNED
from hub.console.words import language_of
from hub.store.changes import Subscription
from hub.store.database import StoreAway, Transaction

MERGE_FOR = 0.2
"""seconds between two frames of routine changes"""
PING_EVERY = 5.0
CHECK_EVERY = 60.0
"""seconds: an open board keeps its session alive, so that a desk's night doesn't go dark; a user who may no longer
sign in loses it"""
REBUILD_EVERY = 30.0
"""seconds: what the passing of time alone changes, such as a visitor who is overdue"""
LOOK_EVERY = 1.0
"""seconds between two looks at how the hub's own parts are"""
_READ_WITHIN = 5.0
"""seconds; a store that takes longer to read is away"""
_QUEUE = 16


@dataclass(slots=True, eq=False)
class Client:
    """One browser. Its queue is bounded: one that doesn't read is let go, and gets the whole board when it comes
    back."""

    look: Look
    session: str
    serving: "asyncio.Task[object] | None"
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_QUEUE))

    def offer(self, message: bytes) -> None:
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        if self.serving:
            self.serving.cancel()


class LiveBoard:
    """Follows the store's changes and tells every client."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._snapshot: Snapshot | None = None
        self._clients: set[Client] = set()
        self._shown: dict[Look, str] = {}
        self._topics: set[str] = set()
        self._some = asyncio.Event()
        self._at_once = asyncio.Event()

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """aiohttp's cleanup context: the tasks live as long as the console."""
        subscription = self._desk.store.changes.subscribe()
        tasks = [
            asyncio.create_task(self._listen(subscription), name="live-listen"),
            asyncio.create_task(self._build(), name="live-build"),
            asyncio.create_task(self._look_at_parts(), name="live-parts"),
            asyncio.create_task(self._ping(), name="live-ping"),
        ]
        yield
        subscription.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def end(self, app: web.Application) -> None:
        for client in list(self._clients):
            client.drop()

    def sign_out(self, session: str) -> None:
        """End the streams of a session that is over."""
        for client in list(self._clients):
            if client.session == session:
                client.drop()

    @contextlib.asynccontextmanager
    async def joined(self, look: Look, session: str, last_seen: str) -> AsyncIterator[Client]:
        """A client that first gets the whole board. One that comes back having missed nothing need not fetch its
        lists again."""
        client = Client(look, session, asyncio.current_task())
        self._clients.add(client)
        try:
            topics = [] if last_seen == self._current else ["all"]
            client.offer(await self._board(look, topics, fresh=True))
            if self._snapshot is None:
                self._some.set()  # so that there is something to show when the store goes away
            yield client
        finally:
            self._clients.discard(client)

    @property
    def _current(self) -> str:
        return f"{self._boot}-{self._number}"

    async def _listen(self, subscription: Subscription) -> None:
        async for change in subscription:
            self._topics |= change.topics
            self._some.set()
            if change.life:
                self._at_once.set()

    async def _build(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REBUILD_EVERY):
                    await self._some.wait()
            topics = sorted(self._topics)
            self._topics.clear()
            self._some.clear()
            self._at_once.clear()
            await self._tell(topics)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MERGE_FOR):
                    await self._at_once.wait()

    async def _tell(self, topics: list[str]) -> None:
        looks = {client.look for client in self._clients}
        known = self._snapshot
        if not looks:
            self._snapshot = None  # what is told to nobody is read anew
            return
        try:
            async with asyncio.timeout(_READ_WITHIN):
                self._snapshot = await self._desk.store.read(lambda tx: self._read(tx, known, topics))
        except (StoreAway, TimeoutError):
            if known is None:
                return
            self._topics |= set(topics)  # lists are fetched when the store is back
            topics = []
            self._snapshot = replace(known, at=self._desk.clock(), readable=False)
        shown = {look: board_partials(self._desk, self._snapshot, look) for look in looks}
        if topics or shown != {look: self._shown.get(look) for look in looks}:
            self._number += 1
        self._shown = shown
        for client in list(self._clients):
            if client.look in shown:
                client.offer(await self._board(client.look, topics))

    def _read(self, tx: Transaction, known: Snapshot | None, topics: list[str]) -> Snapshot:
        """All of it where nothing is said to have changed: time itself has, which makes a visitor overdue."""
        if known is None or not known.readable or not topics or "accounts" in topics:
            return read_board(tx, self._desk)
        return read_changes(tx, self._desk, known, topics)

    async def _board(self, look: Look, topics: list[str], *, fresh: bool = False) -> bytes:
        if fresh or look not in self._shown:
            snapshot = await self._desk.store.read(lambda tx: read_board(tx, self._desk))
            self._shown[look] = board_partials(self._desk, snapshot, look)
        frame = {"n": self._current, "at": self._clock(), "topics": topics, "partials": self._shown[look]}
        return f"event: board\nid: {self._current}\ndata: {json.dumps(frame, ensure_ascii=False)}\n\n".encode()

    async def _look_at_parts(self) -> None:
        """A part that goes away or comes back changes no record, and the desk has to see it at once."""
        before: set[str] = set()
        while True:
            readable = self._snapshot is None or self._snapshot.readable
            away = {part.name for part in parts_away(self._desk, readable=readable)}
            if away != before or not readable:
                self._some.set()
            before = away
            await asyncio.sleep(LOOK_EVERY)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            message = f"event: ping\ndata: {self._clock()}\n\n".encode()
            for client in list(self._clients):
                client.offer(message)

    def _clock(self) -> str:
        return self._desk.clock().astimezone(self._desk.zone).strftime("%H:%M:%S")


LIVE = web.AppKey("live", LiveBoard)


async def live(request: web.Request) -> web.StreamResponse:
    """GET /live: the browser's one stream."""
    signed = request[SIGNED]
    look = look_of(request.app[DESK], signed)
    if "lang" in request.query:
        look = Look(language_of(request.query["lang"]), look.public)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    await response.write(b"retry: 2000\n\n")
    seen = request.headers.get("Last-Event-ID", "")
    with contextlib.suppress(ConnectionResetError):  # the page is gone
        async with request.app[LIVE].joined(look, signed.session, seen) as client:
            checked = time.monotonic()
            while True:
                await response.write(await client.queue.get())
                if time.monotonic() - checked > CHECK_EVERY:
                    checked = time.monotonic()
                    with contextlib.suppress(StoreAway):  # what is known goes on being shown
                        if await signed_in(request) is None:
                            break
    return response


async def who(request: web.Request) -> web.Response:
    """GET /live/who: 204 while the session holds, so that a closed stream knows why."""
    return web.Response(status=204)
