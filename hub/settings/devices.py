"""[device.X], devices.csv and the [like.X] defaults → devices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub.core.adapter import Adapter, Http, Mqtt, Tcp
from hub.core.building import Device, Point
from hub.settings import grammar
from hub.settings.csv_file import plain, read_csv
from hub.settings.declare import Converters, convert, declare, misspelt, names_of, tell
from hub.settings.mistakes import KeyPath, Mistakes, SourceLine, Where, nearest
from hub.settings.names import both_languages, spot_on_plan
from hub.settings.points import Rows, read_points
from hub.settings.toml_file import TomlFile

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "设备编号"),
    "name": ("名称", "设备名称"),
    "like": ("模板", "默认"),
    "adapter": ("协议",),
    "address": ("地址", "序列号", "serial"),
    "peer": ("网络地址", "ip", "ip地址"),
    "port": ("端口",),
    "model": ("型号",),
    "behind": ("上联", "弱电箱"),
    "door": ("门",),
    "direction": ("方向",),
}
_DIRECTIONS = {"进": "entry", "入": "entry", "出": "exit", "": "unknown"}
_LONGEST_HEARTBEAT = timedelta(days=1)
_SILENT_AFTER = 3
"""heartbeats, where building.toml doesn't say"""
_LONGEST_SILENCE_OF_LIFE = timedelta(seconds=95)
"""a fire panel that fails is to be seen within 100 s (GB 4717, of a panel's own faults); the rest is our way there"""


@dataclass(frozen=True, slots=True)
class DeclaredDevice:
    """A device with the places of its keys, for the checks between tables. `device` is None where it can't be
    formed; `written` are the keys as given, defaults merged in."""

    id: str
    written: Mapping[str, Any]
    where: Where
    device: Device | None
    point_rows: Rows = ()


def read_devices(
    file: TomlFile, folder: Path, adapters: Mapping[str, Adapter], mistakes: Mistakes
) -> dict[str, DeclaredDevice]:
    likes = tables(file, "like", mistakes)
    _check_likes(likes, file, adapters, mistakes)
    written = {
        device_id: (raw, file.within("device", device_id))
        for device_id, raw in tables(file, "device", mistakes).items()
    }
    for device_id, (raw, where) in _rows(file, folder, mistakes).items():
        if device_id in written:
            mistakes.add(
                where(()), f'device "{device_id}" is declared already, in line {written[device_id][1](()).line}'
            )
        else:
            written[device_id] = (raw, where)
    devices: dict[str, DeclaredDevice] = {}
    for device_id, (raw, where) in written.items():
        merged, merged_where = _with_defaults(raw, where, likes, file, mistakes)
        devices[device_id] = _device(device_id, merged, merged_where, folder, adapters, mistakes)
    return devices


def tables(file: TomlFile, kind: str, mistakes: Mistakes) -> dict[str, Mapping[str, Any]]:
    """The tables `[kind.X]` by id; what isn't a table is told."""
    found = file.tables.get(kind, {})
    if not isinstance(found, dict):
        mistakes.add(file.spot((kind,)), f'"{kind}" must be tables named [{kind}.ID]')
        return {}
    good: dict[str, Mapping[str, Any]] = {}
    for own_id, raw in found.items():
        if isinstance(raw, dict):
            good[own_id] = raw
        else:
            mistakes.add(file.spot((kind, own_id)), f'"{own_id}" under [{kind}] must be a table [{kind}.{own_id}]')
    return good


def _rows(file: TomlFile, folder: Path, mistakes: Mistakes) -> dict[str, tuple[Mapping[str, Any], Where]]:
    """The devices of the CSV file that `devices = "…"` names."""
    named = file.tables.get("devices")
    if named is None:
        return {}
    name = named_file(named, "devices", file.spot(("devices",)), folder, mistakes)
    found: dict[str, tuple[Mapping[str, Any], Where]] = {}
    if name is None:
        return found
    for row in read_csv(folder, name, COLUMNS, "id", mistakes):
        device_id = plain(row.cells.get("id", ""))
        spot = SourceLine(name, row.line, f"device.{device_id}")
        if not device_id:
            mistakes.add(SourceLine(name, row.line), 'column "id" is empty')
        elif device_id in found:
            mistakes.add(spot, "stands there twice")
        else:
            found[device_id] = (_row_as_table(row.cells, spot, mistakes), _at(spot))
    return found


def _at(spot: SourceLine) -> Where:
    return lambda path: spot


def _row_as_table(cells: Mapping[str, str], spot: SourceLine, mistakes: Mistakes) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for column, cell in cells.items():
        if cell and column not in {"id", "door", "direction"}:
            table[column] = cell if column == "name" else plain(cell)
    if port := table.pop("port", ""):
        if port.isascii() and port.isdecimal():
            table["port"] = int(port)
        else:
            mistakes.add(spot, f'port: "{port}" must be a whole number')
    if door := plain(cells.get("door", "")):
        direction = plain(cells.get("direction", ""))
        table["doors"] = {"1": {"door": door, "direction": _DIRECTIONS.get(direction, direction)}}
    return table


def _with_defaults(
    raw: Mapping[str, Any], where: Where, likes: Mapping[str, Mapping[str, Any]], file: TomlFile, mistakes: Mistakes
) -> tuple[dict[str, Any], Where]:
    own = {key: value for key, value in raw.items() if key != "like"}
    like = raw.get("like")
    if like is None:
        return own, where
    if not isinstance(like, str) or like not in likes:
        mistakes.add(where(("like",)), f'unknown like "{like}"', str(like), likes)
        like = nearest(str(like), likes)  # so that this one mistake doesn't make others
        if not like:
            return own, where
    defaults = likes[like]
    like_where = file.within("like", like)

    def merged_where(path: KeyPath) -> SourceLine:
        return like_where(path) if path and path[0] in defaults and path[0] not in own else where(path)

    return {**defaults, **own}, merged_where


def _check_likes(
    likes: Mapping[str, Mapping[str, Any]], file: TomlFile, adapters: Mapping[str, Adapter], mistakes: Mistakes
) -> None:
    """Keys that no device could have; values are checked with the devices that use them."""
    for like, raw in likes.items():
        adapter = adapters.get(str(raw.get("adapter")))
        allowed = _names(*([adapter] if adapter else adapters.values())) - {"like"}
        for key in raw:
            if key not in allowed:
                mistakes.add(file.within("like", like)((key,)), f'unknown key "{key}"', key, allowed)


def _names(*adapters: Adapter) -> frozenset[str]:
    """The keys that `[device.X]` may have: the hub's own, and those of its adapter."""
    return (names_of(Device) - {"id", "options"} | {"like"}).union(*(names_of(a.options) for a in adapters))


def _device(
    device_id: str,
    raw: Mapping[str, Any],
    where: Where,
    folder: Path,
    adapters: Mapping[str, Adapter],
    mistakes: Mistakes,
) -> DeclaredDevice:
    adapter = adapters.get(raw["adapter"]) if isinstance(raw.get("adapter"), str) else None
    if adapter is None and "adapter" in raw:
        mistakes.add(where(("adapter",)), f'unknown adapter "{raw["adapter"]}"', str(raw["adapter"]), adapters)
    allowed = _names(adapter) if adapter else _names(*adapters.values())
    unknown = [key for key in raw if key not in allowed]
    for key in unknown:
        mistakes.add(where((key,)), f'unknown key "{key}"', key, allowed)
    told = {"heartbeat", "silence", *raw, *misspelt(unknown, allowed)}
    converted = convert(raw, _CONVERTERS, where, mistakes)
    points: dict[str, Point] = {}
    rows: Rows = ()
    if "points" in converted:
        name = named_file(converted.pop("points"), "points", where(("points",)), folder, mistakes)
        points, rows = read_points(folder, name, mistakes) if name else ({}, ())
    values: dict[str, Any] = {key: value for key, value in converted.items() if key in Device.model_fields}
    values |= {"id": device_id, "points": points, "options": _options(adapter, raw, told, where, mistakes)}
    if adapter is not None:
        _complete(values, adapter)
        _check_network(values, raw, adapter, where, mistakes)
    device = declare(Device, values, where, mistakes, names=allowed, told=told)
    return DeclaredDevice(device_id, raw, where, device, rows)


def _options(
    adapter: Adapter | None, raw: Mapping[str, Any], told: set[str], where: Where, mistakes: Mistakes
) -> dict[str, Any]:
    if adapter is None:
        return {}
    names = names_of(adapter.options)
    written = {key: value for key, value in raw.items() if key in names}
    try:
        adapter.options.model_validate(written)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = str(detail["loc"][0]) if detail["loc"] else ""
            if not (detail["type"] == "missing" and key in told):
                tell(detail, where, mistakes, names)
            written.pop(key, None)
    return written


def _complete(values: dict[str, Any], adapter: Adapter) -> None:
    """What the adapter says where building.toml doesn't."""
    heartbeat = values.setdefault("heartbeat", adapter.heartbeat)
    usual = _SILENT_AFTER * heartbeat
    values.setdefault("silence", min(usual, _LONGEST_SILENCE_OF_LIFE) if adapter.lane == "life" else usual)
    match adapter.transport:
        case Mqtt():
            values.setdefault("address", values["id"])
        case Tcp(default_port=port):
            values.setdefault("port", port)
        case Http():
            pass


def _check_network(
    values: Mapping[str, Any], raw: Mapping[str, Any], adapter: Adapter, where: Where, mistakes: Mistakes
) -> None:
    over_mqtt = isinstance(adapter.transport, Mqtt)
    if over_mqtt and "peer" in raw:
        mistakes.add(where(("peer",)), "peer: a device on MQTT is known by its user name, not by its network address")
    if not over_mqtt and "peer" not in raw:
        mistakes.add(where(()), '"peer" is missing: the network address that this device, and no other, may use')
    if "port" in raw and not isinstance(adapter.transport, Tcp):
        mistakes.add(where(("port",)), f"port: {adapter.name} has none of its own")
    if over_mqtt and any(mark in str(values.get("address", "")) for mark in "+#/ \t\r\n"):
        mistakes.add(where(("address",)), "address: stands in topics, so it has no / + # and no spaces")
    if values.get("address") == "":
        mistakes.add(where(("address",)), "address: is empty")
    heartbeat, silence = values["heartbeat"], values["silence"]
    if heartbeat > _LONGEST_HEARTBEAT:
        mistakes.add(where(("heartbeat",)), "heartbeat: longer than a day; its silence would be noticed too late")
    if adapter.lane == "life" and silence > _LONGEST_SILENCE_OF_LIFE:
        said = "of a fire panel at most 95s: its failing has to be on the board within 100 s"
        mistakes.add(where(("silence",)), f"silence: {said}")
    if adapter.lane == "life" and "busy" in raw:
        mistakes.add(where(("busy",)), "busy: a fire panel is quiet while all is well; its heartbeat watches over it")
    if silence <= heartbeat:
        key = "silence" if "silence" in raw else "heartbeat"
        said = f"silence of {silence.total_seconds():g}s must be longer than the heartbeat of"
        mistakes.add(where((key,)), f"{said} {heartbeat.total_seconds():g}s")


def _compartments(written: object) -> dict[str, str]:
    """`{S = "1-12", M = "13-20"}` → number → size."""
    if not isinstance(written, dict):
        raise ValueError('must be a table such as {S = "1-12"}')
    found: dict[str, str] = {}
    for size, numbers in written.items():
        for number in grammar.numbers(numbers):
            if number in found:
                raise ValueError(f"{number} stands under {found[number]} and {size}")
            found[number] = size
    return found


def named_file(written: object, key: str, spot: SourceLine, folder: Path, mistakes: Mistakes) -> str | None:
    """The name of a file in the configuration's own folder; None, and a mistake, where there is none."""
    if not isinstance(written, str) or not written:
        mistakes.add(spot, f"{key}: {written!r} must be a file name in quotes")
        return None
    path = folder / written
    if "\x00" in written or not path.resolve().is_relative_to(folder.resolve()):
        mistakes.add(spot, f'{key}: "{written}" is not in the folder of the configuration')
        return None
    if not path.is_file():
        near = {other.name for other in path.parent.glob(f"*{path.suffix}")} if path.parent.is_dir() else set()
        mistakes.add(spot, f'{key}: file "{written}" is not there', path.name, near)
        return None
    return written


_CONVERTERS: Converters = {
    "name": both_languages,
    "at": spot_on_plan,
    "heartbeat": grammar.duration,
    "silence": grammar.duration,
    "busy": grammar.busy,
    "peer": grammar.address,
    "port": grammar.port,
    "compartments": _compartments,
}
