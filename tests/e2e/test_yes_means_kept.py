"""A device hears yes only when its record is on disk: while the spool can't be written, nobody hears anything."""

import asyncio

from tests.e2e.house import FOUR, KINDS, House, both_ways

TRIED_IN_VAIN = 2
"""transmissions that a device has made when we look whether one was answered"""


@both_ways
async def test_nobody_hears_yes_while_the_spool_is_held_and_all_do_when_it_is_free(house: House) -> None:
    await house.start()
    async with house.devices(*FOUR) as devices:
        await house.desk.until("devices", lambda device: device["id"] == "locker-2" and device["link"] == "online")
        with house.held("spool.db"):
            four = devices.one_of_each()
            await asyncio.gather(devices.gate.memory.transmitted(TRIED_IN_VAIN, within=4),
                                 devices.panel.memory.transmitted(TRIED_IN_VAIN, within=4),
                                 devices.locker.memory.transmitted(TRIED_IN_VAIN, within=4),
                                 devices.reader.memory.transmitted(1, within=4))  # fmt: skip
            assert [device.memory.acked for device in four] == [[], [], [], []]
            assert not devices.panel.denied
        for device in four:
            await device.memory.emptied(within=15)
            assert len(device.memory.acked) == 1
        for kind in KINDS:
            await house.desk.until("events", type=kind)
            assert len(await house.desk.items("events", type=kind)) == 1
    await house.stop()
