"""The siren's command: run when something is unanswered and no post can sound, ended when it is answered."""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from hub import siren as siren_module
from hub.core.records import Alert, Incident
from hub.settings.hub_file import Siren as Settings
from hub.siren import Siren, rings
from hub.store import audit, incidents
from hub.store.database import Priority, Store
from hub.store.sealing import Keys
from tests import disk
from tests.store.examples import SITE, alert, incident

LONG = "sleep 600"
until = partial(disk.until, within=60)


class Building:
    """A hub's store, a script for a siren, and posts that can sound or can't."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.sounds = False
        self._folder = folder
        self.log = folder / "rang"
        self.siren = self.with_script("true")

    def with_script(self, script: str, *, every: float = 600.0, limit: float = 600.0) -> Siren:
        """Each run writes its process group to the log first."""
        whole = f"echo $$ >> {shlex.quote(str(self.log))}; {script}"
        return self.with_command("/bin/sh", "-c", whole, every=every, limit=limit)

    def with_command(self, *command: str, every: float = 600.0, limit: float = 600.0) -> Siren:
        settings = Settings(command=command).model_copy(
            update={"every": timedelta(seconds=every), "limit": timedelta(seconds=limit)}
        )
        self.siren = Siren(SITE, self.store, settings, lambda: self.sounds)
        return self.siren

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.siren.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def put(self, *found: Incident) -> None:
        await self.store.write(Priority.LIFE, lambda tx: incidents.put_incidents(tx, found))

    @property
    def runs(self) -> list[int]:
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []

    def outcome(self) -> str:
        return self.siren.rang.outcome if self.siren.rang else ""

    async def audited(self) -> list[tuple[str, str]]:
        rows = await self.store.read(lambda tx: audit.listing(tx, SITE).items)
        return [(row.act, row.target) for row in rows]

    async def alerts(self) -> list[Alert]:
        return await self.store.read(lambda tx: incidents.open_alerts(tx, SITE))


@pytest.fixture
async def building(tmp_path: Path) -> AsyncIterator[Building]:
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    await store.open()
    yield Building(store, tmp_path)
    await store.close()


def in_group(group: int) -> list[str]:
    """Commands of the processes of this group that live."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if entry.name.isdecimal() and int(fields[2]) == group and fields[0] != "Z":
                found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


async def test_it_rings_for_an_unanswered_fire_and_is_ended_with_its_children_when_somebody_answers(
    building: Building,
) -> None:
    building.with_script(f"{LONG} & {LONG}")
    async with building.running():
        await building.put(incident())
        await until(lambda: building.runs)
        (group,) = building.runs
        await until(lambda: len(in_group(group)) == 3)
        assert building.siren.calls()
        await building.put(incident(state="answered"))
        await until(lambda: building.outcome() == "answered")
        assert in_group(group) == []
        assert building.siren.calls() is None
        assert await building.audited() == [("siren.start", "i1")]
    assert await building.alerts() == []


async def test_while_a_post_can_sound_it_stays_silent(building: Building) -> None:
    building.sounds = True
    async with building.running():
        await building.put(incident())
        await until(lambda: building.siren.health["unanswered"] == 1)
        await asyncio.sleep(2 * siren_module.LOOK_EVERY)
        assert building.runs == []
        building.sounds = False
        await until(lambda: building.runs)


async def test_it_rings_again_and_again_until_it_is_answered(building: Building) -> None:
    building.with_script("true", every=0.2)
    async with building.running():
        await building.put(incident())
        await until(lambda: len(building.runs) >= 3)
        await building.put(incident(state="answered"))
        await until(lambda: building.siren.health["unanswered"] == 0)
        number = len(building.runs)
        await asyncio.sleep(2 * siren_module.LOOK_EVERY)
        assert len(building.runs) == number


async def test_over_its_time_it_is_ended_with_its_children_even_where_it_refuses(building: Building) -> None:
    building.with_script(f"trap '' TERM; {LONG} & wait; {LONG}", limit=0.3)
    async with building.running():
        await building.put(incident())
        await until(lambda: building.outcome() == "cut")
        assert in_group(building.runs[0]) == []
    assert await building.alerts() == []


async def test_what_a_run_leaves_behind_is_ended_with_it(building: Building) -> None:
    building.with_script(f"{LONG} &")
    async with building.running():
        await building.put(incident())
        await until(lambda: building.outcome() == "ended")
        assert in_group(building.runs[0]) == []


async def test_a_hub_that_stops_falls_silent_and_one_that_starts_rings_on(building: Building) -> None:
    building.with_script(LONG)
    await building.put(incident())
    async with building.running():
        await until(lambda: building.runs)
    assert in_group(building.runs[0]) == []
    building.with_script(LONG)
    async with building.running():
        await until(lambda: len(building.runs) == 2)


@pytest.mark.parametrize(
    ("command", "reason", "status"),
    [
        (("/nowhere/siren",), "missing", "0"),
        (("no-such-siren",), "missing", "0"),
        (("/bin/sh", "-c", "exit 3"), "status", "3"),
    ],
)
async def test_one_that_fails_is_an_alert_and_one_that_rings_again_ends_it(
    building: Building, command: tuple[str, ...], reason: str, status: str
) -> None:
    building.with_command(*command, every=0.2)
    async with building.running():
        await building.put(incident())
        async with asyncio.timeout(60):
            while not (found := await building.alerts()) or found[0].count < 3:
                await asyncio.sleep(0.05)
        (failed,) = found
        assert (failed.kind, failed.severity, failed.label) == ("siren_failed", "high", command[0])
        assert failed.details == {"reason": reason, "status": status}
    building.with_script("true")
    async with building.running(), asyncio.timeout(60):
        while await building.alerts():
            await asyncio.sleep(0.05)


async def test_a_test_is_short_and_makes_room_for_what_is_real(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siren_module, "TEST_FOR", 0.2)
    building.with_script(LONG)
    async with building.running():
        assert building.siren.test()
        assert not building.siren.test()
        await until(lambda: building.outcome() == "cut")
        assert building.siren.calls() is None
        monkeypatch.setattr(siren_module, "TEST_FOR", 600.0)
        assert building.siren.test()
        await until(lambda: len(building.runs) == 2)
        await building.put(incident())
        await until(lambda: len(building.runs) == 3)
        assert in_group(building.runs[1]) == []
        assert building.siren.calls()


async def test_it_gets_nothing_of_ours_in_its_environment(
    building: Building, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUB_DATABASE", "postgresql://hub:secret@db")
    building.with_script(f"env > {shlex.quote(str(tmp_path / 'environment'))}; exit 0")
    async with building.running():
        await building.put(incident())
        await until(lambda: building.outcome() == "ended")
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}


def test_duress_never_rings_nor_does_what_belongs_to_an_incident_or_is_no_matter_of_life() -> None:
    assert rings(incident())
    assert rings(incident(kind="help"))
    assert not rings(incident(kind="duress"))
    assert not rings(incident(state="judged"))
    assert rings(alert(kind="bare", incident=""))
    assert not rings(alert(kind="bare", incident="", label="access.duress"))
    assert not rings(alert(kind="bare", incident="", handling="taken"))
    assert not rings(alert())
    assert not rings(alert(kind="panel_offline", severity="high", incident=""))
