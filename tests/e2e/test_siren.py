"""The building's siren: silent while an open page can sound, else it rings once, until somebody answers."""

import asyncio
import shlex
import time
from pathlib import Path

from hub.console.sounding import LASTS
from tests.e2e.house import House
from tests.e2e.process import eventually


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_it_rings_when_no_page_can_sound_and_stops_when_somebody_answers(house: House) -> None:
    log = house.building.config.parent / "rang"
    script = f"echo $$ >> {shlex.quote(str(log))}; sleep 600; true"
    command = f'["/bin/sh", "-c", "{script}"]'
    house.building.append("hub.toml", f'[siren]\ncommand = {command}\nevery = "1h"\nlimit = "1h"')
    await house.start()
    up_since = time.monotonic()
    desk = house.desk

    async def page() -> None:
        while True:
            await desk.tell_sound(on=True)
            await asyncio.sleep(1)

    open_page = asyncio.create_task(page())
    async with house.devices("fire-b3") as devices:
        devices.panel.alarm("217/6")
        incident = await desk.until("incidents", within=60)
        await eventually(lambda: time.monotonic() - up_since > LASTS + 2, 60, "")
        told = (await desk.health())["parts"]["siren"]
        assert told == {"unanswered": 1, "last": "", "ringing": 0, "pages_that_sound": 1}
        assert not log.exists()

        open_page.cancel()
        await desk.tell_sound(on=False)
        await eventually(log.exists, 60, "the siren doesn't ring")
        await eventually(lambda: log.read_text().endswith("\n"), 60, "it doesn't say its number")
        (ringing,) = map(int, log.read_text().split())
        assert "没有岗位能发声，警笛命令已运行" in await desk.page("/")

        await desk.post(f"incidents/{incident['id']}/answer")
        await eventually(lambda: not lives(ringing), 60, "it rings on")
        assert "警笛命令已运行" not in await desk.page("/")
        assert len(log.read_text().split()) == 1
    assert await house.hub.interrupt(within=60) == 0
    assert "Traceback" not in house.hub.logged
