"""Information objects of GB/T 26875.3-2011, clause 8.3: cut out of the application data, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hub.adapters.gbt26875 import tables
from hub.adapters.gbt26875.framing import read_time
from hub.core.device_events import DeviceReported, Reported
from hub.core.envelope import Data
from hub.core.fire_events import (
    Detector,
    FireCondition,
    FireEvent,
    FireMeasured,
    FireModeChanged,
    FireNormal,
    FirePanelOperated,
    FirePoint,
    FireTest,
    FireTrouble,
    FireTroubled,
    Measured,
    ModeChanged,
    PanelOperated,
    PanelOperation,
    TroublePart,
)
from hub.core.text import clean

What = Literal["version", "settings", "clock", "other"]

_BODY_SIZE = {1: 4, 2: 40, 3: 10, 4: 4, 5: 4, 7: 38, 8: 8, 21: 1, 24: 2, 25: 2, 28: 6}
"""type flag → bytes of one object, its time tag not counted"""
_TEXT_LENGTH_AT = {6: 2, 26: 0}
"""type flags whose body ends in a text: where its length byte is"""
_TIMED = frozenset({1, 2, 3, 4, 21, 24})
_CLOCKS = frozenset({8, 28})
_TAG = 6


@dataclass(frozen=True, slots=True)
class Item:
    """One information object: its type flag, its body, and its time tag (b"" where it has none)."""

    kind: int
    body: bytes
    tag: bytes = b""

    @property
    def time_tag(self) -> bytes:
        return self.body[-_TAG:] if self.kind in _CLOCKS else self.tag


@dataclass(frozen=True, slots=True)
class Meaning:
    """One event that an object stands for, yet without its envelope."""

    event: type[FireEvent] | type[DeviceReported]
    data: Data
    subject: str | None
    code: str


def read_items(data: bytes) -> tuple[tuple[Item, ...], str]:
    """The objects of an application data unit of two bytes or more, and why not all of it could be read ("" if it
    could). Bounded by the bytes that are there, not by the count: the count may lie."""
    kind, count = data[0], data[1]
    if kind not in _BODY_SIZE and kind not in _TEXT_LENGTH_AT:
        return (), f"type flag {kind} isn't known: {len(data) - 2} bytes of objects"
    items: list[Item] = []
    at = 2
    while at < len(data):
        size = _body_size(kind, data, at)
        whole = size + (_TAG if kind in _TIMED else 0)
        left = len(data) - at
        if left < whole:
            if left >= size and len(items) < count:
                items.append(Item(kind, data[at : at + size]))
            return tuple(items), f"type {kind}: object {len(items) + 1} of {count} needs {whole} bytes, {left} are left"
        items.append(Item(kind, data[at : at + size], data[at + size : at + whole]))
        at += whole
    return tuple(items), "" if len(items) == count else f"type {kind}: {count} objects announced, {len(items)} found"


def meanings(item: Item, *, test_bit: bool) -> list[Meaning]:
    """The events that an object stands for: one a set bit, or one that says that none is set."""
    body = item.body
    match item.kind:
        case 1:
            return _system_status(body, test_bit)
        case 2:
            return _component_status(body, test_bit)
        case 3:
            return [_measured(body)]
        case 4:
            return _operations(4, body[2], body[3], tables.SYSTEM_OPERATIONS, _system(body))
        case 5:
            return [_reported(5, "version", f"{body[2]}.{body[3]}", _system(body))]
        case 6:
            return [_reported(6, "settings", _text(body[3:]), _system(body))]
        case 7:
            return [_reported(7, "settings", _text(body[7:]), _component(body).subject)]
        case 8:
            return [_reported(8, "clock", _wall_clock(item), _system(body))]
        case 21:
            return _status(21, body[0], tables.TRANSMITTER_STATUS, Place(), test_bit)
        case 24:
            return _operations(24, body[0], body[1], tables.TRANSMITTER_OPERATIONS, None)
        case 25:
            return [_reported(25, "version", f"{body[0]}.{body[1]}", None)]
        case 26:
            return [_reported(26, "settings", _text(body[1:]), None)]
        case 28:
            return [_reported(28, "clock", _wall_clock(item), None)]
        case _:
            return []


def _body_size(kind: int, data: bytes, at: int) -> int:
    if kind not in _TEXT_LENGTH_AT:
        return _BODY_SIZE[kind]
    head = _TEXT_LENGTH_AT[kind] + 1
    return head + data[at + head - 1] if at + head <= len(data) else head


@dataclass(frozen=True, slots=True)
class Place:
    """What a status word is about: a component, a system (no point), or the transmission device (no subject)."""

    subject: str | None = None
    zone: str | None = None
    point: str | None = None
    label: str | None = None
    detector: Detector = "unknown"

    def quiet(self) -> FirePoint:
        return FirePoint(zone=self.zone, point=self.point, panel_label=self.label, detector=self.detector)

    def condition(self) -> FireCondition:
        return FireCondition(
            active=True, zone=self.zone, point=self.point, panel_label=self.label, detector=self.detector
        )

    def trouble(self, part: TroublePart) -> FireTroubled:
        return FireTroubled(
            active=True, part=part, zone=self.zone, point=self.point, panel_label=self.label, detector=self.detector
        )


def _status(kind: int, word: int, table: tables.StatusWord, place: Place, test_bit: bool) -> list[Meaning]:
    found: list[Meaning] = []

    def add(event: type[FireEvent] | type[DeviceReported], data: Data, bit: int) -> None:
        found.append(Meaning(event, data, place.subject, f"gb:{kind}/b{bit}"))

    if test_bit and not word & 1:
        add(FireTest, place.condition(), 0)
    for bit in range(1, table.bits):
        if not word >> bit & 1 or bit in table.modes:
            continue
        if bit in table.conditions:
            add(table.conditions[bit], place.condition(), bit)
        elif bit in table.troubles:
            add(FireTrouble, place.trouble(table.troubles[bit]), bit)
        elif bit == table.reset:
            add(FirePanelOperated, PanelOperated(operation="reset"), bit)
        else:
            add(DeviceReported, Reported(what="other", text=f"status bit {bit}"), bit)
    if not found:
        found.append(Meaning(FireNormal, place.quiet(), place.subject, f"gb:{kind}"))
    return found


def _system_status(body: bytes, test_bit: bool) -> list[Meaning]:
    word = int.from_bytes(body[2:4], "little")
    place = Place(subject=_system(body), detector=tables.SYSTEM_TYPES.get(body[0], "unknown"))
    mode = ModeChanged(
        linkage="manual" if word >> tables.MANUAL & 1 else "auto",
        delayed=bool(word >> tables.DELAYED & 1),
        config_changed=bool(word >> tables.CONFIG_CHANGED & 1),
    )
    return [
        *_status(1, word, tables.SYSTEM_STATUS, place, test_bit),
        Meaning(FireModeChanged, mode, place.subject, "gb:1"),
    ]


def _component_status(body: bytes, test_bit: bool) -> list[Meaning]:
    """A component that counts down (bit 7) isn't at rest: alone, that bit quiets nothing. Its word has no bit for
    linkage; modes are kept by subject, so `auto` here says nothing of the system's own."""
    word = int.from_bytes(body[7:9], "little")
    place = _component(body, label=_text(body[9:40]))
    found = _status(2, word, _component_table(body[2]), place, test_bit)
    if not word >> tables.DELAYED & 1:
        return found
    delayed = ModeChanged(zone=place.zone, linkage="auto", delayed=True)
    return [
        *(meaning for meaning in found if meaning.event is not FireNormal),
        Meaning(FireModeChanged, delayed, place.subject, f"gb:2/b{tables.DELAYED}"),
    ]


def _component_table(component_type: int) -> tables.StatusWord:
    part = tables.COMPONENT_TROUBLE.get(component_type)
    table = tables.COMPONENT_STATUS
    return replace(table, troubles={**table.troubles, 2: part}) if part else table


def _operations(
    kind: int, flags: int, operator: int, names: Mapping[int, PanelOperation], subject: str | None
) -> list[Meaning]:
    found: list[Meaning] = []
    for bit in range(8):
        if not flags >> bit & 1:
            continue
        code = f"gb:{kind}/b{bit}"
        if bit in names:
            operated = PanelOperated(operation=names[bit], operator=str(operator))
            found.append(Meaning(FirePanelOperated, operated, subject, code))
        else:
            found.append(_reported(kind, "other", f"operation bit {bit}", subject, code))
    return found or [_reported(kind, "other", "operation record without an operation", subject)]


def _measured(body: bytes) -> Meaning:
    place = _component(body)
    kind, raw = body[7], int.from_bytes(body[8:10], "little", signed=True)
    code = f"gb:3/{kind}"
    quantity = tables.QUANTITIES.get(kind)
    if quantity is None:
        return _reported(3, "other", f"analogue type {kind}: {raw}", place.subject, code)
    measured = Measured(
        zone=place.zone,
        point=place.point,
        quantity=quantity.name,
        value=raw / quantity.divisor,
        unit=quantity.unit,
    )
    return Meaning(FireMeasured, measured, place.subject, code)


def _reported(kind: int, what: What, text: str | None, subject: str | None, code: str = "") -> Meaning:
    return Meaning(DeviceReported, Reported(what=what, text=text), subject, code or f"gb:{kind}")


def _system(body: bytes) -> str:
    return f"system/{body[0]}/{body[1]}"


def _component(body: bytes, label: str | None = None) -> Place:
    """Bytes 0-6 of a body: system type and address, component type and address. The address is zone (low two bytes)
    and point (high two)."""
    zone, point = int.from_bytes(body[3:5], "little"), int.from_bytes(body[5:7], "little")
    return Place(
        subject=f"zone/{zone}/point/{point}",
        zone=str(zone),
        point=str(point),
        label=label,
        detector=tables.COMPONENT_TYPES.get(body[2], "unknown"),
    )


def _text(raw: bytes) -> str | None:
    """GB18030 up to the first NUL (garbage follows it), bad bytes replaced."""
    return clean(raw.partition(b"\0")[0].decode("gb18030", "replace")) or None


def _wall_clock(item: Item) -> str | None:
    shown = read_time(item.time_tag)
    return shown.isoformat(" ") if shown else None
