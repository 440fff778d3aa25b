"""A broker that can do all that brokers do to a message: hold it back, lose it, bring it twice, refuse it, go away.

Within a session messages keep their order, as MQTT 5.0 (4.6) has it; between sessions nothing does. It keeps nothing
on disk, as the hub trusts none to. `tests/bus/test_contract.py` holds it to what a real one does.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from hub.bus.client import CONNECT_WITHIN, RETRY_MOST, BrokerAddress, BusClient, Message, Will
from hub.bus.topics import matches

NOTICED_LATE = 22.5
"""seconds until a client notices that its connection is dead: one and a half times its keepalive"""
RECENT = 8


@dataclass(eq=False, slots=True)
class Session:
    """One connection, with what is on its way to the broker and from it."""

    name: str
    will: Will | None
    lost: Callable[[float], None]
    """the connection is gone; its client notices after so many seconds"""
    up: "deque[Callable[[], None]]" = field(default_factory=deque)
    down: "deque[tuple[Message | None, Callable[[], None]]]" = field(default_factory=deque)
    owner: object = None
    """the loop that its client lives in; None when that is dead"""
    subscriptions: tuple[str, ...] = ()
    hears: Callable[[Message], None] = lambda message: None
    recent: "deque[Message]" = field(default_factory=lambda: deque(maxlen=RECENT))
    stalled: bool = False

    def deliver(self, message: Message) -> None:
        def hear() -> None:
            self.recent.append(message)
            self.hears(message)

        self.down.append((message, hear))


class Broker:
    """`published` hears of each message that a client hands over; `kick` is called whenever something can move."""

    def __init__(self) -> None:
        self.running = True
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, bytes] = {}
        self.forbidden: tuple[str, ...] = ()
        self.published: Callable[[str, Message], None] = lambda session, message: None
        self.kick: Callable[[], None] = lambda: None

    # what moves

    def can_move(self) -> list[Session]:
        return [s for s in self.sessions.values() if not s.stalled and (s.up or s.down)]

    def move(self, choose: Random) -> None:
        """One step of one message."""
        session = choose.choice(self.can_move())
        if session.up and (not session.down or choose.random() < 0.5):
            session.up.popleft()()
        else:
            session.down.popleft()[1]()

    # what clients do

    def open(self, session: Session, accepted: Callable[[], None]) -> bool:
        """False while the broker is away. A client with the same name is put out."""
        if not self.running:
            return False
        if session.name in self.sessions:
            self.cut(session.name)
        self.sessions[session.name] = session
        session.up.append(lambda: session.down.append((None, accepted)))
        self.kick()
        return True

    def subscribe(self, session: Session, pattern: str, answered: Callable[[], None]) -> None:
        def take() -> None:
            session.subscriptions += (pattern,)
            session.down.append((None, answered))
            for topic, payload in self.retained.items():
                if matches(pattern, topic):
                    session.deliver(Message(topic, payload, True))

        session.up.append(take)
        self.kick()

    def publish(self, session: Session, message: Message, retain: bool, answered: Callable[[bool], None]) -> None:
        """`answered` hears whether it was allowed."""

        def take() -> None:
            allowed = not any(matches(pattern, message.topic) for pattern in self.forbidden)
            session.down.append((None, lambda: answered(allowed)))
            if allowed:
                self.route(message, retain)

        if session.owner is None:
            return
        self.published(session.name, message)
        session.up.append(take)
        self.kick()

    def route(self, message: Message, retain: bool) -> None:
        if retain:
            self.retained[message.topic] = message.payload
            if not message.payload:
                del self.retained[message.topic]
        for session in self.sessions.values():
            if any(matches(pattern, message.topic) for pattern in session.subscriptions):
                session.deliver(message)
        self.kick()

    def leave(self, session: Session) -> None:
        """With a goodbye: what it said before is taken, and there is no will."""
        if self.sessions.get(session.name) is session:
            while session.up:
                session.up.popleft()()
            del self.sessions[session.name]

    # faults

    def cut(self, name: str, noticed_after: float = 0.0) -> None:
        """A connection breaks: what is on it is lost, and its will is said."""
        session = self.sessions.pop(name, None)
        if session is None:
            return
        session.lost(noticed_after)
        if session.will:
            self.route(Message(session.will.topic, session.will.payload, False), True)

    def cut_off(self, owner: object) -> None:
        """A process has died."""
        for session in [session for session in self.sessions.values() if session.owner is owner]:
            self.cut(session.name)
            session.owner = None

    def go_away(self) -> None:
        """kill -9, and nothing on its disk."""
        self.running = False
        for session in list(self.sessions.values()):
            session.will = None
            self.cut(session.name)
        self.retained.clear()

    def drop(self, name: str, choose: Random) -> None:
        """A queue was full: of what waits for a session, a message is thrown away."""
        session = self.sessions.get(name)
        waiting = [item for item in session.down if item[0]] if session else []
        if session and waiting:
            session.down.remove(choose.choice(waiting))

    def repeat(self, name: str, count: int) -> None:
        """The last ones come again, in their order."""
        if session := self.sessions.get(name):
            for message in list(session.recent)[-count:]:
                session.deliver(message)


class FakeClient(BusClient):
    """The hub's session at the fake broker."""

    def __init__(
        self,
        broker: Broker,
        address: BrokerAddress,
        name: str,
        *,
        subscriptions: tuple[str, ...] = (),
        on_message: Callable[[Message], None] = lambda message: None,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[], None] = lambda: None,
        will: Will | None = None,
    ) -> None:
        super().__init__(
            address, name, subscriptions=subscriptions, on_message=on_message, on_up=on_up, on_down=on_down, will=will
        )
        self._broker = broker
        self._session: Session | None = None
        self._loop = asyncio.get_running_loop()
        self._answered = asyncio.Event()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> bool:
        if self._session is None or not self.connected or {"+", "#"} & set(topic):
            return False
        answered = self._heard_back if qos else lambda allowed: None
        self._broker.publish(self._session, Message(topic, payload, False), retain, answered)
        return True

    async def run(self) -> None:
        try:
            while True:
                if await self._connect():
                    await asyncio.sleep(RETRY_MOST)
                    continue
                await self._gone.wait()
                await self._close()
        finally:
            if self._session:
                self._broker.leave(self._session)
            await self._close()

    async def _connect(self) -> str | None:
        self._gone.clear()
        self._answered.clear()
        self._session = session = Session(self._name, self._will, self._cut_off, owner=self._loop)
        session.hears = lambda message: self._soon(self._hear, session, message)
        if not self._broker.open(session, lambda: self._soon(self._accepted, session)):
            return "away"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_WITHIN):
                await self._answered.wait()
        if not self.connected and self._broker.sessions.get(self._name) is session:
            self._broker.cut(self._name)
        return None if self.connected else "no answer"

    def _soon(self, work: Callable[..., None], *about: Any) -> None:
        self._loop.call_soon(work, *about)

    def _accepted(self, session: Session) -> None:
        if session is not self._session or self._gone.is_set():
            return
        self.connected = True
        self._asked_for = set(range(len(self._subscriptions)))
        for number, pattern in enumerate(self._subscriptions):
            self._broker.subscribe(session, pattern, partial(self._soon, self._subscribed_to, session, number))
        self._answered.set()
        if self.ready:
            self._on_up()

    def _subscribed_to(self, session: Session, number: int) -> None:
        if session is self._session and number in self._asked_for:
            self._asked_for.discard(number)
            if self.ready:
                self._on_up()

    def _hear(self, session: Session, message: Message) -> None:
        if session is self._session:
            self._received(message.topic.encode(), message.payload, message.retained)

    def _heard_back(self, allowed: bool) -> None:
        self.refused += not allowed

    def _cut_off(self, noticed_after: float) -> None:
        self._loop.call_later(noticed_after, self._notice, self._session)

    def _notice(self, session: Session | None) -> None:
        if session is self._session:
            self._answered.set()
            self._gone.set()

    async def _close(self) -> None:
        self._session = None
        if self.connected:
            self.connected = False
            self._on_down()
