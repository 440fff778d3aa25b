"""A fire reaches the desk while the broker hangs, or was never there: host and intake share a process."""

import os
import signal

from tests.e2e.house import House
from tests.e2e.process import eventually


async def test_a_fire_is_raised_while_the_broker_hangs_and_only_once_when_it_goes_on(house: House) -> None:
    await house.start()
    desk = house.desk
    async with house.devices("fire-b3", "reader-n1") as devices:
        await desk.until("devices", lambda device: device["id"] == "reader-n1" and device["link"] == "online")
        broker = house.hub.broker
        os.kill(broker, signal.SIGSTOP)
        try:
            devices.panel.alarm("217/6")
            devices.reader.card_refused("40999001")
            fire = await desk.until("incidents", within=5)
            assert (fire["kind"], fire["place"], fire["first_shown"]) == ("fire", "b3/07", "1-2-037")
            await devices.reader.memory.emptied(within=5)
            assert await desk.items("alerts", kind="access_denied") == []
        finally:
            os.kill(broker, signal.SIGCONT)
        await desk.until("alerts", kind="access_denied", within=30)
        await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 30, "the spool isn't empty")
        (incident,) = await desk.items("incidents")
        assert incident["counts"] == {"smoke": 1}
        assert len(await desk.items("events", type="fire.alarm")) == 1
    await house.stop()


async def test_a_fire_is_raised_though_no_broker_was_ever_there(house: House, spare_port: int) -> None:
    house.begin("--broker", f"mqtt://127.0.0.1:{spare_port}")
    await eventually(lambda: "first user" in house.hub.said, 20, lambda: house.hub.logged)
    await house.desk.sign_in(house.password)
    async with house.devices("fire-b3") as devices:
        devices.panel.alarm("217/6")
        await devices.panel.memory.emptied(within=5)
        fire = await house.desk.until("incidents", within=5)
        assert (fire["kind"], fire["place"]) == ("fire", "b3/07")
        health = await house.desk.health()
        assert not health["ready"]
        assert health["parts"]["host"]["broker"] is False
    await house.stop()
