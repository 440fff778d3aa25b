"""One building's life: started, under load, killed as planned, started again, drained, read."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

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
WITHIN = 90.0
"""seconds for a start or an end: a limit, and a machine may be busy"""
DRAINED = 90.0
"""seconds at the end for everything to come in; what hasn't by then is found by the check"""
SETTLED = (
    ("hub.db", "commands", "state = 'queued'"),
    ("hub.db", "notices", "state = 'queued' AND next_at <= {now}"),
    ("hub.db", "deadlines", "due <= {now}"),
    ("spool.db", "spooled", "TRUE"),
    ("spool.db", "command", "progress = 'kept'"),
)
"""file, table and which of its rows are still to be done; `now` in microseconds since 1970"""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the records are kept besides the data directory: `url` as HUB_DATABASE has it, `rows` reads it."""

    url: str
    rows: Callable[[str], list[tuple[Any, ...]]]


async def live(
    building: Building,
    kills: Sequence[Kill],
    seed: str,
    webhook: int,
    say: Callable[[str], None],
    database: Database | None = None,
) -> Findings:
    """`webhook` is a free port, where notices come out."""
    outside = Outside()
    building.change("building.toml", 'restores = "reset"', 'restores = "point"')
    _declare_webhook(building, webhook)
    house = House(building, (), {"HUB_DATABASE": database.url if database else ""})
    try:
        async with _receiver(webhook, outside.notices):
            await house.start()
            async with house.devices(*COMPARED, speed=SPEED) as devices:
                load = _load(devices, house, seed, outside)
                going = asyncio.create_task(load.run(), name="load")
                for number, kill in enumerate(kills, start=1):
                    await _kill(house, kill, "--split" if number % 2 else "", outside.faults)
                    say(
                        f"{number} of {len(kills)}: killed {kill.target}, {'ready' if kill.ready else 'not waited for'}"
                    )
                    if going.done():
                        going.result()
                load.going = False
                await _answers(house, outside.faults)
                await going
                await _drain(house, devices, database, say)
                ended = datetime.now(UTC)
                load.expect(ended.timestamp())
                await house.hub.interrupt(WITHIN)
            outside.faults += _exceptions(house)
            for device in devices.by_id.values():
                outside.sent += things(device, [*device.memory.sent, *device.memory.waiting])
                outside.told += things(device, without_repeats(device.memory.acked))
                outside.commands += commands_heard(device)
        return check(outside, await read(building.data, database.url if database else "", ended))
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


async def _kill(house: House, kill: Kill, way: str, faults: list[str]) -> None:
    """Kill, and start again what doesn't come back by itself; the hub then the other way, in one process or split."""
    if kill.ready:
        await _answers(house, faults)
    await asyncio.sleep(kill.after)
    _runs(house, faults)
    if kill.target in ("broker", "both"):
        await _kill_broker(house)
    if kill.target == "host" and (hosts := house.hub.children("--only host")):
        _kill_all(hosts)
    elif kill.target != "broker":
        await house.hub.kill()
        house.ways = (way,) if way else ()
        house.begin()


async def _answers(house: House, faults: list[str]) -> None:
    for _ in range(3):
        _runs(house, faults)
        try:
            await house.hub.answers(WITHIN)
        except AssertionError:  # it has ended
            continue
        else:
            return
    raise RuntimeError(f"hub run doesn't stay: {faults}")


def _runs(house: House, faults: list[str]) -> None:
    """A hub that ended by itself is a fault, and is started again."""
    code = house.hub.process.poll()
    if code is not None:
        last = house.hub.logged.strip().rpartition("\n")[2]
        faults.append(f"hub run {' '.join(house.ways)} ended by itself with {code}: {last}")
        house.begin()


def _exceptions(house: House) -> list[str]:
    lines = house.written.decode(errors="replace").splitlines()
    return [f"the hub logged {line[:1000]}" for line in lines if '"exception"' in line or "Traceback" in line]


async def _kill_broker(house: House) -> None:
    """One that is just being started is waited for."""
    await eventually(lambda: house.hub.children("mosquitto.conf"), WITHIN, lambda: f"no broker: {house.hub.logged}")
    _kill_all(house.hub.children("mosquitto.conf"))


def _kill_all(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _drain(house: House, devices: Devices, database: Database | None, say: Callable[[str], None]) -> None:
    """Until nothing is under way any more for a second, or for so long as that may take."""
    quiet_since = began = time.monotonic()
    while time.monotonic() - quiet_since < 1.0:
        if last := _under_way(house, devices, database):
            quiet_since = time.monotonic()
            if quiet_since - began > DRAINED:
                say(f"still under way after {DRAINED:.0f} s: {last}")
                return
        await asyncio.sleep(0.1)


def _under_way(house: House, devices: Devices, database: Database | None) -> str:
    """What still is, in words."""
    now = time.time_ns() // 1000
    waiting = {name: len(device.memory.waiting) for name, device in devices.by_id.items() if device.memory.waiting}
    try:
        left = waiting | {
            f"{file} {table}": rows
            for file, table, where in SETTLED
            if (rows := _count(house, file, f"{table} WHERE {where.format(now=now)}", database))
        }
    except sqlite3.OperationalError as error:
        return str(error)
    return ", ".join(f"{what}: {number}" for what, number in left.items())


def _count(house: House, file: str, where: str, database: Database | None) -> int:
    query = f"SELECT count(*) FROM {where}"  # noqa: S608  # our own words
    rows = database.rows(query) if database and file == "hub.db" else house.rows(file, query)
    return int(rows[0][0])


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
