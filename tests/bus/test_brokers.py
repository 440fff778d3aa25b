"""Both brokers that the hub starts itself: who is let in, what each may say, and what reaches whom."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from hub.bus.access import BrokerUser
from hub.bus.broker_files import DeviceListener
from hub.bus.client import BrokerAddress, BusClient, Message, Will
from hub.bus.embedded import Embedded, NotLoopback
from hub.bus.mosquitto import Mosquitto, free_port

USERS = [
    BrokerUser("hub", "hub-password", ("#",), ("#",)),
    BrokerUser("gate-1", "one", ("gates/1/up", "gates/shared"), ("gates/1/down",)),
    BrokerUser("gate-2", "two", ("gates/2/up", "gates/shared"), ("gates/2/down",)),
]


class Ports:
    def __init__(self, hub: int, devices: int, protocol: MQTTProtocolVersion) -> None:
        self.hub, self.devices, self.protocol = hub, devices, protocol


@pytest.fixture(params=["mosquitto", "amqtt"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ports]:
    if request.param == "mosquitto":
        ports = Ports(free_port(), free_port(), MQTTProtocolVersion.MQTTv5)
        child = Mosquitto(tmp_path / "broker", DeviceListener("127.0.0.1", ports.devices), ports.hub)
        child.write_configuration(USERS)
        started = asyncio.Event()
        running = asyncio.create_task(child.run(started))
        await asyncio.wait_for(started.wait(), 10)
        yield ports
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    else:
        port = free_port()
        embedded = Embedded("127.0.0.1", port, USERS)
        await embedded.start()
        yield Ports(port, port, MQTTProtocolVersion.MQTTv311)
        await embedded.stop()


class Party:
    """A client of the broker, and what reached it."""

    def __init__(
        self, port: int, user: str, password: str, ports: Ports, *subscriptions: str, will: Will | None = None
    ):
        self.heard: list[Message] = []
        self.news = asyncio.Event()
        address = BrokerAddress("127.0.0.1", port, user, password, protocol=ports.protocol)
        self.client = BusClient(address, user, subscriptions=subscriptions, on_message=self._hear, will=will)

    def _hear(self, message: Message) -> None:
        self.heard.append(message)
        self.news.set()

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Party"]:
        task = asyncio.create_task(self.client.run())
        try:
            async with asyncio.timeout(10):
                while not self.client.connected:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)  # the SUBACK; a subscription has no other sign
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def hears(self, topic: str) -> Message:
        async with asyncio.timeout(5):
            while True:
                for message in self.heard:
                    if message.topic == topic:
                        return message
                self.news.clear()
                await self.news.wait()


async def test_a_device_speaks_on_its_own_topics_and_no_others(broker: Ports) -> None:
    hub = Party(broker.hub, "hub", "hub-password", broker, "#")
    gate = Party(broker.devices, "gate-1", "one", broker, "gates/1/down", "gates/2/down", "#")
    async with hub.up(), gate.up():
        for topic in ("gates/2/up", "hub/v1/site/events/life/gate-2", "gates/1/up", "gates/shared"):
            gate.client.publish(topic, topic.encode())
        await hub.hears("gates/1/up")
        await hub.hears("gates/shared")
        assert {m.topic for m in hub.heard} == {"gates/1/up", "gates/shared"}
        hub.client.publish("gates/2/down", b"for another")
        hub.client.publish("gates/1/down", b"for it")
        await gate.hears("gates/1/down")
        assert {m.topic for m in gate.heard} == {"gates/1/down"}


async def test_a_wrong_password_is_not_let_in(broker: Ports) -> None:
    stranger = Party(broker.devices, "gate-1", "guess", broker)
    task = asyncio.create_task(stranger.client.run())
    hub = Party(broker.hub, "hub", "hub-password", broker)
    async with hub.up():
        assert not stranger.client.connected
    task.cancel()


async def test_a_retained_message_reaches_only_who_may_have_it(broker: Ports) -> None:
    hub = Party(broker.hub, "hub", "hub-password", broker, "#")
    async with hub.up():
        hub.client.publish("secret/status", b"kept", retain=True)
        await hub.hears("secret/status")
        gate = Party(broker.devices, "gate-1", "one", broker, "#", "secret/status", "gates/1/down")
        async with gate.up():
            hub.client.publish("gates/1/down", b"end")
            await gate.hears("gates/1/down")
            assert {m.topic for m in gate.heard} == {"gates/1/down"}


async def test_a_will_cannot_say_what_its_device_may_not(broker: Ports) -> None:
    hub = Party(broker.hub, "hub", "hub-password", broker, "#")
    async with hub.up():
        liar = Party(broker.devices, "gate-1", "one", broker, will=Will("gates/2/up", b"FAKE"))
        running = asyncio.create_task(liar.client.run())
        await asyncio.sleep(0.5)
        if liar.client._client and (sock := liar.client._client.socket()):
            sock.close()
        running.cancel()
        gate = Party(broker.devices, "gate-2", "two", broker)
        async with gate.up():
            gate.client.publish("gates/shared", b"end")
            await hub.hears("gates/shared")
        assert all(m.payload != b"FAKE" for m in hub.heard)


def test_amqtt_refuses_to_listen_beyond_loopback() -> None:
    with pytest.raises(NotLoopback, match="install mosquitto"):
        Embedded("0.0.0.0", 1883, USERS)
