"""The other end of the wire, small: what a test needs to watch a simulated device and to answer it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from zoneinfo import ZoneInfo

from simulators.building import Device
from simulators.mqtt import Broker, Link, Message, connect


def declared(device_id: str, adapter: str, address: str, **more: Any) -> Device:
    """A device as building.toml would declare it."""
    zone = ZoneInfo("Asia/Shanghai")
    return Device(device_id, adapter, address, site="yunhe", time_zone=zone, user=device_id, **more)


class Listener:
    """Everything published under the topics it subscribed to, kept; and a way to publish."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.raw: list[Message] = []
        self._more = asyncio.Event()

    def say(self, topic: str, message: dict[str, Any], qos: int = 0) -> None:
        self._link.publish(topic, json.dumps(message).encode(), qos)

    async def until(
        self, wanted: Callable[[str, dict[str, Any]], bool], *, times: int = 1, within: float = 10.0
    ) -> list[dict[str, Any]]:
        """The first `times` messages heard so far or from now on that are `wanted`."""
        async with asyncio.timeout(within):
            while len(found := [m for t, m in self.heard if wanted(t, m)]) < times:
                self._more.clear()
                await self._more.wait()
        return found

    async def listen(self) -> None:
        async for message in self._link.messages():
            self.raw.append(message)
            try:
                content = json.loads(message.payload)
            except ValueError:
                content = {"unreadable": len(message.payload)}
            self.heard.append((message.topic, content if isinstance(content, dict) else {"not an object": content}))
            self._more.set()


@contextlib.asynccontextmanager
async def listening(broker: Broker, *topics: str) -> AsyncIterator[Listener]:
    will = Message("tests/listener", b"gone")
    async with connect(broker, client_id="", user="hub", password="", will=will, will_qos=0, keep_alive=60) as link:
        for topic in topics:
            await link.subscribe(topic, 1)
        listener = Listener(link)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(listener.listen()), group.create_task(link.keep_alive())]
            yield listener
            for task in tasks:
                task.cancel()
