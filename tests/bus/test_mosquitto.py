"""The broker as the hub's child: a start that fails is told, and users come and go while it runs."""

import asyncio
from pathlib import Path

import pytest

from hub.bus import mosquitto
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


async def test_one_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mosquitto, "START_WITHIN", 0.0)
    monkeypatch.setattr(mosquitto, "TRY_AGAIN_AFTER", 0.1)
    dies_once = tmp_path / "dies-once"
    dies_once.write_text(f'#!/bin/sh\n[ -e {tmp_path}/died ] && exec {mosquitto.installed()} "$@"\n'
                         f"touch {tmp_path}/died\nkill -9 $$\n")  # fmt: skip
    dies_once.chmod(0o700)
    monkeypatch.setattr(mosquitto, "installed", lambda: str(dies_once))
    async with LiveBroker(tmp_path).running():
        assert (tmp_path / "died").exists()


async def test_a_user_added_is_let_in_without_cutting_anyone(tmp_path: Path) -> None:
    live = LiveBroker(tmp_path)
    live._child.write_configuration([HUB])
    async with live.running(), Ear(live.address, "hub").up() as hub:
        live._child.reload([HUB, GUEST])
        async with Ear(live.guest, "guest").up():
            assert hub.client.connected
