"""What one table says of another: ids that must exist, addresses that must differ, doors that must let people out."""

from collections.abc import Iterable, Iterator, Mapping
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
        self._plans_of(self._building.links.items(), "link")
        for declared in self._devices.values():
            if declared.device is not None:
                self._device(declared, declared.device)
                self._points(declared, declared.device)
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

    def _must_be(self, wanted: str | None, kind: str, where: Where, path: KeyPath) -> None:
        if wanted is not None and wanted not in self._ids(kind):
            self._mistakes.add(where(path), f'{path[0]}: unknown {kind} "{wanted}"', wanted, self._ids(kind))

    def _posts(self) -> None:
        first: dict[str, str] = {}
        for post in self._building.posts.values():
            for kind in post.first_for:
                if first.setdefault(kind, post.id) != post.id:
                    spot = self._file.spot(("post", post.id, "first_for"), f"post.{post.id}")
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
        for plan in self._building.plans.values():
            spot = self._file.spot(("plan", plan.id, "file"), f"plan.{plan.id}")
            if "{floor}" not in plan.file:
                named_file(plan.file, "file", spot, self._folder, self._mistakes)
                continue
            floors = [floor for zone in self._building.zones.values() if zone.plan == plan.id for floor in zone.floors]
            missing = [floor for floor in floors if not (self._folder / plan.file.replace("{floor}", floor)).is_file()]
            if missing or not floors:
                said = (
                    f"file: no drawing of floors {', '.join(missing)}" if floors else "file: no zone has these floors"
                )
                self._mistakes.add(spot, f'{said} ("{plan.file}")')

    def _zones(self) -> None:
        for zone in self._building.zones.values():
            where = self._file.within("zone", zone.id)
            self._must_be(zone.plan, "plan", where, ("plan",))
            for number, near in enumerate(zone.near):
                if self._no_fire_zone(near):
                    said = f'near: unknown fire zone "{near}"'
                    self._mistakes.add(where(("near", number)), said, near, self._fire_zones | self._ids("zone"))

    def _doors(self) -> None:
        self._plans_of(self._building.doors.items(), "door")
        for door in self._building.doors.values():
            where = self._file.within("door", door.id)
            self._must_be(door.into, "zone", where, ("into",))
            if door.release:
                self._must_be(door.release, "device", where, ("release",))
                self._releases(door.release, where)
            elif door.escape:
                said = 'an escape door needs release = "…": the fire panel whose relay frees it'
                self._mistakes.add(where(("escape",)), said)
            if door.ways == ("face",):
                said = "ways: face may not be the only way; add card, pin or qr"
                self._mistakes.add(where(("ways",)), said)

    def _releases(self, panel: str, where: Where) -> None:
        declared = self._devices.get(panel)
        adapter = self._adapters.get(str(declared.written.get("adapter"))) if declared else None
        if adapter is not None and adapter.lane != "life":
            self._mistakes.add(where(("release",)), f'release: "{panel}" is not a fire panel')

    def _paths(self) -> None:
        for number, path in enumerate(self._building.paths):
            where = self._file.within("path", number)
            for door in path.between:
                self._must_be(door, "door", where, ("between",))
            if not 0 < path.metres < 100_000:
                self._mistakes.add(where(("metres",)), f"metres: {path.metres:g} is not a length")

    def _plans_of(self, declared: Iterable[tuple[str, Any]], kind: str) -> None:
        for own_id, each in declared:
            self._on_plan(each.at, self._file.within(kind, own_id))

    def _on_plan(self, at: Any, where: Where) -> None:
        if at is None:
            return
        self._must_be(at.plan, "plan", where, ("at",))
        plan = self._building.plans.get(at.plan)
        if plan and not (0 <= at.x <= plan.metres[0] and 0 <= at.y <= plan.metres[1]):
            said = f"at: {at.x:g}, {at.y:g} is outside the plan of {plan.metres[0]:g} by {plan.metres[1]:g} metres"
            self._mistakes.add(where(("at",)), said)

    def _device(self, declared: DeclaredDevice, device: Device) -> None:
        where = declared.where
        self._must_be(device.behind, "link", where, ("behind",))
        self._on_plan(device.at, where)
        for zone in device.serves:
            self._must_be(zone, "zone", where, ("serves",))
        for number, door in device.doors.items():
            self._must_be(door.door, "door", where, ("doors", number, "door"))
        if device.time_zone:
            check_time_zone(device.time_zone, where, self._mistakes)

    def _points(self, declared: DeclaredDevice, device: Device) -> None:
        served = [self._building.zones[own_id] for own_id in device.serves if own_id in self._building.zones]
        floors = [floor for zone in served for floor in zone.floors]
        for point in device.points.values():
            spot = declared.point_spots[point.address]
            if point.fire_zone and self._no_fire_zone(point.fire_zone):
                said = f'column fire_zone: unknown fire zone "{point.fire_zone}"'
                self._mistakes.add(spot, said, point.fire_zone, self._fire_zones)
            if point.floor and floors and point.floor not in floors and not self._unclear & set(device.serves):
                said = f'column floor: there is no floor "{point.floor}" in {", ".join(device.serves)}'
                self._mistakes.add(spot, said, point.floor, floors)
            if not point.fire_zone and not device.serves:
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
