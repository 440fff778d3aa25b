"""What the simulators need of config/: the declared devices with their secrets, and who lives there.

Read with nothing but the standard library and without checking: `hub check` is for that.
"""

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Point:
    """A detector or call point as the panel's list has it."""

    address: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Device:
    """One declared device, `like` defaults filled in. `heartbeat` is in seconds; `port` is 0 where none is set."""

    id: str
    adapter: str
    address: str
    site: str
    time_zone: tzinfo
    name: str = ""
    peer: str = ""
    port: int = 0
    heartbeat: float = 30.0
    user: str = ""
    password: str = ""
    dialect: str = ""
    compartments: Mapping[str, str] = field(default_factory=dict)
    """compartment number → size"""
    codes: str = "hub"
    """who makes a locker's pickup codes: hub or device"""
    points: Mapping[str, Point] = field(default_factory=dict)

    @property
    def source(self) -> tuple[str, int] | None:
        """Where its connections come from, where that is an address of this machine: `peer` is part of identity."""
        return (self.peer, 0) if self.peer.startswith("127.") else None


@dataclass(frozen=True, slots=True)
class Person:
    """A line of people.csv."""

    id: str
    kind: str
    name: str
    phone: str
    unit: str
    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the hub listens for devices, from hub.toml. `readers` is the port for those that call over HTTP, `mqtt`
    that of the broker that the hub starts."""

    host: str = "127.0.0.1"
    readers: int = 8081
    mqtt: int = 1883


@dataclass(frozen=True, slots=True)
class Building:
    site: str
    listen: Listen
    devices: Mapping[str, Device]
    people: Mapping[str, Person]


def read_building(config: Path) -> Building:
    """Everything declared in `config`. Raises OSError and KeyError for what isn't there, ValueError naming the file."""
    declared = _read_toml(config / "building.toml")
    passwords = _read_passwords(config / "secrets.toml")
    site = declared["site"]["id"]
    defaults: dict[str, dict[str, Any]] = declared.get("like", {})
    devices = {}
    for device_id, own in declared.get("device", {}).items():
        keys = {**defaults.get(own.get("like", ""), {}), **own}
        try:
            devices[device_id] = _device(config, device_id, keys, declared["site"], passwords)
        except ValueError as error:
            raise ValueError(f"{config / 'building.toml'}: device.{device_id}: {error}") from error
    return Building(
        site=site, listen=_read_listen(config / "hub.toml"), devices=devices, people=_read_people(config / "people.csv")
    )


def _device(
    config: Path,
    device_id: str,
    keys: Mapping[str, Any],
    site: Mapping[str, Any],
    passwords: Mapping[str, Mapping[str, str]],
) -> Device:
    return Device(
        id=device_id,
        adapter=keys["adapter"],
        address=str(keys.get("address", device_id)),
        site=site["id"],
        time_zone=ZoneInfo(keys.get("time_zone") or site["time_zone"]),
        name=keys["name"]["zh"] if isinstance(keys.get("name"), dict) else keys.get("name", device_id),
        peer=keys.get("peer", ""),
        port=int(keys.get("port", 0)),
        heartbeat=seconds_of(keys.get("heartbeat", "30s")),
        user=device_id,
        password=passwords.get(device_id, {}).get("password", ""),
        dialect=keys.get("dialect", ""),
        codes=keys.get("codes", "hub"),
        compartments=_compartments(keys.get("compartments", {})),
        points=_read_points(config / keys["points"]) if "points" in keys else {},
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # not TOML, or not UTF-8
        raise ValueError(f"{path}: {error}") from error


def seconds_of(duration: str) -> float:
    """`30s`, `1m30s`, `2h` as seconds. Raises ValueError for anything else."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h|d))+", duration):
        raise ValueError(f"{duration!r} is no duration such as 30s or 5m")
    return sum(float(n) * _UNITS[u] for n, u in re.findall(r"([\d.]+)(ms|s|m|h|d)", duration))


def _compartments(declared: Mapping[str, Any]) -> dict[str, str]:
    """`{S = "1-12", M = "13,14"}` as number → size."""
    sizes = {}
    for size, numbers in declared.items():
        for part in str(numbers).split(","):
            first, _, last = part.strip().partition("-")
            sizes.update({str(n): size for n in range(int(first), int(last or first) + 1)})
    return sizes


def _read_passwords(path: Path) -> dict[str, dict[str, str]]:
    """Device id → {password}. A device's MQTT user is its id."""
    written = _read_toml(path) if path.exists() else {}
    passwords: dict[str, dict[str, str]] = written.get("device", {})
    return passwords


def _read_listen(path: Path) -> Listen:
    listen = _read_toml(path).get("listen", {}) if path.exists() else {}
    host = listen.get("devices", "127.0.0.1")
    return Listen(
        host="127.0.0.1" if host in ("0.0.0.0", "::") else host,
        readers=listen.get("readers", 8081),
        mqtt=listen.get("mqtt_plain", listen.get("mqtt", 1883)),
    )


def _read_points(path: Path) -> dict[str, Point]:
    rows = _rows(path)
    return {r["address"]: Point(r["address"], r.get("kind", ""), r.get("label", "")) for r in rows if r.get("address")}


def _read_people(path: Path) -> dict[str, Person]:
    rows = _rows(path) if path.exists() else []
    return {
        r["id"]: Person(
            id=r["id"],
            kind=r.get("kind", ""),
            name=r.get("name", ""),
            phone=r.get("phone", ""),
            unit=r.get("unit", ""),
            cards=tuple(re.split(r"[;,、\s]+", r["cards"].strip())) if r.get("cards") else (),
        )
        for r in rows
        if r.get("id")
    }


def _rows(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    return list(csv.DictReader(io.StringIO(text)))
