"""`hub device add` as an integrator sees it."""

import argparse
import stat
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from hub.cli import device
from hub.settings.mistakes import Mistakes
from hub.settings.secrets_file import read_secrets

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(copytree(CONFIG, tmp_path / "config", ignore=ignore_patterns("secrets.toml")))


def add(folder: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    device.add_arguments(parser)
    return device.run(parser.parse_args(["add", *words, "--config", str(folder)]))


def passwords(folder: Path) -> dict[str, str]:
    mistakes = Mistakes()
    found = read_secrets(folder, mistakes)
    assert mistakes.found == ()
    return {name: secret.password.get_secret_value() for name, secret in found.devices.items()}


def test_a_password_is_made_kept_for_its_owner_and_shown_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(folder, "gate-e1") == 0
    made = passwords(folder)
    assert set(made) == {"gate-e1"}
    assert len(made["gate-e1"]) >= 24
    assert stat.S_IMODE((folder / "secrets.toml").stat().st_mode) == 0o600
    said = capsys.readouterr()
    assert f"user gate-e1  password {made['gate-e1']}" in said.out
    assert said.err == ""


def test_all_makes_those_that_are_missing_and_no_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, "gate-e1")
    before = passwords(folder)["gate-e1"]
    assert add(folder, "--all") == 0
    assert set(passwords(folder)) == {"gate-e1", "gate-e2", "locker-2"}
    assert passwords(folder)["gate-e1"] == before
    capsys.readouterr()
    assert add(folder, "--all") == 0
    assert capsys.readouterr().out == "Every declared MQTT device has a password already.\n"


def test_a_password_is_replaced_only_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, "gate-e1", "gate-e2")
    before = passwords(folder)
    assert add(folder, "gate-e1", "locker-2") == 1
    assert "gate-e1 has a password already" in capsys.readouterr().err
    assert passwords(folder) == before, "all or nothing"
    assert add(folder, "gate-e1", "--renew") == 0
    assert passwords(folder)["gate-e1"] != before["gate-e1"]
    assert passwords(folder)["gate-e2"] == before["gate-e2"]


def test_a_device_that_is_not_declared_yet_gets_one_with_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(folder, "gate-e9") == 0
    assert "gate-e9 isn't declared: it will be listed as unknown" in capsys.readouterr().err
    assert "gate-e9" in passwords(folder)


@pytest.mark.parametrize("name", ["reader-n1", "门", "a/b", "#", ""])
def test_what_can_have_no_mqtt_user_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(folder, name) == 1
    assert capsys.readouterr().err
    assert not (folder / "secrets.toml").exists()


def test_no_name_is_no_wish(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(folder) == 1
    assert capsys.readouterr().err == "Name a device, or say --all.\n"


def test_a_file_that_others_can_read_is_not_added_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, "gate-e1")
    (folder / "secrets.toml").chmod(0o644)
    before = (folder / "secrets.toml").read_bytes()
    assert add(folder, "gate-e2") == 1
    assert "can be read by others" in capsys.readouterr().err
    assert (folder / "secrets.toml").read_bytes() == before
