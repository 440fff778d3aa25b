"""What the broker lets fall is counted and told for an hour."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hub.bus.access import DROPPED, BrokerUser
from hub.bus.broker_files import CONFIGURATION, DeviceListener
from hub.bus.client import BrokerAddress, BusClient
from hub.bus.drops import NEWS_FOR, Drops
from hub.bus.mosquitto import Mosquitto, free_port
from tests.disk import until

NOBODY = BrokerAddress("127.0.0.1", 1)


def test_only_what_is_dropped_from_now_on_is_news() -> None:
    clock = 0.0
    drops = Drops(NOBODY, "drops", now=lambda: clock)
    drops.counted(70)
    assert (drops.total, drops.lately) == (0, False)
    drops.counted(70)
    drops.counted(75)
    assert (drops.total, drops.lately) == (5, True)
    clock += NEWS_FOR
    assert (drops.total, drops.lately) == (5, False)


def test_a_broker_that_began_again_counts_from_nothing() -> None:
    drops = Drops(NOBODY, "drops")
    drops.counted(70)
    drops.counted(0)
    assert (drops.total, drops.lately) == (0, False)
    drops.counted(2)
    assert drops.total == 2


async def test_a_full_queue_is_noticed(tmp_path: Path) -> None:
    port = free_port()
    child = Mosquitto(tmp_path, DeviceListener("127.0.0.1", free_port()), port)
    child.write_configuration([BrokerUser("hub", "secret", ("#",), ("#", DROPPED))])
    conf = (tmp_path / CONFIGURATION).read_text()
    assert "max_queued_messages 100000\n" in conf
    soon = conf.replace("max_queued_messages 100000", "max_queued_messages 100").replace("interval 10", "interval 1")
    (tmp_path / CONFIGURATION).write_text(soon)
    address = BrokerAddress("127.0.0.1", port, "hub", "secret")
    drops, speaker, started = Drops(address, "drops"), BusClient(address, "speaker"), asyncio.Event()
    async with asyncio.timeout(20), contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_at_work(child.run(started)))
        await started.wait()
        await stack.enter_async_context(_at_work(drops.run()))
        await stack.enter_async_context(_at_work(speaker.run()))
        deaf = await asyncio.to_thread(_subscribe_and_read_no_more, port)
        await until(lambda: speaker.connected and drops.connected)
        for _ in range(8000):
            speaker.publish("all/of/it", bytes(1000), qos=0)
        await until(lambda: drops.lately)
        if sock := deaf.socket():
            sock.close()


@contextlib.asynccontextmanager
async def _at_work(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _subscribe_and_read_no_more(port: int) -> paho.Client:
    answers: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "deaf", protocol=paho.MQTTv5)
    client.username_pw_set("hub", "secret")
    client.on_connect = lambda c, data, flags, reason, properties: answers.append("connected")
    client.on_subscribe = lambda c, data, mid, reasons, properties: answers.append("subscribed")
    client.connect("127.0.0.1", port)
    while "connected" not in answers:
        client.loop(0.05)
    client.subscribe("all/#", qos=1)
    while "subscribed" not in answers:
        client.loop(0.05)
    return client
