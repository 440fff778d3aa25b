"""A worker that stops for good: the hub says which, ends itself, and its parent starts it again; nothing is lost."""

import json
import os
import signal

import aiohttp

from tests.e2e.building import Building
from tests.e2e.desk import Desk
from tests.e2e.house import House
from tests.e2e.process import HubProcess, eventually

STOP_THE_SCHEDULER = """
import asyncio, os
import hub.scheduler

offer_due = hub.scheduler.Scheduler._offer_due

async def offer_due_or_stop(self):
    if os.path.exists({switch!r}):
        os.unlink({switch!r})
        await asyncio.Event().wait()
    return await offer_due(self)

hub.scheduler.Scheduler._offer_due = offer_due_or_stop
"""


def hub_of(process: HubProcess) -> int:
    """The hub itself, whose parent the process is."""
    (pid,) = [pid for pid in process.children("-m hub run") if pid != process.process.pid]
    return pid


async def stopped_worker(url: str) -> list[str]:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
            stopped: list[str] = (await answer.json())["parts"]["watchdog"]["stopped"]
            return stopped
    except (aiohttp.ClientError, OSError):
        return []


async def test_a_worker_that_stops_is_named_and_the_hub_comes_back_with_all_it_was_told(house: House) -> None:
    building: Building = house.building
    switch = building.config.parent / "stop-the-scheduler"
    patches = building.config.parent / "patches"
    patches.mkdir()
    (patches / "sitecustomize.py").write_text(STOP_THE_SCHEDULER.format(switch=str(switch)))
    process = HubProcess(building, environment={"PYTHONPATH": str(patches)}, parent=True)
    house._runs.append(process)
    await process.ready()
    first = hub_of(process)
    await house.desk.sign_in(house.password)
    async with house.devices("fire-b3") as devices:
        devices.panel.alarm("217/6")
        await house.desk.until("incidents", within=60)
        switch.touch()
        seen: set[str] = set()

        async def named() -> bool:
            seen.update(await stopped_worker(building.url))
            return "scheduler" in seen

        await eventually(named, 90, lambda: f"nobody was named\n{process.logged}")
        await eventually(lambda: "Current thread" in process.logged or "Thread 0x" in process.logged, 30, "no stacks")
        assert "offer_due_or_stop" in process.logged, "the task that waits"
        await eventually(lambda: first not in process.children(), 60, "it lives on")
        devices.panel.alarm("217/7")
        await process.ready()
        assert hub_of(process) != first
        await devices.panel.memory.emptied(within=60)
        async with aiohttp.ClientSession() as http, http.get(f"{building.url}/readyz") as answer:
            told = json.loads(await answer.text())["parts"]["watchdog"]
        assert (told["ticking"], told["before"]["workers"]) == (True, ["scheduler"])
        desk: Desk = house.desk
        await desk.until("alerts", lambda alert: alert["shown"] == "1-2-038", within=60)
        assert len(await desk.items("events", type="fire.alarm")) == 2
        told = await desk.until("alerts", kind="hub_restarted", within=60)
        assert (told["details"]["workers"], told["handling"]) == ("scheduler", "unanswered")
        assert "因 scheduler 停止响应" in await desk.page("/")
        await desk.post(f"alerts/{told['id']}/finish")
        assert "停止响应" not in await desk.page("/"), "it is among what happened last, and no longer in the queue"
    os.kill(hub_of(process), signal.SIGKILL)
    await process.ready()
    assert await process.interrupt(within=30) == 0
    assert process.children() == []
