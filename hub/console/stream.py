"""The live stream: one board frame a look for all clients, built after each commit.

Life is shown at once, out of what the commit itself says that alerts and incidents became; the rest is merged, and
read from the store.
"""

import asyncio
import contextlib
import json
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace

from aiohttp import web

from hub.console.board import Snapshot, read_board, read_changes, with_emergencies
from hub.console.desk import DESK, Desk
from hub.console.parts import parts_away
from hub.console.render import BOARD_PARTS, Incidents, Look, board_partials, look_of
from hub.console.sessions import signed_in
from hub.console.signed import SIGNED
from hub.console.words import language_of
from hub.siren import Rang
from hub.store.changes import Change, Emergency, Subscription
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
_AT_ONCE = {"alerts": "queue", "incidents": "incidents"}
"""what is shown out of the commit itself: the kind of record, and the part of the board where it stands"""


@dataclass(slots=True, eq=False)
class Client:
    """One browser. Its queue is bounded: one that doesn't read is let go, and gets the whole board when it comes
    back."""

    look: Look
    session: str
    serving: "asyncio.Task[object] | None"
    transport: asyncio.Transport | None
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_QUEUE))

    def offer(self, message: bytes) -> None:
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        """At once: what it hasn't read would else wait in its socket for as long as it likes."""
        if self.serving:
            self.serving.cancel()
        if self.transport:
            self.transport.abort()


class LiveBoard:
    """Follows the store's changes and tells every client."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._snapshot: Snapshot | None = None
        """what was told last; None where nobody was there to be told"""
        self._last: Snapshot | None = None
        """what was read last: shown while the store is away"""
        self._clients: set[Client] = set()
        self._shown: dict[Look, dict[str, str]] = {}
        self._incidents: defaultdict[Look, Incidents] = defaultdict(Incidents)
        self._topics: set[str] = set()
        self._some = asyncio.Event()
        self._at_once = asyncio.Event()
        self._reading = asyncio.Lock()
        self._meanwhile: list[Emergency] = []
        """shown at once while the store was being read, which may have missed it"""

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
    async def joined(
        self, look: Look, session: str, last_seen: str, transport: asyncio.Transport | None
    ) -> AsyncIterator[Client]:
        """A client that first gets the whole board. One that comes back having missed nothing need not fetch its
        lists again."""
        client = Client(look, session, asyncio.current_task(), transport)
        self._clients.add(client)
        try:
            topics = [] if last_seen == self._current else ["all"]
            if self._snapshot is None:
                self._snapshot = await self.look()
            shown = self._shown[look] = self._drawn(self._as_of_now(self._snapshot), look, BOARD_PARTS)
            client.offer(self._frame(topics, shown))
            yield client
        finally:
            self._clients.discard(client)

    @property
    def _current(self) -> str:
        return f"{self._boot}-{self._number}"

    async def look(self) -> Snapshot:
        """The board now; as last known while the store is away. Raises StoreAway where nothing is known of it."""
        try:
            return await self._read(None, [])
        except StoreAway:
            if known := self._snapshot or self._last:
                return replace(self._as_of_now(known), readable=False)
            raise

    async def _listen(self, subscription: Subscription) -> None:
        async for change in subscription:
            self._topics |= change.topics
            if change.life:
                self._tell_at_once(change)
            self._some.set()

    def _tell_at_once(self, change: Change) -> None:
        """Out of the commit itself, reading nothing. What else changed with it is read and told a moment later."""
        known = self._snapshot
        if self._reading.locked():
            self._meanwhile += change.became
        if not change.became or known is None or not known.readable:
            self._at_once.set()
            return
        self._snapshot = with_emergencies(known, change.became, self._desk)
        topics = change.topics & _AT_ONCE.keys()
        self._topics -= topics
        self._show(self._snapshot, sorted(topics), _AT_ONCE.values())

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
        known = self._snapshot
        if not self._clients:
            self._snapshot, self._shown = None, {}  # what is told to nobody is read anew
            return
        try:
            self._snapshot = await self._read(known, topics)
        except StoreAway:
            known = self._snapshot or known or self._last
            if known is None:
                return
            self._topics |= set(topics)  # lists are fetched when the store is back
            topics = []
            self._snapshot = replace(self._as_of_now(known), readable=False)
        self._show(self._snapshot, topics, BOARD_PARTS)

    async def _read(self, known: Snapshot | None, topics: list[str]) -> Snapshot:
        """All of it where nothing is said to have changed: time itself has, which makes a visitor overdue."""

        def work(tx: Transaction) -> Snapshot:
            if known is None or not known.readable or not topics or "accounts" in topics:
                return read_board(tx, self._desk)
            return read_changes(tx, self._desk, known, topics)

        async with self._reading:
            self._meanwhile.clear()
            try:
                async with asyncio.timeout(_READ_WITHIN):
                    snapshot = await self._desk.store.read(work)
            except TimeoutError as error:
                raise StoreAway("the board takes too long to read") from error
            self._last = with_emergencies(snapshot, self._meanwhile, self._desk)
            return self._last

    def _as_of_now(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, at=self._desk.clock())

    def _show(self, snapshot: Snapshot, topics: list[str], parts: Collection[str]) -> None:
        """Draw these parts anew for every look that somebody has, and tell all."""
        before, self._shown = self._shown, {}
        for look in {client.look for client in self._clients}:
            known = before.get(look)
            fresh = self._drawn(snapshot, look, BOARD_PARTS if known is None else parts)
            self._shown[look] = {**(known or {}), **fresh}
        if topics or self._shown != before:
            self._number += 1
        frames = {look: self._frame(topics, shown) for look, shown in self._shown.items()}
        for client in list(self._clients):
            client.offer(frames[client.look])

    def _drawn(self, snapshot: Snapshot, look: Look, parts: Collection[str]) -> dict[str, str]:
        return board_partials(self._desk, snapshot, look, self._incidents[look], parts)

    def _frame(self, topics: list[str], shown: Mapping[str, str]) -> bytes:
        frame = {"n": self._current, "at": self._clock(), "topics": topics, "partials": "".join(shown.values())}
        return f"event: board\nid: {self._current}\ndata: {json.dumps(frame, ensure_ascii=False)}\n\n".encode()

    async def _look_at_parts(self) -> None:
        """A part that goes away or comes back changes no record, and the desk has to see it at once."""
        before: tuple[set[str], Rang | None] = (set(), None)
        while True:
            readable = self._snapshot is None or self._snapshot.readable
            away = {part.name for part in parts_away(self._desk, readable=readable)}
            now = (away, self._desk.siren.calls() if self._desk.siren else None)
            if now != before or not readable:
                self._some.set()
            before = now
            self._desk.pulse.beat()
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
    with contextlib.suppress(ConnectionResetError, StoreAway):  # the page is gone, or there is nothing to show yet
        async with request.app[LIVE].joined(look, signed.session, seen, request.transport) as client:
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
