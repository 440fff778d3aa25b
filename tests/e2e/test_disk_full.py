"""The disk really full, to the last byte: fires are kept and shown all the same, all else stays at the devices."""

from collections.abc import AsyncIterator

import pytest

from hub.store.disk import ROOM
from tests.e2e.building import Building
from tests.e2e.house import FOUR, House
from tests.e2e.process import eventually
from tests.e2e.small_disk import SmallDisk, small_disk

BELOW = "磁盘将满"


@pytest.fixture
async def on_small_disk(building: Building) -> AsyncIterator[tuple[House, SmallDisk]]:
    with small_disk(building) as disk:
        house = House(disk.building, ())
        yield house, disk
        await house.close()


async def test_the_disk_runs_full_and_is_cleared(on_small_disk: tuple[House, SmallDisk]) -> None:
    house, disk = on_small_disk
    desk = house.desk
    await house.start()
    async with house.devices(*FOUR) as devices:
        await desk.until("devices", lambda device: device["id"] == "locker-2" and device["link"] == "online", within=60)
        disk.fill()

        async def it_says_so() -> bool:
            health = await desk.health()
            return not health["ready"] and health["parts"]["disk"]["room"] is False

        await eventually(it_says_so, 20, "the hub doesn't say that its disk is full")
        for file in ("spool.db", "spool.db-wal", "hub.db", "hub.db-wal"):
            await eventually(lambda file=file: disk.size_of(file) >= ROOM, 20, "the hub took no room")  # type: ignore[misc]
        disk.fill()  # what it left
        assert disk.free == 0
        four = devices.one_of_each()
        fire = await desk.until("incidents", within=60)
        assert fire["counts"] == {"smoke": 1}
        disk.fill()  # whoever fills it doesn't stop
        devices.panel.alarm("217/7")
        await desk.until("incidents", lambda one: one["counts"] == {"smoke": 2}, within=60)
        await devices.panel.memory.emptied(within=60)
        await devices.gate.memory.transmitted(2, within=60)
        await devices.reader.memory.transmitted(1, within=60)
        assert [device.memory.acked for device in four[:3]] == [[], [], []]
        assert await desk.items("events", type="access.granted") == []

        async def the_board_says_so() -> bool:
            return BELOW in await desk.page("/")

        await eventually(the_board_says_so, 20, "the board doesn't say that the disk is full")

        disk.clear()
        for device in four:
            await device.memory.emptied(within=60)
        for kind in ("access.granted", "access.denied", "compartment.forced"):
            await desk.until("events", type=kind, within=60)
            assert len(await desk.items("events", type=kind)) == 1
        assert len(await desk.items("events", type="fire.alarm")) == 2
        await house.hub.ready()
        assert (await desk.health())["parts"]["disk"]["reserve_bytes"]
    await house.stop()
