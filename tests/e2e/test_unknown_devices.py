"""Devices that nobody declared: listed, told no yes, their fire raised once; declared, they bring what they kept."""

import re

from simulators.gate import Gate
from simulators.panel import Panel
from simulators.reader import Reader
from simulators.simulator import running
from tests.e2e.house import House, both_ways
from tests.e2e.process import eventually


@both_ways
async def test_what_an_undeclared_device_kept_arrives_once_it_is_declared(house: House) -> None:
    fleet = house.building.fleet(20).all({})
    gate, reader, panel = fleet["gate-e1"], fleet["reader-n1"], fleet["fire-b3"]
    assert isinstance(gate, Gate)
    assert isinstance(reader, Reader)
    assert isinstance(panel, Panel)
    declared = house.building.config / "building.toml"
    whole = declared.read_text(encoding="utf-8")
    fewer = re.sub(r"\[device\.(gate-e1|reader-n1)\]\n(?:[^\[\n].*\n)+", "", whole)
    declared.write_text(fewer.replace('address = "3460"', 'address = "3461"'), encoding="utf-8")

    await house.start()
    desk = house.desk
    async with running(gate, reader, panel):
        gate.person_passes("R-001")
        reader.card_refused("40999001")
        panel.alarm("217/6")
        addresses = {"1026801", "YHRD260400011", "3460"}

        async def all_listed() -> bool:
            return addresses == {
                one["address"] for one in await desk.items("devices", declared="false") if one["frames"]
            }

        await eventually(all_listed, 15, "not all of them are listed")
        await panel.memory.transmitted(3, within=10)
        await gate.memory.transmitted(3, within=10)
        fire = await desk.until("alerts", kind="unregistered_fire")
        assert fire["count"] == 1
        assert [device.memory.acked for device in (gate, reader, panel)] == [[], [], []]
        assert await desk.items("events", type="access.granted") == []
        (only,) = await desk.items("incidents")
        assert (only["kind"], only["first_shown"]) != ("fire", "1-2-037")

        await house.stop()
        declared.write_text(whole, encoding="utf-8")
        await house.start()
        for device in (gate, reader, panel):
            await device.memory.emptied(within=20)
        await desk.until("events", type="access.granted")
        await desk.until("events", type="access.denied")
        known = await desk.until("incidents", lambda one: one["place"] == "b3/07")
        assert known["first_shown"] == "1-2-037"
        assert len(await desk.items("alerts", kind="unregistered_fire")) == 1
    await house.stop()
