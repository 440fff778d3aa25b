"""Devices whose clocks are wrong: told with their skew, set right from the desk, and nothing of now taken for old."""

from tests.e2e.desk import Json
from tests.e2e.house import House

HOUR = 3600


async def test_wrong_clocks_are_learned_told_and_set(house: House) -> None:
    await house.start()
    desk = house.desk

    async def wrong(device: str, handling: str) -> Json:
        return await desk.until(
            "alerts",
            lambda one: (one["kind"], one["device"], one["handling"]) == ("clock_wrong", device, handling),
            within=60,
        )

    async with house.devices("gate-e1", "locker-2", "fire-b3") as devices:
        for device in devices.by_id.values():
            device.clock.run_ahead(-HOUR)
        for name in devices.by_id:
            told = await wrong(name, "unanswered")
            assert abs(float(told["details"]["skew"]) + HOUR) < 5, told
        devices.panel.alarm("217/6")
        assert not (await desk.until("incidents"))["late"]
        devices.gate.person_passes("R-001")
        assert not (await desk.until("events", type="access.granted"))["late"]

        await desk.post("devices/gate-e1/commands", {"kind": "device.set_clock"})
        await wrong("gate-e1", "done")
    await house.stop()
