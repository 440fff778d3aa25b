"""How long a fire takes from the first byte at the panel's socket to the frame at an open page, all of it committed."""

import asyncio
import contextlib
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench import database, load, mix, throughput
from bench.desk import Desk, Page, Panel, prepared
from bench.process import python
from hub.core.events import dump_event
from hub.store.sealing import Keys
from hub.store.spool import Draft, Spool

BETWEEN = 0.02
"""seconds from one fire's arrival to the next one's first byte"""
ROUTINE = 1000
"""events a second beside the fires"""


def idle(running: Desk, wanted: int) -> list[float]:
    """Milliseconds of each."""
    return list(islice(_fires(running), wanted))


def loaded(running: Desk, directory: Path, seconds: float) -> list[float]:
    """Beside ROUTINE vendor frames a second, from the second second on."""
    frames = throughput.vendor(directory, int(ROUTINE * (seconds + 2)))
    with python("bench.load", running.broker, frames, "--rate", ROUTINE) as loader:
        loader.says("ready")
        loader.begin()
        time.sleep(1.5)
        return during(running, threading.Event(), seconds)


class Drained(NamedTuple):
    """`fires` in milliseconds each, `seconds` from the hub's start to the last receipt."""

    fires: list[float]
    seconds: float


def storm(directory: Path, prefilled: Path, waiting: int, within: float = 60.0) -> Drained:
    """While a hub that has just started takes what waits in its spool; given up after `within` seconds."""
    spool = directory / "storm.db"
    asyncio.run(_spooled(spool, prefilled, waiting))
    with prepared(directory, prefilled, spool=spool) as (arguments, ports, broker):
        over = threading.Event()
        watching = threading.Thread(target=_watch, args=(load.Told(broker), waiting, over), daemon=True)
        watching.start()
        started = time.monotonic()
        with python("hub", "run", *arguments) as process:
            process.says("front desk at")
            fires = during(Desk(process, broker, ports["page"], ports["panel"], started), over, within)
            return Drained(fires, time.monotonic() - started)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median(values: list[float]) -> float:
    return statistics.median(values)


def during(running: Desk, over: threading.Event, seconds: float) -> list[float]:
    end = time.monotonic() + seconds
    taken = []
    for milliseconds in _fires(running):
        taken.append(milliseconds)
        if over.is_set() or time.monotonic() > end:
            break
    return taken


def _fires(running: Desk) -> Iterator[float]:
    """One after the other, a point each; when every point has alarmed, the panel is reset."""
    page, panel = Page(running.page), Panel(running.panel)
    try:
        panel.reset()
        time.sleep(0.5)
        number = 0
        while True:
            sent = panel.alarm(number)
            yield (page.incident_after(sent) - sent) * 1000
            time.sleep(BETWEEN)
            number += 1
            if number % panel.points == 0:
                page.incident_after(panel.reset())
                time.sleep(1.1)  # a panel tells seconds: the same point in the same second is the same alarm
    finally:
        page.close()
        panel.close()


def _watch(told: load.Told, waiting: int, over: threading.Event) -> None:
    spooled = set(range(1, waiting + 1))
    with contextlib.suppress(OSError):
        while len(told.stored) < waiting or not spooled <= told.stored:
            told.read()
        over.set()


async def _spooled(file: Path, prefilled: Path, waiting: int) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    spool = Spool(file, Keys.load_or_create(prefilled))
    await spool.open()
    begin = mix.now() - waiting * mix.PACE - timedelta(seconds=10)
    events = islice(mix.events(begin, life=False), waiting)
    while drafts := [Draft(e.lane, e.device, dump_event(e)) for e in islice(events, 1000)]:
        await spool.append(drafts)
    await spool.close()
    database.copy_file(file, file.with_name("whole.db"))
    file.with_name("whole.db").replace(file)
