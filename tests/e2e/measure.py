"""Times and memory of `hub run` on this machine: `python -m tests.e2e.measure`. For numbers worth keeping, let nothing
else run."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.e2e.building import FreePorts, first_building, make_building
from tests.e2e.house import House

STARTS = 5
FIRES = 200
APART = 0.3
"""seconds between two fires: each finds the hub idle"""
AT_REST = 15.0
"""seconds that a hub is left alone before its memory is read"""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = first_building(Path(folder) / "first" / "config")
        ports = FreePorts("")

        def house(name: str) -> House:
            place = Path(folder) / name
            place.mkdir()
            return House(make_building(place, first, ports.four()), ())

        firsts, seconds = await starts(house)
        say(f"first start   median of {STARTS}: {statistics.median(firsts):.2f} s   {rounded(firsts)}")
        say(f"second start  median of {STARTS}: {statistics.median(seconds):.2f} s   {rounded(seconds)}")
        latencies, hub, broker = await pages(house("pages"))
        p50, p99 = (statistics.quantiles(latencies, n=100)[at] * 1000 for at in (49, 98))
        say(f"panel's socket to the open page's stream, {FIRES} fires, idle: p50 {p50:.1f} ms  p99 {p99:.1f} ms")
        say(f"memory at rest: hub {hub:.0f} MiB, broker {broker:.0f} MiB")


async def starts(house: Callable[[str], House]) -> tuple[list[float], list[float]]:
    """Seconds from the command to a /readyz that says yes: with an empty data directory, and with one that is there."""
    firsts: list[float] = []
    seconds: list[float] = []
    for number in range(STARTS):
        one = house(f"start-{number}")
        for times in (firsts, seconds):
            began = time.monotonic()
            one.begin()
            await one.hub.answers()
            times.append(time.monotonic() - began)
            await one.stop()
        await one.close()
    return firsts, seconds


async def pages(house: House) -> tuple[list[float], float, float]:
    """Seconds from a panel's write to the frame of its fire in an open page's stream, each time at an idle hub; and
    the memory of the hub and of its broker, in MiB, before that."""
    await house.start()
    latencies = []
    async with house.devices("fire-b3", speed=1) as devices:
        await asyncio.sleep(AT_REST)
        memory = resident(house.hub.process.pid), resident(house.hub.broker)
        frames: asyncio.Queue[float] = asyncio.Queue()
        async with house.desk.stream() as stream:
            listening = asyncio.create_task(hear(stream, frames))
            for number in range(FIRES):
                await asyncio.sleep(APART)
                while not frames.empty():
                    frames.get_nowait()
                began = time.perf_counter()
                devices.panel.alarm(f"217/{100 + number}")
                latencies.append(await asyncio.wait_for(frames.get(), 10) - began)
            listening.cancel()
    await house.stop()
    await house.close()
    return latencies, *memory


async def hear(stream: aiohttp.ClientResponse, frames: "asyncio.Queue[float]") -> None:
    """When a frame came that tells of alerts."""
    while line := await stream.content.readline():
        came = time.perf_counter()
        if line.startswith(b"data: {") and {"alerts", "incidents"} & set(json.loads(line[6:])["topics"]):
            frames.put_nowait(came)


def resident(pid: int) -> float:
    pages_held = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages_held * os.sysconf("SC_PAGE_SIZE") / 2**20


def rounded(times: list[float]) -> str:
    return " ".join(f"{each:.2f}" for each in times)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
