"""A host is asked to begin again once a session of either side, and only when nothing that it sends then is missed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from hub.bus import messages
from hub.bus.client import BusClient
from hub.core.passing import HostStatus
from hub.intake import Intake
from hub.store.database import Store
from hub.store.sealing import Keys
from tests.live_broker import LiveBroker
from tests.store.examples import BUILDING, SITE, T

FIRST, SECOND = uuid4(), uuid4()


class Session:
    """At a broker that the test moves."""

    def __init__(self, on_up: Callable[[], None]) -> None:
        self.ready = False
        self.said: list[messages.Receipt] = []
        self._on_up = on_up

    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        if self.ready:
            assert topic == f"hub/v1/{SITE}/receipts/hub-1"
            self.said.append(messages.Receipt.model_validate_json(payload))
        return self.ready

    def comes_up(self) -> None:
        self.ready = True
        self._on_up()


class Listener:
    def __init__(self, folder: Path) -> None:
        self.sessions: list[Session] = []
        store = Store(f"sqlite:///{folder / 'hub.db'}", Keys.load_or_create(folder))
        self.intake = Intake(BUILDING, store, LiveBroker(folder).address, session=self._session)
        self.life, self.routine = self.sessions

    def _session(self, *_: object, on_up: Callable[[], None], **__: Any) -> BusClient:
        self.sessions.append(Session(on_up))
        return cast("BusClient", self.sessions[-1])

    def hears(self, session: UUID | None) -> None:
        self.intake.host_status("hub-1", HostStatus(at=T, sequence=0, session=session))

    @property
    def greetings(self) -> int:
        assert all(receipt.restart for receipt in self.routine.said)
        return len(self.routine.said)


def test_once_a_session_of_the_host(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    for session in listener.sessions:
        session.comes_up()
    for told, greetings in ((None, 1), (None, 1), (FIRST, 2), (FIRST, 2), (SECOND, 3), (SECOND, 3)):
        listener.hears(told)
        assert listener.greetings == greetings


def test_when_the_last_of_its_own_sessions_is_there_and_without_another_word(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    listener.routine.comes_up()
    listener.hears(FIRST)
    assert listener.greetings == 0, "the life lane isn't listened to yet"
    listener.life.comes_up()
    assert listener.greetings == 1
    listener.hears(FIRST)
    assert listener.greetings == 1


def test_again_after_either_of_its_own_sessions_was_lost(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    for session in listener.sessions:
        session.comes_up()
    listener.hears(FIRST)
    for number, session in enumerate(listener.sessions):
        session.ready = False
        listener.hears(FIRST)
        session.comes_up()
        assert listener.greetings == 2 + number


def test_begun_again_it_asks_at_the_next_word(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    for session in listener.sessions:
        session.comes_up()
    listener.hears(FIRST)
    listener.intake.begin_again()
    listener.hears(FIRST)
    assert listener.greetings == 2
