"""What one table says of another: ids that must exist, addresses that must differ, doors that must let people out."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from hub.core.adapter import Adapter, Tcp
from hub.core.building import Building, Device, PostKind, Zone
from hub.settings.devices import DeclaredDevice, named_file
from hub.settings.estate import Estate, check_time_zone
from hub.settings.mistakes import KeyPath, Mistakes, SourceLine, Where


def check_references(estate: Estate, adapters: Mapping[str, Adapter], mistakes: Mistakes) -> None:
    _Check(estate, adapters, mistakes).all()


class _Check:
    """Asks of ids as they were written, not of what could be formed: one mistake must not make ten others."""

    def __init__(self, estate: Estate, adapters: Mapping[str, Adapter], mistakes: Mistakes) -> None:
        self._building: Building = estate.building
        self._devices = estate.devices
        self._file = estate.file
        self._folder = estate.folder
        self._adapters = adapters
        self._mistakes = mistakes
        self._fire_zones = {part for zone in self._building.zones.values() for part in zone.fire_zones}
        self._unclear = {zone for zone in self._ids("zone") if self._is_unclear(zone)}

    def all(self) -> None:
        self._posts()
        self._drawings()
        self._zones()
        self._doors()
        self._paths()
        for own_id, link in self._tables("link").items():
            self._on_plan(link, self._file.within("link", own_id))
        for declared in self._devices.values():
            self._device(declared)
            self._points(declared)
        self._same_address()
        self._same_port()

    def _is_unclear(self, own_id: str) -> bool:
        """Its floors or fire zones were written, and refused: what is in it can't be said."""
        written, zone = self._file.tables["zone"][own_id], self._building.zones.get(own_id)
        return zone is None or any(written.get(key) and not getattr(zone, key) for key in ("floors", "fire_zones"))

    def _no_fire_zone(self, wanted: str) -> bool:
        known = wanted in self._fire_zones or wanted in self._ids("zone")
        return not known and wanted.partition("/")[0] not in self._unclear

    def _ids(self, kind: str) -> set[str]:
        written: Any = self._devices if kind == "device" else self._file.tables.get(kind, {})
        return set(written) if isinstance(written, Mapping) else set()

    def _tables(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """`[kind.X]` as written: a key of theirs is asked about whatever is wrong beside it."""
        written = self._file.tables.get(kind, {})
        if not isinstance(written, Mapping):
            return {}
        return {own_id: raw for own_id, raw in written.items() if isinstance(raw, Mapping)}

    def _must_be(self, wanted: object, kind: str, where: Where, path: KeyPath) -> None:
        """What isn't even text is told of already."""
        if isinstance(wanted, str) and wanted not in self._ids(kind):
            self._mistakes.add(where(path), f'{path[0]}: unknown {kind} "{wanted}"', wanted, self._ids(kind))

    def _posts(self) -> None:
        first: dict[str, str] = {}
        for own_id, raw in self._tables("post").items():
            for kind in _texts(raw.get("first_for")):
                if kind in get_args(PostKind) and first.setdefault(kind, own_id) != own_id:
                    spot = self._file.spot(("post", own_id, "first_for"), f"post.{own_id}")
                    self._mistakes.add(spot, f'first_for: "{kind}" is first for {first[kind]} already')
        missing = [kind for kind in get_args(PostKind) if kind not in first]
        if missing and self._file.there and self._posts_are_clear():
            said = f"no post hears these first: {', '.join(missing)} (first_for of some [post.X])"
            self._mistakes.add(self._file.spot(("post",)), said)

    def _posts_are_clear(self) -> bool:
        posts = self._building.posts
        written = {own_id: self._file.tables["post"][own_id].get("first_for", []) for own_id in posts}
        return set(posts) == self._ids("post") and all(
            list(posts[own_id].first_for) == kinds for own_id, kinds in written.items()
        )

    def _drawings(self) -> None:
        for own_id, raw in self._tables("plan").items():
            drawing = raw.get("file")
            if not isinstance(drawing, str):
                continue
            spot = self._file.spot(("plan", own_id, "file"), f"plan.{own_id}")
            if "{floor}" not in drawing:
                named_file(drawing, "file", spot, self._folder, self._mistakes)
                continue
            floors = [floor for zone in self._building.zones.values() if zone.plan == own_id for floor in zone.floors]
            missing = [floor for floor in floors if not (self._folder / drawing.replace("{floor}", floor)).is_file()]
            if missing or not floors:
                said = (
                    f"file: no drawing of floors {', '.join(missing)}" if floors else "file: no zone has these floors"
                )
                self._mistakes.add(spot, f'{said} ("{drawing}")')

    def _zones(self) -> None:
        for own_id, raw in self._tables("zone").items():
            where = self._file.within("zone", own_id)
            self._must_be(raw.get("plan"), "plan", where, ("plan",))
            for number, near in enumerate(_listed(raw.get("near"))):
                if isinstance(near, str) and self._no_fire_zone(near):
                    said = f'near: unknown fire zone "{near}"'
                    self._mistakes.add(where(("near", number)), said, near, self._fire_zones | self._ids("zone"))

    def _doors(self) -> None:
        for own_id, raw in self._tables("door").items():
            where = self._file.within("door", own_id)
            self._on_plan(raw, where)
            self._must_be(raw.get("into"), "zone", where, ("into",))
            release = raw.get("release", "")
            if release:
                self._must_be(release, "device", where, ("release",))
                self._releases(str(release), where)
            elif raw.get("escape") is True:
                said = 'an escape door needs release = "…": the fire panel whose relay frees it'
                self._mistakes.add(where(("escape",)), said)
            if raw.get("ways") == ["face"]:
                said = "ways: face may not be the only way; add card, pin or qr"
                self._mistakes.add(where(("ways",)), said)

    def _releases(self, panel: str, where: Where) -> None:
        declared = self._devices.get(panel)
        adapter = self._adapters.get(str(declared.written.get("adapter"))) if declared else None
        if adapter is not None and adapter.lane != "life":
            self._mistakes.add(where(("release",)), f'release: "{panel}" is not a fire panel')

    def _paths(self) -> None:
        for number, raw in enumerate(_listed(self._file.tables.get("path"))):
            if not isinstance(raw, Mapping):
                continue
            where = self._file.within("path", number)
            for door in _listed(raw.get("between")):
                self._must_be(door, "door", where, ("between",))
            metres = raw.get("metres")
            if isinstance(metres, int | float) and not isinstance(metres, bool) and not 0 < metres < 100_000:
                self._mistakes.add(where(("metres",)), f"metres: {metres:g} is not a length")

    def _on_plan(self, raw: Mapping[str, Any], where: Where) -> None:
        match raw.get("at"):
            case [str(plan_id), int() | float() as x, int() | float() as y]:
                self._must_be(plan_id, "plan", where, ("at",))
                plan = self._building.plans.get(plan_id)
                if plan and not (0 <= x <= plan.metres[0] and 0 <= y <= plan.metres[1]):
                    side = f"{plan.metres[0]:g} by {plan.metres[1]:g} metres"
                    self._mistakes.add(where(("at",)), f"at: {x:g}, {y:g} is outside the plan of {side}")
            case [str(plan_id), *_]:
                self._must_be(plan_id, "plan", where, ("at",))
            case _:
                pass

    def _device(self, declared: DeclaredDevice) -> None:
        raw, where = declared.written, declared.where
        self._must_be(raw.get("behind"), "link", where, ("behind",))
        self._on_plan(raw, where)
        for zone in _listed(raw.get("serves")):
            self._must_be(zone, "zone", where, ("serves",))
        doors = raw.get("doors")
        for number, door in doors.items() if isinstance(doors, Mapping) else ():
            if isinstance(door, Mapping):
                self._must_be(door.get("door"), "door", where, ("doors", number, "door"))
        if isinstance(zone_name := raw.get("time_zone"), str) and zone_name:
            check_time_zone(zone_name, where, self._mistakes)

    def _points(self, declared: DeclaredDevice) -> None:
        serves = _texts(declared.written.get("serves"))
        served = [self._building.zones[own_id] for own_id in serves if own_id in self._building.zones]
        floors = [floor for zone in served for floor in zone.floors]
        for point, spot in declared.point_rows:
            if point.fire_zone and self._no_fire_zone(point.fire_zone):
                said = f'column fire_zone: unknown fire zone "{point.fire_zone}"'
                self._mistakes.add(spot, said, point.fire_zone, self._fire_zones)
            if point.floor and floors and point.floor not in floors and not self._unclear & set(serves):
                said = f'column floor: there is no floor "{point.floor}" in {", ".join(serves)}'
                self._mistakes.add(spot, said, point.floor, floors)
            if not point.fire_zone and not declared.written.get("serves"):
                said = "serves: is missing, and there are points without a fire_zone of their own"
                self._mistakes.add(declared.where(()), said)
            self._point_on_plan(point.x, point.y, self._zone_of(point.fire_zone, served), spot)

    def _zone_of(self, fire_zone: str, served: list[Zone]) -> Zone | None:
        if fire_zone:
            return self._building.zones.get(fire_zone.partition("/")[0])
        return served[0] if served else None

    def _point_on_plan(self, x: float | None, y: float | None, zone: Zone | None, spot: SourceLine) -> None:
        plan = self._building.plans.get(zone.plan) if zone and zone.plan else None
        if plan is None:
            return
        for column, metres, side in (("x", x, plan.metres[0]), ("y", y, plan.metres[1])):
            if metres is not None and not 0 <= metres <= side:
                self._mistakes.add(spot, f"column {column}: {metres:g} is outside the plan of {side:g} metres")

    def _same_address(self) -> None:
        seen: dict[tuple[str, str, str], DeclaredDevice] = {}
        for declared, device in self._formed():
            key = (device.adapter, device.address, device.peer)
            other = seen.setdefault(key, declared)
            if other is not declared:
                said = f'address: "{device.address}" is the address of device {other.id} already'
                self._mistakes.add(declared.where(("address",)), said)

    def _same_port(self) -> None:
        """One TCP port carries one protocol, and one protocol has one port."""
        seen: dict[int, tuple[str, str]] = {}
        ports: dict[str, tuple[int, str]] = {}
        for declared, device in self._formed():
            adapter = self._adapters.get(device.adapter)
            if device.port is None or adapter is None or not isinstance(adapter.transport, Tcp):
                continue
            by, other = seen.setdefault(device.port, (device.adapter, declared.id))
            if by != device.adapter:
                said = f"port: {device.port} is the port of {by} already (device {other})"
                self._mistakes.add(declared.where(("port",)), said)
            port, first = ports.setdefault(device.adapter, (device.port, declared.id))
            if port != device.port:
                said = f"port: {device.adapter} listens on {port} already (device {first}), for all of its devices"
                self._mistakes.add(declared.where(("port",)), said)

    def _formed(self) -> Iterator[tuple[DeclaredDevice, Device]]:
        for declared in self._devices.values():
            if declared.device is not None:
                yield declared, declared.device


def _listed(written: object) -> list[Any]:
    return written if isinstance(written, list) else []


def _texts(written: object) -> list[str]:
    return [each for each in _listed(written) if isinstance(each, str)]
