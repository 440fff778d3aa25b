"""A person opens a door from the desk: the device is told once, whatever happens in between."""

from collections.abc import Mapping
from typing import Any

from simulators.gate import Gate
from simulators.simulator import running
from tests.e2e.desk import Desk, Json
from tests.e2e.house import House, both_ways
from tests.e2e.process import eventually

OPEN = {"kind": "door.open", "point": "1", "reason": "送货"}


class StruckDumb(Gate):
    """A gate that hears what it is told and answers nothing to an Unlock."""

    def _answer(self, operator: str, info: Mapping[str, Any]) -> dict[str, Any] | None:
        return None if operator == "Unlock" else super()._answer(operator, info)


def unlocks(gate: Gate) -> int:
    return sum(1 for told in gate.told if told["operator"] == "Unlock")


async def online(desk: Desk, device: str) -> None:
    await desk.until("devices", lambda one: one["id"] == device and one["link"] == "online")


async def becomes(desk: Desk, command: Json, *states: str, within: float = 15.0) -> Json:
    told: list[Json] = []

    async def there() -> bool:
        told[:] = [await desk.get(f"devices/{command['device']}/commands/{command['id']}")]
        return told[0]["state"] in states

    await eventually(there, within, lambda: f"still {told[0]['state']}, not {states}")
    return told[0]


@both_ways
async def test_an_opening_is_written_once_and_its_outcome_stands_in_the_record(house: House) -> None:
    await house.start()
    desk = house.desk
    async with house.devices("gate-e1") as devices:
        await online(desk, "gate-e1")
        command = await desk.post("devices/gate-e1/commands", OPEN, key="one wish")
        again = await desk.post("devices/gate-e1/commands", OPEN, key="one wish")
        assert again["id"] == command["id"]
        done = await becomes(desk, command, "done")
        assert (done["by"], done["why"]) == ("admin", "送货")
        assert (unlocks(devices.gate), devices.gate.opened_remotely) == (1, 1)
        event = await desk.until("events", lambda one: one["data"]["command"] == command["id"], type="command.done")
        assert event["source"].endswith("/gate-e1")
    await house.stop()


async def test_a_command_is_never_sent_again_and_ends_where_its_device_is_away(house: House) -> None:
    await house.start()
    desk = house.desk
    away = await desk.post("devices/gate-e2/commands", OPEN)
    gate = StruckDumb(house.building.declared().devices["gate-e1"], house.building.broker, speed=20)
    async with running(gate):
        await online(desk, "gate-e1")
        first = await desk.post("devices/gate-e1/commands", OPEN)
        await eventually(lambda: unlocks(gate) == 1, 10, "the gate was told nothing")
        await house.hub.kill()
        await house.start()
        await online(desk, "gate-e1")
        second = await desk.post("devices/gate-e1/commands", OPEN)
        await eventually(lambda: unlocks(gate) == 2, 20, "the gate was told nothing")  # and the first, not again
        assert house.rows("spool.db", f"SELECT progress FROM command WHERE id = '{first['id']}'") == [("writing",)]
        await becomes(desk, away, "expired", "failed", within=45)
        for command in (first, second):
            assert (await becomes(desk, command, "kept", "unknown", "failed"))["state"] != "done"
        assert unlocks(gate) == 2
    await house.stop()
