"""A broker that refuses what the host publishes: noticed in MQTT 5, which says so, and in 3.1.1, which answers yes."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub.bus.client import MQTT_3_1_1
from hub.host import window
from tests.disk import until
from tests.host.house import FIRE, House
from tests.live_broker import LiveBroker


@pytest.mark.parametrize("old", [True, False], ids=["3.1.1", "5"])
async def test_a_refused_publish_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    monkeypatch.setattr(window, "PATIENCE_FIRST", 0.3)
    broker = LiveBroker(tmp_path / "broker")
    address = replace(broker.guest, protocol=MQTT_3_1_1 if old else None)
    house = House(tmp_path, address)
    async with broker.running(), house.running(), house.panel() as panel:
        await until(lambda: house.host.health["broker"])
        assert house.host.health["receipts"]
        await panel.says(FIRE)
        await until(lambda: not house.host.health["receipts"])
        assert (house.host.health["publishes_refused"] == 0) is old
        assert house.host.health["broker"], "the connection is well, it is the right that lacks"
