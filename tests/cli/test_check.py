"""`hub check` as an integrator sees it."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree

import pytest

from hub.cli import check

CONFIG = Path(__file__).parents[2] / "config"


def run(*words: str, unlisted: Callable[[], Mapping[str, int]] | None = None) -> int:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return check.run(parser.parse_args(words), unlisted)


def test_a_good_configuration_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(CONFIG)) == 0
    out = capsys.readouterr().out
    assert "6 devices (2 face_mqtt, 1 gbt26875, 1 locker_mqtt, 2 zkteco_push)" in out
    assert "  fire-b3: 37 points listed\n" in out
    assert out.endswith("No mistakes.\n")


def test_points_in_use_that_no_list_has_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(CONFIG), unlisted=lambda: {"fire-b3": 2}) == 0
    assert "  fire-b3: 37 points listed, 2 in use but not listed\n" in capsys.readouterr().out


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
