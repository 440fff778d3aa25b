"""`hub broker-files` as an operator sees it. That a mosquitto starts with them is tried in tests/bus."""

import argparse
import re
import stat
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from hub.cli import broker_files, device

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = Path(copytree(CONFIG, tmp_path / "config", ignore=ignore_patterns("secrets.toml")))
    parser = argparse.ArgumentParser()
    device.add_arguments(parser)
    device.run(parser.parse_args(["add", "gate-e1", "locker-2", "--config", str(folder)]))
    return folder


def made(folder: Path, target: Path) -> int:
    parser = argparse.ArgumentParser()
    broker_files.add_arguments(parser)
    return broker_files.run(parser.parse_args([str(target), "--config", str(folder)]))


def users(target: Path) -> dict[str, str]:
    lines = (target / "mosquitto.passwords").read_text().splitlines()
    return {name: kept for name, _, kept in (line.partition(":") for line in lines)}


def test_each_device_with_a_password_may_do_its_own(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert made(folder, tmp_path / "broker") == 0
    said = capsys.readouterr()
    assert set(users(tmp_path / "broker")) == {"hub", "gate-e1", "locker-2"}
    assert "gate-e2" not in (tmp_path / "broker/mosquitto.acl").read_text()
    assert said.err == "gate-e2 has no password yet, so it isn't let in: hub device add gate-e2\n"
    for name in ("mosquitto.conf", "mosquitto.acl", "mosquitto.passwords"):
        assert stat.S_IMODE((tmp_path / "broker" / name).stat().st_mode) == 0o600


def test_the_hubs_password_is_shown_once_and_stays(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    made(folder, tmp_path / "broker")
    shown = re.search(r"HUB_BROKER=mqtt://hub:(\S+)@127\.0\.0\.1:1884\n", capsys.readouterr().out)
    assert shown
    assert shown[1] not in (tmp_path / "broker/mosquitto.passwords").read_text()
    before = users(tmp_path / "broker")["hub"]
    made(folder, tmp_path / "broker")
    assert "HUB_BROKER" not in capsys.readouterr().out
    assert users(tmp_path / "broker")["hub"] == before


def test_it_listens_as_hub_toml_says(folder: Path, tmp_path: Path) -> None:
    file = folder / "hub.toml"
    said = 'mqtt = 8883\nmqtt_plain = 1883\ntls = {certificate = "b.pem", key = "b.key"}\n#'
    file.write_text(file.read_text().replace("mqtt = 1883", said))
    assert made(folder, tmp_path / "broker") == 0
    conf = (tmp_path / "broker/mosquitto.conf").read_text().splitlines()
    assert [line for line in conf if line.startswith("listener")] == [
        "listener 8883 127.0.0.1",
        "listener 1883 127.0.0.1",
        "listener 1884 127.0.0.1",
    ]
    assert f"certfile {folder / 'b.pem'}" in conf


def test_a_mistake_writes_nothing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "building.toml"
    file.write_text(file.read_text().replace('address = "1026802"', 'address = "#"'))
    assert made(folder, tmp_path / "broker") == 1
    assert "address: stands in topics" in capsys.readouterr().err
    assert not (tmp_path / "broker").exists()
