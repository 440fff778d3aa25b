"""The siren: a command of the building's own, run when a matter of life is unanswered and no post can sound.

What it rings for is read from the store, so that a hub which was killed meanwhile rings on. Duress never rings.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import structlog

from hub.core.records import Alert, Incident
from hub.leash import leashed
from hub.own_alerts import clear_own, raise_own
from hub.pulse import Pulse
from hub.settings.hub_file import SIREN_PATH
from hub.settings.hub_file import Siren as Settings
from hub.store import audit, incidents
from hub.store.changes import Emergency
from hub.store.database import Priority, Store, StoreAway, Transaction

log = structlog.get_logger()

LOOK_EVERY = 0.5
AGAIN = 1.0
"""seconds to the next try while the database is away"""
TEST_FOR = 5.0
"""seconds, at most"""
TERM_FOR = 2.0
"""seconds that a command has to end well (to switch a relay off) before it is killed"""
ENVIRONMENT = {"PATH": SIREN_PATH, "LANG": "C.UTF-8"}
WHO = "the hub"
"""in the audit log"""

Outcome = Literal["rings", "ended", "cut", "answered", "failed"]
"""`cut`: it was still at it when its time was over"""


@dataclass(frozen=True, slots=True)
class Rang:
    """The latest run. `reason` of a failure: missing, refused, status; `status` is what it exited with."""

    at: datetime
    test: bool
    outcome: Outcome = "rings"
    reason: str = ""
    status: int = 0


@dataclass(slots=True)
class _Run:
    process: Process
    until: float
    test: bool


def rings(record: Emergency) -> bool:
    """Whether the building has to hear of it: a matter of life that nobody has answered. Duress has to be silent where
    it happens."""
    if isinstance(record, Incident):
        return record.state == "unanswered" and record.kind != "duress"
    return _is_life_alone(record) and record.handling == "unanswered" and not record.label.endswith("duress")


def _is_life_alone(alert: Alert) -> bool:
    """A matter of life that belongs to no incident: raised bare."""
    return alert.lane == "life" and alert.severity == "critical" and not alert.incident


class Siren:
    """`can_sound` says whether some post can: then it does, and the siren isn't needed."""

    def __init__(
        self,
        site: str,
        store: Store,
        settings: Settings,
        can_sound: Callable[[], bool],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._site = site
        self._store = store
        self._command = settings.command
        self._every = settings.every.total_seconds()
        self._limit = settings.limit.total_seconds()
        self._can_sound = can_sound
        self._clock = clock
        self._waiting: dict[str, None] = {}
        self._run: _Run | None = None
        self._next = 0.0
        self._test_asked = False
        self._some = asyncio.Event()
        self._unwritten: asyncio.Queue[Callable[[Transaction], None]] = asyncio.Queue()
        self.rang: Rang | None = None
        self.pulse = Pulse()

    @property
    def needed(self) -> bool:
        """Whether something waits for an answer that no post sounds for."""
        return bool(self._waiting) and not self._can_sound()

    def calls(self) -> Rang | None:
        """What the board has to say of it while nobody has answered."""
        return self.rang if self._waiting and self.rang and not self.rang.test else None

    @property
    def health(self) -> Mapping[str, object]:
        rang = self.rang
        return {"unanswered": len(self._waiting), "last": rang.outcome if rang else "", "ringing": int(self.is_ringing)}

    @property
    def is_ringing(self) -> bool:
        return self._run is not None or self._test_asked

    def test(self) -> bool:
        """Ring for a few seconds. False where it rings already."""
        if self.is_ringing:
            return False
        self._test_asked = True
        self._some.set()
        return True

    async def run(self) -> None:
        """Until cancelled; then it falls silent."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="siren-follow")
            tasks.create_task(self._write_down(), name="siren-write-down")
            tasks.create_task(self._ring(), name="siren-ring")

    # what is unanswered

    async def _follow(self) -> None:
        subscription = self._store.changes.subscribe()
        try:
            await self._read()
            async for change in subscription:
                if change.life and not change.became:  # it was committed while nobody could be told what
                    await self._read()
                for record in change.became:
                    self._heed(record)
        finally:
            subscription.close()

    async def _read(self) -> None:
        def work(tx: Transaction) -> list[Emergency]:
            return [*incidents.open_incidents(tx, self._site), *incidents.open_alerts(tx, self._site)]

        while True:
            try:
                found = await self._store.read(work)
            except StoreAway:
                await asyncio.sleep(AGAIN)
                continue
            self._waiting.clear()
            for record in found:
                self._heed(record)
            return

    def _heed(self, record: Emergency) -> None:
        if record.site != self._site:
            return
        if rings(record):
            self._waiting[record.id] = None
        else:
            self._waiting.pop(record.id, None)
        self._some.set()

    # the command

    async def _ring(self) -> None:
        try:
            while True:
                self.pulse.beat()
                await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._some.wait()
                self._some.clear()
        finally:
            if self._run:
                await _end(self._run.process)
            self.pulse.rest()

    async def _look(self) -> None:
        if self._run:
            await self._look_at(self._run)
        if self._run:
            return
        if self.needed and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            await self._start(self._limit, test=False)
        elif self._test_asked:
            await self._start(min(TEST_FOR, self._limit), test=True)
        self._test_asked = False

    async def _look_at(self, run: _Run) -> None:
        """Whether the run is over, or has to be."""
        status = run.process.returncode
        if status is None and run.test and self.needed:
            outcome: Outcome = "cut"
            self._next = 0.0
        elif status is None and not run.test and not self._waiting:
            outcome = "answered"
        elif status is None and time.monotonic() >= run.until:
            outcome = "cut"
        elif status is None:
            return
        else:
            outcome = "failed" if status else "ended"
        await _end(run.process)
        self._run = None
        self._over(outcome, "status" if outcome == "failed" else "", status or 0)

    async def _start(self, limit: float, *, test: bool) -> None:
        at = self._clock()
        self.rang = Rang(at, test)
        log.warning("siren_started", test=test, unanswered=len(self._waiting))
        if not test:
            target, number = next(iter(self._waiting)), str(len(self._waiting))
            details = {"unanswered": number}
            self._unwritten.put_nowait(
                lambda tx: audit.add(tx, self._site, at, WHO, "", "siren.start", target, details)
            )
        if shutil.which(self._command[0], path=SIREN_PATH) is None:
            self._over("failed", "missing")
            return
        try:
            process = await asyncio.create_subprocess_exec(
                *leashed(*self._command),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as problem:
            log.error("siren_not_started", reason=str(problem))
            self._over("failed", "refused")
            return
        self._run = _Run(process, time.monotonic() + limit, test)

    def _over(self, outcome: Outcome, reason: str = "", status: int = 0) -> None:
        assert self.rang is not None  # noqa: S101  # it was started
        self.rang = replace(self.rang, outcome=outcome, reason=reason, status=status)
        log.warning("siren_over", outcome=outcome, reason=reason, status=status)
        at, program = self._clock(), self._command[0]
        if outcome == "failed":
            details = {"reason": reason, "status": str(status)}
            self._unwritten.put_nowait(
                lambda tx: raise_own(tx, self._site, "siren_failed", "high", at, program, details)
            )
        else:
            self._unwritten.put_nowait(lambda tx: clear_own(tx, self._site, "siren_failed", at))

    async def _write_down(self) -> None:
        """What was done, in its order, as soon as the database takes it: the siren doesn't wait for that."""
        while True:
            work = await self._unwritten.get()
            while True:
                try:
                    await self._store.write(Priority.DISPATCH, work)
                except StoreAway:
                    await asyncio.sleep(AGAIN)
                else:
                    break


async def _end(process: Process) -> None:
    """With all that it has started: first asked, then killed."""
    _send(process, signal.SIGTERM)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERM_FOR):
                await process.wait()
    _send(process, signal.SIGKILL)
    await process.wait()


def _send(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
