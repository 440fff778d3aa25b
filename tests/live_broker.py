"""A real mosquitto for a test, with the hub as its only user; it can be killed and started again on the same port."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from hub.bus.access import BrokerUser
from hub.bus.broker_files import DeviceListener
from hub.bus.client import BrokerAddress, BusClient, Message
from hub.bus.mosquitto import Mosquitto, free_port
from tests.disk import until

HUB = BrokerUser("hub", "hub-password", ("#",), ("#",))
GUEST = BrokerUser("guest", "guest-password", ("guest/#",), ("guest/#",))


class LiveBroker:
    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._child = Mosquitto(directory, DeviceListener("127.0.0.1", free_port()), self.port)
        self._child.write_configuration([HUB, GUEST])

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self.port, HUB.name, HUB.password)

    @property
    def guest(self) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self.port, GUEST.name, GUEST.password)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["LiveBroker"]:
        started = asyncio.Event()
        task = asyncio.create_task(self._child.run(started))
        try:
            async with asyncio.timeout(10):
                await started.wait()
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def kill(self) -> None:
        """kill -9; it comes back by itself."""
        assert self._child._process is not None
        os.kill(self._child._process.pid, signal.SIGKILL)


class Ear:
    """A client that keeps all it hears, and can speak."""

    def __init__(self, address: BrokerAddress, name: str, *subscriptions: str) -> None:
        self.heard: list[Message] = []
        self.client = BusClient(address, name, subscriptions=subscriptions, on_message=self.heard.append)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Ear"]:
        task = asyncio.create_task(self.client.run())
        try:
            await until(lambda: self.client.ready)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def says(self, topic: str, payload: bytes) -> None:
        assert self.client.publish(topic, payload)

    def on(self, topic: str) -> list[bytes]:
        return [message.payload for message in self.heard if message.topic == topic]

    async def hears(self, topic: str, count: int = 1) -> list[bytes]:
        await until(lambda: len(self.on(topic)) >= count)
        return self.on(topic)
