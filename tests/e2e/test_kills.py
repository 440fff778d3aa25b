"""kill -9 of the hub before and after a device heard yes, and of the broker: each record is there, once."""

import os
import signal

from tests.e2e.house import FOUR, KINDS, House, both_ways
from tests.e2e.process import eventually


async def each_is_there_once(house: House) -> None:
    for kind in KINDS:
        await house.desk.until("events", type=kind, within=20)
    await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 20, "the spool isn't empty")
    for kind in KINDS:
        assert len(await house.desk.items("events", type=kind)) == 1, kind
    (incident,) = await house.desk.items("incidents")
    assert incident["counts"] == {"smoke": 1}
    (refused,) = await house.desk.items("alerts", kind="access_denied")
    assert refused["count"] == 1


@both_ways
async def test_the_hub_is_killed_before_anyone_heard_yes(house: House) -> None:
    await house.start()
    async with house.devices(*FOUR) as devices:
        with house.held("spool.db"):
            four = devices.one_of_each()
            for device in four:
                await device.memory.transmitted(1, within=4)
            await house.hub.kill()
        assert [device.memory.acked for device in four] == [[], [], [], []]
        await house.start()
        for device in four:
            await device.memory.emptied(within=20)
        await each_is_there_once(house)
    await house.stop()


@both_ways
async def test_the_hub_is_killed_after_all_heard_yes_and_before_the_store_has_it(house: House) -> None:
    await house.start()
    async with house.devices(*FOUR) as devices:
        with house.held("hub.db"):
            four = devices.one_of_each()
            for device in four:
                await device.memory.emptied(within=4)
            await house.hub.kill()
        assert house.rows("hub.db", "SELECT 1 FROM events WHERE type = 'fire.alarm'") == []
        sent = [len(device.memory.sent) for device in four]
        await house.start()
        await each_is_there_once(house)
        assert [len(device.memory.sent) for device in four] == sent  # nobody was asked to say it again
    await house.stop()


@both_ways
async def test_the_broker_is_killed_with_records_under_way(house: House) -> None:
    await house.start()
    async with house.devices(*FOUR) as devices:
        before = house.hub.broker
        with house.held("hub.db"):
            four = devices.one_of_each()
            for device in four:
                await device.memory.emptied(within=4)
            os.kill(before, signal.SIGKILL)
        await eventually(lambda: [p for p in house.hub.children("mosquitto.conf") if p != before], 10, "no new broker")
        await each_is_there_once(house)
        devices.locker.forced("4")
        await devices.locker.memory.emptied(within=20)
        await house.desk.until("alerts", lambda alert: alert["subject"] == "compartment/4", kind="compartment_forced")
    await house.stop()
