"""One building's life: started, under load, killed as planned, started again, drained, read."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import cast

from aiohttp import web

from chaos.check import Findings, Notice, Outside, check
from chaos.kept import read
from chaos.load import Load
from chaos.plan import Kill
from chaos.said import commands_heard, things, without_repeats
from simulators.gate import Gate
from tests.e2e.building import Building
from tests.e2e.house import Devices, House
from tests.e2e.process import eventually

SPEED = 20.0
COMPARED = ("gate-e1", "gate-e2", "reader-n1", "locker-2", "fire-b3")
DRAINED = 40.0
"""seconds at the end for everything to come in; what hasn't by then is found by the check"""
NOW = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
SETTLED = (
    ("hub.db", "commands", "state = 'queued'"),
    ("hub.db", "notices", f"state = 'queued' AND next_at <= {NOW}"),
    ("hub.db", "deadlines", f"due <= {NOW}"),
    ("spool.db", "spooled", "TRUE"),
    ("spool.db", "command", "progress = 'kept'"),
)
"""file, table and which of its rows are still to be done"""


async def live(
    building: Building, kills: Sequence[Kill], seed: str, webhook: int, say: Callable[[str], None]
) -> Findings:
    """`webhook` is a free port, where notices come out."""
    outside = Outside()
    building.change("building.toml", 'restores = "reset"', 'restores = "point"')
    _declare_webhook(building, webhook)
    house = House(building, ())
    try:
        async with _receiver(webhook, outside.notices):
            await house.start()
            async with house.devices(*COMPARED, speed=SPEED) as devices:
                load = _load(devices, house, seed, outside)
                going = asyncio.create_task(load.run(), name="load")
                for number, kill in enumerate(kills, start=1):
                    await _kill(house, kill, "--split" if number % 2 else "")
                    say(
                        f"{number} of {len(kills)}: killed {kill.target}, {'ready' if kill.ready else 'not waited for'}"
                    )
                    if going.done():
                        going.result()
                load.going = False
                await _answers(house)
                await going
                await _drain(house, devices, say)
                ended = datetime.now(UTC)
                load.expect(ended.timestamp())
                await house.hub.interrupt(within=15)
            for device in devices.by_id.values():
                outside.sent += things(device, [*device.memory.sent, *device.memory.waiting])
                outside.told += things(device, without_repeats(device.memory.acked))
                outside.commands += commands_heard(device)
        return check(outside, await read(building.data, ended))
    finally:
        await house.close()


def _load(devices: Devices, house: House, seed: str, outside: Outside) -> Load:
    return Load(
        gates=(devices.gate, cast("Gate", devices.by_id["gate-e2"])),
        reader=devices.reader,
        locker=devices.locker,
        panel=devices.panel,
        desk=house.desk,
        random=Random(f"{seed}/load"),
        outside=outside,
    )


async def _kill(house: House, kill: Kill, way: str) -> None:
    """Kill, and start again what doesn't come back by itself; the hub then the other way, in one process or split."""
    if kill.ready:
        await _answers(house)
    await asyncio.sleep(kill.after)
    if kill.target != "hub":
        await _kill_broker(house)
    if kill.target != "broker":
        await house.hub.kill()
        house.ways = (way,) if way else ()
        house.begin()


async def _answers(house: House) -> None:
    """A hub whose broker is killed while it starts ends, and is started again, as whatever keeps it running does."""
    for _ in range(3):
        try:
            await house.hub.answers()
        except AssertionError:
            if house.hub.process.poll() != 1:
                raise
            house.begin()
        else:
            return
    await house.hub.answers()


async def _kill_broker(house: House) -> None:
    """One that is just being started is waited for."""
    if house.hub.process.poll() is not None:
        house.begin()
    await eventually(lambda: house.hub.children("mosquitto.conf"), 15, lambda: f"no broker: {house.hub.logged}")
    for pid in house.hub.children("mosquitto.conf"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _drain(house: House, devices: Devices, say: Callable[[str], None]) -> None:
    """Until nothing is under way any more for a second, or for so long as that may take."""
    quiet_since = began = time.monotonic()
    while time.monotonic() - quiet_since < 1.0:
        if last := _under_way(house, devices):
            quiet_since = time.monotonic()
            if quiet_since - began > DRAINED:
                say(f"still under way after {DRAINED:.0f} s: {last}")
                return
        await asyncio.sleep(0.1)


def _under_way(house: House, devices: Devices) -> str:
    """What still is, in words."""
    waiting = {name: len(device.memory.waiting) for name, device in devices.by_id.items() if device.memory.waiting}
    try:
        left = waiting | {
            f"{file} {table}": rows
            for file, table, where in SETTLED
            if (rows := house.rows(file, f"SELECT count(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608  # our own words
        }
    except sqlite3.OperationalError as error:
        return str(error)
    return ", ".join(f"{what}: {number}" for what, number in left.items())


def _declare_webhook(building: Building, port: int) -> None:
    building.append("hub.toml", f'[webhook]\nurl = "http://127.0.0.1:{port}/notices"')
    building.append("secrets.toml", '[webhook]\nsecret = "only for this loop, on loopback"')


@contextlib.asynccontextmanager
async def _receiver(port: int, heard: list[Notice]) -> AsyncIterator[None]:
    """Takes notices as somebody's server would."""

    async def take(request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        key = told.pop("id")
        if told["type"] != "alert":  # two rungs of a ladder say the same to one post
            heard.append(Notice(json.dumps(told, sort_keys=True, ensure_ascii=False), key))
        return web.Response()

    app = web.Application()
    app.router.add_post("/notices", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
