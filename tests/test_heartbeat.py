"""The hub says that it lives, on MQTT and by POST, and the broker says when it doesn't."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.bus.client import BrokerAddress, BusClient, Message
from hub.bus.mosquitto import free_port
from hub.heartbeat import Heartbeat
from tests.live_broker import LiveBroker

NOW = datetime(2026, 4, 10, tzinfo=UTC)


def health() -> Mapping[str, object]:
    return {"intake": {"store": False, "waiting": 0}, "host": {"broker": True}}


@contextlib.asynccontextmanager
async def watcher(address: BrokerAddress) -> AsyncIterator["asyncio.Queue[dict[str, Any]]"]:
    """What anybody hears who listens there."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def on_message(message: Message) -> None:
        heard.put_nowait(json.loads(message.payload))

    client = BusClient(address, "watcher", subscriptions=("hub/v1/b1/heartbeats/+",), on_message=on_message)
    task = asyncio.create_task(client.run())
    while not client.ready:
        await asyncio.sleep(0.02)
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_is_heard_on_mqtt_and_so_is_its_end(tmp_path: Path) -> None:
    async with asyncio.timeout(60), LiveBroker(tmp_path).running() as broker, watcher(broker.address) as heard:
        beating = Heartbeat("hub-1", "b1", broker.address, health, timedelta(seconds=1), clock=lambda: NOW)
        task = asyncio.create_task(beating.run())
        assert await heard.get() == {
            "alive": True,
            "ready": False,
            "away": ["intake.store"],
            "site": "b1",
            "host": "hub-1",
            "at": "2026-04-10T00:00:00.000Z",
            "every": 1,
        }
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        while (last := await heard.get())["alive"]:
            pass
        assert last == {"alive": False}


async def test_it_is_posted_and_goes_on_though_the_address_fails() -> None:
    posted: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answers = iter([200, 500, 500])

    async def ping(request: web.Request) -> web.Response:
        posted.put_nowait(await request.json())
        return web.Response(status=next(answers, 200))

    port = free_port()
    app = web.Application()
    app.router.add_post("/ping", ping)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    nowhere = BrokerAddress("127.0.0.1", 1)
    url = f"http://127.0.0.1:{port}/ping"
    task = asyncio.create_task(Heartbeat("hub-1", "b1", nowhere, dict, timedelta(seconds=1), url).run())
    async with asyncio.timeout(60):
        for _ in range(4):
            said = await posted.get()
            assert (said["alive"], said["ready"]) == (True, True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()
