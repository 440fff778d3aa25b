"""A gate that speaks in another's name, over a real broker and into a running host."""

import asyncio
from pathlib import Path

from hub.core.building import Building
from tests.disk import until
from tests.host.house import SITE, House
from tests.live_broker import Ear, LiveBroker

GATE = "gate-e1"
BUILDING = Building.model_validate(
    {
        "site": {"id": SITE, "name": {"zh": "云杉苑", "en": "Spruce Court"}, "time_zone": "Asia/Shanghai"},
        "devices": {
            GATE: {
                "id": GATE,
                "name": {"zh": GATE, "en": GATE},
                "adapter": "face_mqtt",
                "address": "7700001",
                "heartbeat": "PT30S",
                "silence": "PT90S",
            }
        },
    }
)
ASKED = "mqtt/face/7700001"


def _said(operator: str) -> bytes:
    return f'{{"operator":"{operator}","info":{{"facesluiceId":"7700001"}}}}'.encode()


async def test_only_the_gate_itself_says_that_it_is_back(tmp_path: Path) -> None:
    broker = LiveBroker(tmp_path / "broker")
    house = House(tmp_path, broker.address, BUILDING)
    async with broker.running(), Ear(broker.address, "gates", ASKED).up() as gates, house.running():
        await until(lambda: house.host.health["devices_broker"])
        gates.says(f"{ASKED}/heartbeat", _said("HeartBeat"))
        await _kept(house, ["device.online"])
        gates.says("mqtt/face/basic", _said("Offline"))
        await _kept(house, ["device.online", "device.offline"])
        gates.says("mqtt/face/basic", _said("Online"))
        gates.says("mqtt/face/heartbeat", _said("HeartBeat"))
        asked = b"".join(await gates.hears(ASKED, 2))
        assert b"Online-Ack" in asked
        assert b"GetSysTime" in asked
        assert await house.types() == ["device.online", "device.offline"]
        gates.says(f"{ASKED}/Ack", _said("GetSysTime-Ack"))
        await _kept(house, ["device.online", "device.offline", "device.online"])


async def _kept(house: House, types: list[str]) -> None:
    async with asyncio.timeout(8):
        while await house.types() != types:
            await asyncio.sleep(0.01)
