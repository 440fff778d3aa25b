"""A copy of the demo building with ports, data and passwords of its own."""

import os
import random
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from simulators.building import Building as Declared
from simulators.building import read_building
from simulators.mqtt import Broker
from simulators.player import Fleet

CONFIG = Path(__file__).parents[2] / "config"


@dataclass(frozen=True)
class Ports:
    http: int
    readers: int
    mqtt: int
    panel: int


@dataclass(frozen=True)
class Building:
    config: Path
    data: Path
    ports: Ports
    inside: tuple[str, ...] = ()
    """a command that runs the hub where its data directory is a disk of its own"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def broker(self) -> Broker:
        return Broker("127.0.0.1", self.ports.mqtt)

    def declared(self) -> Declared:
        return read_building(self.config)

    def fleet(self, speed: float) -> Fleet:
        return Fleet(self.declared(), self.broker, speed=speed)

    def change(self, file: str, old: str, new: str) -> None:
        """Edit a file of config/; `old` must be there."""
        path = self.config / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        with (self.config / file).open("a", encoding="utf-8") as opened:
            opened.write(f"\n{text}\n")


def hub_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hub", *arguments]


def first_building(folder: Path) -> Path:
    """A copy of config/ whose devices have passwords: made once, copied for each test."""
    shutil.copytree(CONFIG, folder)
    (folder / "secrets.toml").unlink(missing_ok=True)
    subprocess.run(hub_command("device", "add", "--all", "--config", str(folder)), check=True, capture_output=True)
    return folder


def make_building(folder: Path, first: Path, ports: Ports) -> Building:
    config = folder / "config"
    shutil.copytree(first, config)
    building = Building(config, folder / "data", ports)
    building.change("hub.toml", "readers = 8081", f"readers = {ports.readers}")
    building.change("hub.toml", "mqtt = 1883", f"mqtt = {ports.mqtt}")
    building.change("building.toml", "port = 5200", f"port = {ports.panel}")
    return building


class FreePorts:
    """Ports below those that the system gives to clients, of a range of this test worker's own, from a place in it that
    another run at the same time hardly has."""

    def __init__(self, worker: str) -> None:
        number = int(worker.removeprefix("gw") or 0) if worker.startswith("gw") else os.getpid() % 8
        self._next = 12_000 + 2_000 * (number % 9) + random.randrange(1_500)

    def four(self) -> Ports:
        return Ports(self.one(), self.one(), self.one(), self.one())

    def one(self) -> int:
        while True:
            self._next += 1
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", self._next))
                except OSError:
                    continue
                return self._next
