"""The simulated day on a fresh hub, as `make run` plays it, ten times as fast: the board has all of it in 20 s."""

import asyncio
import subprocess

from tests.e2e.building import hub_command
from tests.e2e.house import House


async def test_a_fresh_building_comes_alive(house: House) -> None:
    await house.start()
    desk, building = house.desk, house.building
    places = ["--config", str(building.config), "--data", str(building.data), "--hub", building.url]
    log = (building.config.parent / "day").open("wb")
    day = subprocess.Popen(hub_command("simulate", "day", "--speed", "10", *places), stdout=log, stderr=log)
    try:
        async with asyncio.timeout(20):
            await desk.until("events", lambda event: event["data"]["person"]["ref"], type="access.granted", within=20)
            await desk.until("visits", state="open", within=20)
            await desk.until("notices", lambda notice: notice["template"] == "pickup", state="sent", within=20)
            await desk.until("alerts", kind="access_denied", within=20)
            fire = await desk.until("incidents", within=20)
        assert (fire["kind"], fire["place"], fire["first_label"]) == ("fire", "b3/07", "电梯厅")
        assert day.poll() is None
    finally:
        day.terminate()
        day.wait(10)
        log.close()
    await house.stop()
