"""The building as its integrator declared it: frozen, checked as a whole by settings, passed to all who need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.core.fire_events import Detector
from hub.core.text import Identifier, Word

PostKind = Literal["fire", "emergency", "duress", "help", "door", "visitor", "parcel", "device"]
PLACES_REMEMBERED = 10_000
"""devices may name numbers without end"""
Way = Literal["face", "card", "pin", "qr", "plate", "fingerprint"]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Name(_Declared):
    """What a person reads, in both languages."""

    zh: Word
    en: Word

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class Spot(_Declared):
    """Metres from the top left of a plan."""

    plan: Identifier
    x: float
    y: float


class Site(_Declared):
    id: Identifier
    name: Name
    time_zone: Word
    address: Word = ""
    closing: Word = ""
    building_word: Word = "号楼"
    unit: Word = "{building}-{entrance}-{room}"
    call_sheet: Word = ""
    shifts: Mapping[str, str] = Field(default_factory=dict)
    walking: float = 3.0


class Post(_Declared):
    id: Identifier
    name: Name
    first_for: tuple[PostKind, ...] = ()
    people: int = 1
    phone: Word = ""
    public: bool = False


class Plan(_Declared):
    id: Identifier
    file: Word
    metres: tuple[float, float]


class Zone(_Declared):
    id: Identifier
    name: Name
    plan: Identifier | None = None
    floors: tuple[str, ...] = ()
    """as written on the lift buttons, lowest first"""
    entrances: tuple[str, ...] = ()
    fire_zones: tuple[str, ...] = ()
    """whole ids: b3/07, garage/A"""
    refuge: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


class Door(_Declared):
    id: Identifier
    name: Name
    into: Identifier
    at: Spot | None = None
    escape: bool = False
    release: Word = ""
    ways: tuple[Way, ...] = ()
    held: timedelta | None = None


class Path(_Declared):
    between: tuple[Identifier, Identifier]
    metres: float


class NetworkLink(_Declared):
    """A switch, converter or supply behind which devices hang."""

    id: Identifier
    name: Name
    at: Spot | None = None


class DeviceDoor(_Declared):
    door: Identifier
    direction: Literal["entry", "exit", "unknown"] = "unknown"


class Point(_Declared):
    """A detector, call point or module in a panel's point list."""

    address: Word
    shown: Word = ""
    kind: Detector = "unknown"
    label: Word = ""
    floor: Word = ""
    fire_zone: Word = ""
    x: float | None = None
    y: float | None = None
    life: bool = False


class Device(_Declared):
    id: Identifier
    name: Name
    adapter: Identifier
    address: Word
    peer: Word = ""
    port: int | None = None
    model: Word = ""
    behind: Identifier | None = None
    at: Spot | None = None
    time_zone: Word = ""
    heartbeat: timedelta
    silence: timedelta
    """this long without a word: offline"""
    busy: Word = ""
    pictures: Literal["off", "on"] = "off"
    doors: Mapping[str, DeviceDoor] = Field(default_factory=dict)
    compartments: Mapping[str, str] = Field(default_factory=dict)
    """compartment number → size"""
    codes: Literal["hub", "device"] = "hub"
    serves: tuple[Identifier, ...] = ()
    points: Mapping[str, Point] = Field(default_factory=dict)
    """by `zone/point` as the panel numbers them"""
    restores: Literal["point", "reset"] = "point"
    test_bit: bool = False
    linkage: Literal["auto", "manual"] = "auto"
    wiring: Literal["second-centre", "only-centre"] = "second-centre"
    duty_check: bool = False
    options: Mapping[str, Any] = Field(default_factory=dict)
    """the adapter's own keys, checked by its options model"""


class Keep(_Declared):
    visits: timedelta = timedelta(days=30)
    passages: timedelta = timedelta(days=30)
    parcels: timedelta = timedelta(days=90)
    fire: timedelta = timedelta(days=5 * 365)
    duty_log: timedelta = timedelta(days=365)
    audit: timedelta = timedelta(days=3 * 365)
    quarantine: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event happened, resolved from the declared building. "" where it isn't declared."""

    door: str = ""
    zone: str = ""
    fire_zone: str = ""
    floor: str = ""
    label: str = ""
    shown: str = ""
    kind: str = ""
    direction: str = ""
    listed: bool = False


class Building(_Declared):
    site: Site
    posts: Mapping[str, Post] = Field(default_factory=dict)
    plans: Mapping[str, Plan] = Field(default_factory=dict)
    zones: Mapping[str, Zone] = Field(default_factory=dict)
    doors: Mapping[str, Door] = Field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    links: Mapping[str, NetworkLink] = Field(default_factory=dict)
    devices: Mapping[str, Device] = Field(default_factory=dict)
    keep: Keep = Keep()

    @cached_property
    def _by_address(self) -> dict[tuple[str, str, str], Device]:
        return {(d.adapter, d.address, d.peer): d for d in self.devices.values()}

    def device_at(self, adapter: str, address: str, peer: str) -> Device | None:
        """The declared device that speaks `adapter` from this address and peer. A device declared without a peer
        is known by its address alone (MQTT, where the user name is the identity)."""
        return self._by_address.get((adapter, address, peer)) or self._by_address.get((adapter, address, ""))

    def post_for(self, kind: PostKind) -> Post | None:
        return next((post for post in self.posts.values() if kind in post.first_for), None)

    def fire_zone_name(self, fire_zone: str, language: str) -> str:
        """`b3/07` as a person says it: 3号楼 7层."""
        zone_id, _, part = fire_zone.partition("/")
        zone = self.zones.get(zone_id)
        name = zone.name.in_language(language) if zone else zone_id
        if not part:
            return name
        floor = part.lstrip("0") or part
        if zone and zone.floors and floor in zone.floors:
            return f"{name} {floor}层" if language != "en" else f"{name}, floor {floor}"
        return f"{name} {part}区" if language != "en" else f"{name}, area {part}"

    @cached_property
    def _places(self) -> dict[tuple[str, str, str, str], Place]:
        return {}

    def place(self, device_id: str, *, door: str = "", zone: str = "", point: str = "") -> Place:
        """Resolve a device's own numbers. A point that isn't listed belongs to its panel's first zone."""
        asked = (device_id, door, zone, point)
        known = self._places.get(asked)
        if known is None:
            if len(self._places) >= PLACES_REMEMBERED:
                self._places.clear()
            known = self._places[asked] = self._place(device_id, door, zone, point)
        return known

    def _place(self, device_id: str, door: str, zone: str, point: str) -> Place:
        device = self.devices.get(device_id)
        if device is None:
            return Place(door=f"{device_id}/{door}" if door else "")
        if door:
            declared = device.doors.get(door)
            if declared is None:
                return Place(door=f"{device_id}/{door}", label=device.name.zh)
            into = self.doors[declared.door].into if declared.door in self.doors else ""
            return Place(door=declared.door, zone=into, direction=declared.direction, listed=True)
        home = device.serves[0] if device.serves else ""
        listed = device.points.get(f"{zone}/{point}") if zone or point else None
        if listed is None:
            return Place(zone=home, fire_zone=home, label="", listed=False)
        fire_zone = listed.fire_zone or self._fire_zone_of(home, listed.floor)
        return Place(
            zone=fire_zone.partition("/")[0] or home,
            fire_zone=fire_zone,
            floor=listed.floor,
            label=listed.label,
            shown=listed.shown,
            kind=listed.kind,
            listed=True,
        )

    def _fire_zone_of(self, zone_id: str, floor: str) -> str:
        zone = self.zones.get(zone_id)
        if zone is None or not floor:
            return zone_id
        wanted = f"{zone_id}/{floor.zfill(2) if floor.isdigit() else floor}"
        return wanted if wanted in zone.fire_zones else zone_id
