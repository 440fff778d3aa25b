"""The broker as the hub's child: a start that fails is told, and users come and go while it runs."""

import asyncio
from pathlib import Path

import pytest

from hub.bus.broker_files import DeviceListener
from hub.bus.mosquitto import BrokerNotStarted, Mosquitto, free_port
from tests.live_broker import GUEST, HUB, Ear, LiveBroker


async def test_a_first_start_that_fails_is_told(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    child = Mosquitto(tmp_path, DeviceListener("127.0.0.1", port), free_port())
    child.write_configuration([HUB])
    with pytest.raises(BrokerNotStarted):
        await child.run(asyncio.Event())
    taken.close()
    await taken.wait_closed()


async def test_a_user_added_is_let_in_without_cutting_anyone(tmp_path: Path) -> None:
    live = LiveBroker(tmp_path)
    live._child.write_configuration([HUB])
    async with live.running(), Ear(live.address, "hub").up() as hub:
        live._child.reload([HUB, GUEST])
        async with Ear(live.guest, "guest").up():
            assert hub.client.connected
