"""A session at the broker: it comes back by itself, it notices what is refused, and it leaves nothing behind."""

import asyncio
import contextlib
import gc
import threading
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from hub.bus.client import BrokerAddress, BusClient, Message
from hub.bus.embedded import Embedded
from hub.bus.mosquitto import free_port
from tests.disk import until
from tests.live_broker import HUB, Ear, LiveBroker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[LiveBroker]:
    async with LiveBroker(tmp_path / "broker").running() as running:
        yield running


@contextlib.asynccontextmanager
async def running(client: BusClient) -> AsyncIterator[BusClient]:
    task = asyncio.create_task(client.run(), name="client")
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_comes_back_when_the_broker_was_killed(broker: LiveBroker) -> None:
    ups: list[int] = []
    downs: list[int] = []
    heard: list[Message] = []
    client = BusClient(
        broker.address,
        "comes-back",
        subscriptions=("t/#",),
        on_message=heard.append,
        on_up=lambda: ups.append(1),
        on_down=lambda: downs.append(1),
    )
    async with running(client):
        await until(lambda: client.ready)
        broker.kill()
        await until(lambda: not client.connected)
        assert client.publish("t/1", b"nobody") is False
        await until(lambda: client.ready, within=15)
        assert client.publish("t/1", b"back") is True
        await until(lambda: heard)
    assert [message.payload for message in heard] == [b"back"]
    assert (len(ups), len(downs)) == (2, 2)


async def test_a_broker_that_comes_late_is_found(tmp_path: Path) -> None:
    late = LiveBroker(tmp_path / "broker")
    client = BusClient(late.address, "early")
    async with running(client):
        await asyncio.sleep(0.3)
        assert not client.connected
        async with late.running():
            await until(lambda: client.ready, within=15)
            assert client._protocol == MQTTProtocolVersion.MQTTv5


async def test_a_callback_that_raises_does_not_stop_the_reading(broker: LiveBroker) -> None:
    heard: list[bytes] = []

    def hear(message: Message) -> None:
        if message.payload == b"bad":
            raise RuntimeError("a name: 欧阳青禾")
        heard.append(message.payload)

    async with running(BusClient(broker.address, "raises", subscriptions=("t",), on_message=hear)) as client:
        await until(lambda: client.ready)
        for payload in (b"1", b"bad", b"2"):
            client.publish("t", payload)
        await until(lambda: len(heard) == 2)
    assert heard == [b"1", b"2"]


async def test_what_the_broker_refuses_is_noticed(broker: LiveBroker) -> None:
    async with running(BusClient(broker.guest, "guest", subscriptions=("guest/1",))) as client:
        await until(lambda: client.ready)
        client.publish("guest/1", b"allowed")
        client.publish("hub/v1/b1/events/life/panel", b"not allowed")
        await until(lambda: client.refused == 1)


async def test_a_topic_that_nobody_can_publish_to_is_said_and_harms_nothing(broker: LiveBroker) -> None:
    async with running(BusClient(broker.address, "wild")) as client:
        await until(lambda: client.ready)
        assert client.publish("a/+/b", b"x") is False
        assert client.publish("a/b", b"x") is True


async def test_a_wrong_password_is_tried_again_and_again(broker: LiveBroker) -> None:
    wrong = BrokerAddress("127.0.0.1", broker.port, "hub", "guess")
    async with running(BusClient(wrong, "wrong")) as client, Ear(broker.address, "right").up():
        await asyncio.sleep(0.5)
        assert not client.connected


async def test_a_broker_of_3_1_1_alone_is_spoken_to_in_3_1_1() -> None:
    port = free_port()
    embedded = Embedded("127.0.0.1", port, [HUB])
    await embedded.start()
    try:
        async with running(BusClient(BrokerAddress("127.0.0.1", port, HUB.name, HUB.password), "old")) as client:
            await until(lambda: client.ready, within=20)
            assert client._protocol == MQTTProtocolVersion.MQTTv311
    finally:
        await embedded.stop()


async def test_bytes_that_are_no_mqtt_do_not_stop_it() -> None:
    connections: list[int] = []

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await reader.read(100)
        writer.write(b"\x20\x02\xff\xff HTTP/1.1 400 \r\n\r\n\xff\xff\xff\xff\xff\xff")
        with contextlib.suppress(OSError):
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(BusClient(BrokerAddress("127.0.0.1", port), "lost")) as client:
        await until(lambda: len(connections) >= 2, within=15)
        assert not client.connected
    server.close()


async def silent_listener() -> tuple[asyncio.Server, int]:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("moment", [0.0, 0.001, 0.02, 0.3])
async def test_cancelled_at_any_moment_it_leaves_no_task_and_no_socket(broker: LiveBroker, moment: float) -> None:
    silent, port = await silent_listener()
    for address in (broker.address, BrokerAddress("127.0.0.1", port), BrokerAddress("127.0.0.1", free_port())):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always", ResourceWarning)
            client = BusClient(address, "cancelled", subscriptions=("t",))
            task = asyncio.create_task(client.run(), name="cancelled")
            await asyncio.sleep(moment)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            await until(lambda: not threads_of("cancelled"))
            await asyncio.sleep(0.02)
            del client, task
            gc.collect()
        assert [str(w.message) for w in seen if issubclass(w.category, ResourceWarning)] == []
    silent.close()


def threads_of(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"mqtt-{name}")]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", ("broker", 1883, "", "", False)),
        ("mqtts://u%40x:p%2Fw@broker", ("broker", 8883, "u@x", "p/w", True)),
        ("mqtt://[::1]:1999", ("::1", 1999, "", "", False)),
    ],
)
def test_an_address_is_read_from_its_url(url: str, expected: tuple[object, ...]) -> None:
    address = BrokerAddress.from_url(url)
    assert (address.host, address.port, address.user, address.password, address.tls) == expected


@pytest.mark.parametrize("url", ["http://broker", "mqtt://", "broker:1883", "mqtt://broker:70000"])
def test_what_is_no_brokers_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        BrokerAddress.from_url(url)
