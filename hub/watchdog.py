"""The hub watches itself: a thread sees each worker's pulse. One that stops is named, every stack is written to stderr,
and the process ends, so that whatever keeps it running (its parent, systemd) starts it again.

Stacks are files, lines and names of functions: no values, so no personal data.
"""

import asyncio
import contextlib
import faulthandler
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import structlog

from hub import systemd
from hub.core.text import rfc3339
from hub.pulse import Pulse

log = structlog.get_logger()

NOTE = "stopped-worker.json"
"""in the data directory: who had stopped when the hub last ended itself"""
LOOK_EVERY = 1.0
SHOWN_FOR = 2.0
"""seconds between naming a worker that has stopped and the end: /readyz can still say it"""
HELD = 5.0
"""seconds late to its own look: the whole process was held (stopped, or starved), and everyone gets a new start"""
STOPPED = 70
"""the exit status (EX_SOFTWARE of sysexits.h): to be started again"""


class Watchdog:
    """`pulses` names the workers of this process, looked up at each look. `data` is where the end is written down for
    the next start to tell."""

    def __init__(
        self,
        data: Path,
        pulses: Callable[[], Mapping[str, Pulse]],
        end: Callable[[int], None] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._note = data / NOTE
        self._pulses = pulses
        self._end = end
        self._clock = clock
        self._loop_pulse = Pulse(clock)
        self._done = Event()
        self._stopped: list[str] = []
        self._before = _read(self._note)

    @property
    def health(self) -> dict[str, object]:
        """`before`: which workers had stopped when the hub last ended itself, and when."""
        return {"ticking": not self._stopped, "stopped": list(self._stopped), "before": self._before}

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Inside the block; what follows it, the stopping, takes the time that it takes."""
        loop = asyncio.get_running_loop()
        beating = asyncio.create_task(self._beat(), name="watchdog-beat")
        Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._done.set()
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._loop_pulse.beat()
            await asyncio.sleep(LOOK_EVERY)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        looked = self._clock()
        while not self._done.wait(LOOK_EVERY):
            now, before = self._clock(), looked
            looked = now
            if now - before > LOOK_EVERY + HELD:
                self._start_anew(now - before)
                continue
            overdue = self.overdue(now)
            if overdue:
                self._stop(loop, overdue)
                return
            systemd.notify("WATCHDOG=1")

    def overdue(self, now: float) -> dict[str, float]:
        """Workers that have stopped, with the seconds that they are overdue."""
        everyone = {"event-loop": self._loop_pulse, **self._pulses()}
        return {name: late for name, pulse in everyone.items() if (late := pulse.overdue(now)) > 0}

    def _start_anew(self, held: float) -> None:
        log.warning("process_was_held", seconds=round(held, 1))
        for pulse in (self._loop_pulse, *self._pulses().values()):
            if pulse.overdue(self._clock()):
                pulse.beat()

    def _stop(self, loop: asyncio.AbstractEventLoop, overdue: Mapping[str, float]) -> None:
        self._stopped = sorted(overdue)
        Thread(target=self._end_soon, name="watchdog-end", daemon=True).start()  # stderr may be what everyone waits for
        log.critical("workers_stopped", workers=self._stopped, overdue=round(max(overdue.values()), 1))
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        sys.stderr.write(_tasks(loop))
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            self._note.write_text(json.dumps({"at": rfc3339(datetime.now(UTC)), "workers": self._stopped}))

    def _end_soon(self) -> None:
        time.sleep(SHOWN_FOR)
        self._end(STOPPED)


def _tasks(loop: asyncio.AbstractEventLoop) -> str:
    """Where each task of the loop waits, outermost call first."""
    lines = ["tasks (outermost call first):"]
    for task in sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name()):
        lines.append(f"  {task.get_name()}")
        lines += [f"    {place}" for place in _waits_at(task.get_coro())]
    return "\n".join(lines) + "\n"


def _waits_at(awaited: object) -> list[str]:
    places: list[str] = []
    while awaited is not None and len(places) < 50:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            places.append(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return places


def _read(note: Path) -> object:
    try:
        return json.loads(note.read_text())
    except (OSError, ValueError):
        return None
