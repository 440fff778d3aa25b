"""`hub check` as an integrator sees it."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from uuid import uuid4

import pytest

from hub.cli import check
from hub.cli.storage import store_in
from hub.core.fire_events import FireAlarm, FireCondition
from hub.store import events
from hub.store.database import Priority

CONFIG = Path(__file__).parents[2] / "config"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return check.run(parser.parse_args(words))


def test_a_good_configuration_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(CONFIG)) == 0
    out = capsys.readouterr().out
    assert "6 devices (2 face_mqtt, 1 gbt26875, 1 locker_mqtt, 2 zkteco_push)" in out
    assert "  fire-b3: 37 points listed\n" in out
    assert out.endswith("No mistakes.\n")


def test_points_in_use_that_no_list_has_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alarms = [fire_alarm("zone/217/point/6", "217", "6"), fire_alarm("zone/99/point/1", "99", "1")]

    async def fill() -> None:
        store = store_in(tmp_path)
        await store.open()
        await store.write(Priority.LIFE, lambda tx: events.add(tx, alarms))
        await store.close()

    asyncio.run(fill())
    assert run("--config", str(CONFIG), "--data", str(tmp_path)) == 0
    assert "  fire-b3: 37 points listed, 1 in use but not listed\n" in capsys.readouterr().out


def fire_alarm(subject: str, zone: str, point: str) -> FireAlarm:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return FireAlarm(
        id=uuid4(),
        host="hub-1",
        sequence=int(zone),
        source="/sites/yunhe/devices/fire-b3",
        subject=subject,
        time=now,
        received=now,
        lane="life",
        data=FireCondition(active=True, zone=zone, point=point),
    )


def test_every_mistake_has_its_place_and_the_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(copytree(CONFIG, tmp_path / "c"))
    building = folder / "building.toml"
    text = building.read_text("utf-8").replace('into = "b3"', 'into = "b33"').replace('codes = "hub"', 'code = "hub"')
    building.write_text(text, "utf-8")
    monkeypatch.setenv("HUB_CONFIG", str(folder))
    assert run() == 1
    out = capsys.readouterr().out.splitlines()
    into = text[: text.index('into = "b33"')].count("\n") + 1
    code = text[: text.index('code = "hub"')].count("\n") + 1
    assert f'{building}:{into} door.b3-lobby: into: unknown zone "b33", nearest: b3' in out
    assert f'{building}:{code} device.locker-2: unknown key "code", nearest: codes' in out
    assert out[-1] == "2 mistakes."
