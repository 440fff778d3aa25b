"""What the hub relies on in a session at a broker: the same of a real one and of the simulation's fake."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import pytest

from hub.bus.client import BrokerAddress, BusClient, Message, Will
from tests.disk import until
from tests.live_broker import LiveBroker
from tests.simulation.broker import Broker, FakeClient


@dataclass(slots=True)
class Ear:
    """A session that keeps all it hears. `guest` may publish under `guest/` alone."""

    client: BusClient
    heard: list[Message] = field(default_factory=list)
    ups: list[int] = field(default_factory=list)
    downs: list[int] = field(default_factory=list)

    def words(self) -> list[bytes]:
        return [message.payload for message in self.heard]


@dataclass(slots=True)
class Place:
    make: Callable[..., BusClient]
    guest: Callable[..., BusClient]
    break_off: Callable[[BusClient], None]
    """without a goodbye"""

    @contextlib.asynccontextmanager
    async def session(
        self, name: str, *topics: str, will: Will | None = None, guest: bool = False
    ) -> AsyncIterator[Ear]:
        heard: list[Message] = []
        ups: list[int] = []
        downs: list[int] = []
        client = (self.guest if guest else self.make)(
            name,
            subscriptions=topics,
            on_message=heard.append,
            on_up=lambda: ups.append(1),
            on_down=lambda: downs.append(1),
            will=will,
        )
        task = asyncio.create_task(client.run(), name=name)
        try:
            await until(lambda: client.ready)
            yield Ear(client, heard, ups, downs)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(params=["mosquitto", "fake"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "mosquitto":
        async with LiveBroker(tmp_path / "broker").running() as live:
            yield Place(partial(BusClient, live.address), partial(BusClient, live.guest), _close_socket)
        return
    broker = Broker()
    loop = asyncio.get_running_loop()

    def pump() -> None:
        if broker.can_move():
            broker.move(Random(1))
            loop.call_soon(pump)

    def kick() -> None:
        loop.call_soon(pump)

    broker.kick = kick
    broker.forbidden = ("hub/#",)
    make = partial(FakeClient, broker, BrokerAddress("nowhere", 1883))
    yield Place(make, make, lambda client: broker.cut(client._name))


def _close_socket(client: BusClient) -> None:
    assert client._client
    sock = client._client.socket()
    assert isinstance(sock, socket.socket)
    sock.shutdown(socket.SHUT_RDWR)


async def test_what_is_published_comes_once_and_in_order(place: Place) -> None:
    async with place.session("ear", "t/+") as ear, place.session("mouth") as mouth:
        for number in range(50):
            assert mouth.client.publish(f"t/{number % 3}", b"%d" % number)
        await until(lambda: len(ear.heard) >= 50)
        assert ear.words() == [b"%d" % number for number in range(50)]
        assert not any(message.retained for message in ear.heard)


async def test_a_retained_message_comes_to_who_asks_later_and_is_marked(place: Place) -> None:
    async with place.session("before", "s") as before, place.session("mouth") as mouth:
        mouth.client.publish("s", b"state", retain=True)
        await until(lambda: before.heard)
        async with place.session("after", "s") as after:
            await until(lambda: after.heard)
            assert [(m.payload, m.retained) for m in after.heard] == [(b"state", True)]
        assert [(m.payload, m.retained) for m in before.heard] == [(b"state", False)]


async def test_an_empty_retained_message_takes_it_back(place: Place) -> None:
    async with place.session("before", "s") as before, place.session("mouth") as mouth:
        mouth.client.publish("s", b"state", retain=True)
        mouth.client.publish("s", b"", retain=True)
        await until(lambda: len(before.heard) == 2)
        async with place.session("after", "s", "other") as after:
            mouth.client.publish("other", b"end")
            await until(lambda: after.heard)
            assert after.words() == [b"end"]


async def test_a_connection_that_breaks_leaves_its_will_and_comes_back(place: Place) -> None:
    async with (
        place.session("ear", "wills/#") as ear,
        place.session("dies", will=Will("wills/dies", b"gone")) as dies,
    ):
        place.break_off(dies.client)
        await until(lambda: ear.words() == [b"gone"])
        await until(lambda: len(dies.ups) == 2 and dies.client.ready)
        assert len(dies.downs) == 1


async def test_a_goodbye_leaves_no_will(place: Place) -> None:
    async with place.session("ear", "wills/#", "other") as ear:
        async with place.session("goes", will=Will("wills/goes", b"gone")) as goes:
            goes.client.publish("other", b"last words")
        async with place.session("mouth") as mouth:
            mouth.client.publish("other", b"end")
            await until(lambda: b"end" in ear.words())
        assert ear.words() == [b"last words", b"end"]


async def test_a_session_begins_empty(place: Place) -> None:
    """What is published while it is away it never hears: the hub keeps it elsewhere."""
    async with place.session("mouth") as mouth:
        async with place.session("ear", "t"):
            pass
        mouth.client.publish("t", b"missed")
        async with place.session("ear", "t") as ear:
            mouth.client.publish("t", b"heard")
            await until(lambda: ear.heard)
            assert ear.words() == [b"heard"]


async def test_without_a_connection_nothing_is_taken(place: Place) -> None:
    assert place.make("never-there").publish("t", b"nobody") is False


async def test_a_wildcard_is_no_topic(place: Place) -> None:
    async with place.session("mouth") as mouth:
        assert mouth.client.publish("t/+", b"x") is False


async def test_a_refused_publish_is_noticed_and_reaches_nobody(place: Place) -> None:
    async with place.session("ear", "guest/1", "hub/#") as ear, place.session("guest", guest=True) as guest:
        guest.client.publish("hub/v1/b1/events/life/panel", b"not allowed")
        guest.client.publish("guest/1", b"allowed")
        await until(lambda: guest.client.refused == 1 and ear.heard)
        assert ear.words() == [b"allowed"]


async def test_two_of_one_name_are_one_the_later(place: Place) -> None:
    async with place.session("same", "t") as first:
        second = place.make("same", subscriptions=("t",))
        task = asyncio.create_task(second.run())
        await until(lambda: first.downs)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
