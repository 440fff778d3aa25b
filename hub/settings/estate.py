"""building.toml → the building."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hub.core.adapter import Adapter
from hub.core.building import Building, Door, Keep, Name, NetworkLink, Plan, Post, Site, Zone
from hub.core.building import Path as WalkingPath
from hub.settings import grammar
from hub.settings.declare import Converters, M, convert, declare
from hub.settings.devices import DeclaredDevice, named_file, read_devices, tables
from hub.settings.mistakes import Mistakes, Where
from hub.settings.names import both_languages, spot_on_plan
from hub.settings.toml_file import TomlFile

T = TypeVar("T")

TABLES = ("site", "post", "plan", "zone", "door", "path", "link", "like", "device", "devices", "keep")

DAY = timedelta(days=1)
FLOORS: Mapping[str, timedelta] = {
    # Fire records for a year; control rooms in China moreover keep the newest 10,000, however old.
    "fire": 365 * DAY,
    # The fire room's duty log: GB 25201-2010, records of the control room for at least a year.
    "duty_log": 365 * DAY,
    # Network logs for at least six months: Cybersecurity Law of the PRC, article 21.
    "audit": 183 * DAY,
    # A day, so that a board that shows "since the last shift but one" has something to show.
    "visits": DAY,
    "passages": DAY,
    "parcels": DAY,
    "quarantine": DAY,
}
NEEDED: Mapping[str, timedelta] = {
    # Personal data no longer than its purpose needs: PIPL, article 19. Above these `hub check` says so.
    "visits": 90 * DAY,
    "passages": 90 * DAY,
    "parcels": 365 * DAY,
    "quarantine": 30 * DAY,
}
_NO_SITE = Site(id="unnamed", name=Name(zh="未命名", en="Unnamed"), time_zone="UTC")


@dataclass(frozen=True, slots=True)
class Estate:
    """What building.toml says, with the places where it says so. `named` is whether it names its site: without that
    the building can't be run."""

    building: Building
    file: TomlFile
    folder: Path
    devices: Mapping[str, DeclaredDevice]
    named: bool


def read_estate(file: TomlFile, folder: Path, adapters: Mapping[str, Adapter], mistakes: Mistakes) -> Estate:
    for key in file.tables:
        if key not in TABLES:
            mistakes.add(file.spot((key,)), f'unknown table "{key}"', key, TABLES)
    site = _site(file, folder, mistakes)
    devices = read_devices(file, folder, adapters, mistakes)
    building = Building(
        site=site or _NO_SITE,
        posts=_each(file, "post", Post, _POST, mistakes),
        plans=_each(file, "plan", Plan, {"metres": _metres}, mistakes),
        zones=_zones(file, mistakes),
        doors=_each(file, "door", Door, _DOOR, mistakes),
        paths=_paths(file, mistakes),
        links=_each(file, "link", NetworkLink, {"name": both_languages, "at": spot_on_plan}, mistakes),
        devices={own_id: declared.device for own_id, declared in devices.items() if declared.device},
        keep=_keep(file, mistakes),
    )
    return Estate(building, file, folder, devices, named=site is not None)


def _site(file: TomlFile, folder: Path, mistakes: Mistakes) -> Site | None:
    raw = file.tables.get("site")
    where = file.within("site")
    if not isinstance(raw, dict):
        if file.there:
            mistakes.add(file.spot(("site",)), "[site] is missing")
        return None
    if sheet := raw.get("call_sheet"):
        named_file(sheet, "call_sheet", where(("call_sheet",)), folder, mistakes)
    if "time_zone" in raw:
        check_time_zone(raw["time_zone"], where, mistakes)
    return declare(Site, convert(raw, _SITE, where, mistakes), where, mistakes, told=raw)


def check_time_zone(written: object, where: Where, mistakes: Mistakes) -> None:
    try:
        ZoneInfo(str(written))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Asia" is a folder of zones
        mistakes.add(where(("time_zone",)), f'unknown time zone "{written}"', str(written), available_timezones())


def _each(file: TomlFile, kind: str, model: type[M], converters: Converters, mistakes: Mistakes) -> dict[str, M]:
    found: dict[str, M] = {}
    for own_id, raw in tables(file, kind, mistakes).items():
        where = file.within(kind, own_id)
        values = {**convert(raw, converters, where, mistakes), "id": own_id}
        if "id" in raw:
            mistakes.add(where(("id",)), f'unknown key "id": the id is the table\'s own name, {own_id}')
        if (declared := declare(model, values, where, mistakes, told=raw)) is not None:
            found[own_id] = declared
    return found


def _zones(file: TomlFile, mistakes: Mistakes) -> dict[str, Zone]:
    found: dict[str, Zone] = {}
    for own_id, raw in tables(file, "zone", mistakes).items():
        where = file.within("zone", own_id)
        values = {**convert(raw, _ZONE, where, mistakes), "id": own_id}
        skipped = values.pop("skip", ())
        floors = values.get("floors", ())
        clear = "floors" in values or "floors" not in raw
        if clear:
            _refuse_strangers("skip", skipped, floors, where, mistakes)
        floors = tuple(floor for floor in floors if floor not in skipped)
        if clear:
            _refuse_strangers("refuge", values.get("refuge", ()), floors, where, mistakes)
        if floors:
            values["floors"] = floors
        parts = values.get("fire_zones", ())
        if parts == "floor":
            if clear and not floors:
                mistakes.add(where(("fire_zones",)), 'fire_zones = "floor" needs floors')
            parts = tuple(fire_zone_part(floor) for floor in floors)
        values["fire_zones"] = tuple(f"{own_id}/{part}" for part in parts)
        if (zone := declare(Zone, values, where, mistakes, told=raw)) is not None:
            found[own_id] = zone
    return found


def fire_zone_part(floor: str) -> str:
    """Two digits, so that they sort: 7 → 07, B1 → B1."""
    return floor.zfill(2) if floor.isdigit() else floor


def _refuse_strangers(
    key: str, labels: tuple[str, ...], floors: tuple[str, ...], where: Where, mistakes: Mistakes
) -> None:
    for label in labels:
        if label not in floors:
            mistakes.add(where((key,)), f"{key}: there is no floor {label}", label, floors)


def _fire_zones(written: object) -> str | tuple[str, ...]:
    if written == "floor":
        return "floor"
    if not isinstance(written, list):
        raise ValueError('must be "floor" or a list such as ["A", "B"]')
    parts = tuple(grammar.label(part) for part in written)
    for part in parts:
        if not (part.isascii() and part.replace("-", "").replace("_", "").isalnum()):
            raise ValueError(f'"{part}" may only have ASCII letters, digits, - and _')
        if parts.count(part) > 1:
            raise ValueError(f'"{part}" stands there twice')
    return parts


def _metres(written: object) -> object:
    match written:
        case [int() | float() as width, int() | float() as height] if min(width, height) > 0:
            return (width, height)
        case _:
            pass
    raise ValueError("must be the width and height of the drawing in metres such as [48, 22]")


def _paths(file: TomlFile, mistakes: Mistakes) -> tuple[WalkingPath, ...]:
    raw = file.tables.get("path", [])
    if not isinstance(raw, list):
        mistakes.add(file.spot(("path",)), '"path" must be tables in double brackets, [[path]]')
        return ()
    found = (declare(WalkingPath, each, file.within("path", n), mistakes) for n, each in enumerate(raw))
    return tuple(path for path in found if path is not None)


def _keep(file: TomlFile, mistakes: Mistakes) -> Keep:
    raw = file.tables.get("keep", {})
    where = file.within("keep")
    if not isinstance(raw, dict):
        mistakes.add(file.spot(("keep",)), '"keep" must be a table')
        return Keep()
    values = convert(raw, dict.fromkeys(Keep.model_fields, grammar.duration), where, mistakes)
    for key, floor in FLOORS.items():
        kept = values.get(key)
        if isinstance(kept, timedelta) and kept < floor:
            said = f"{key}: {raw[key]} is less than the {floor.days} days that must be kept"
            mistakes.add(where((key,)), said)
            del values[key]
    for key, needed in NEEDED.items():
        kept = values.get(key)
        if isinstance(kept, timedelta) and kept > needed:
            mistakes.remark(where((key,)), f"{key}: {raw[key]} is more than the {needed.days} days that are needed")
    return declare(Keep, values, where, mistakes) or Keep()


def _shifts(written: object) -> dict[str, str]:
    if not isinstance(written, dict):
        raise ValueError('must be a table such as {"早班" = "08:00-16:00"}')
    return {name: grammar.hours(span) for name, span in written.items()}


def _positive(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 < written < 100:
        raise ValueError(f"{written} is not a walking speed in metres a second")
    return written


def _text_or(convert_text: Callable[[object], T]) -> Callable[[object], T | str]:
    return lambda written: "" if written == "" else convert_text(written)


_SITE: Converters = {
    "name": both_languages,
    "closing": _text_or(grammar.clock_time),
    "unit": grammar.unit_form,
    "shifts": _shifts,
    "walking": _positive,
}
_POST: Converters = {"name": both_languages, "people": grammar.number_within(0, 1000)}
_DOOR: Converters = {"name": both_languages, "at": spot_on_plan, "held": grammar.duration}
_ZONE: Converters = {
    "name": both_languages,
    "floors": grammar.floors,
    "skip": grammar.list_of(grammar.label),
    "entrances": grammar.list_of(grammar.label),
    "refuge": grammar.list_of(grammar.label),
    "fire_zones": _fire_zones,
}
