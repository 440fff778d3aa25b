"""Code tables of GB/T 26875.3-2011, tables 3 to 13, in the hub's words. A code that isn't here is reserved or the
vendor's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.core.fire_events import (
    Detector,
    FireActivation,
    FireAlarm,
    FireDisablement,
    FireFeedback,
    FireSupervisory,
    PanelOperation,
    TroublePart,
)

ConditionEvent = type[FireAlarm | FireDisablement | FireSupervisory | FireActivation | FireFeedback]

CONDITIONS: Mapping[int, ConditionEvent] = {
    1: FireAlarm,
    3: FireDisablement,
    4: FireSupervisory,
    5: FireActivation,
    6: FireFeedback,
}


@dataclass(frozen=True, slots=True)
class StatusWord:
    """What the bits of one kind of status word mean, bit 0 (normal or test) aside. `modes` are states that are
    neither a condition nor its absence."""

    bits: int
    conditions: Mapping[int, ConditionEvent]
    troubles: Mapping[int, TroublePart]
    modes: frozenset[int] = frozenset()
    reset: int | None = None


DELAYED, MANUAL, CONFIG_CHANGED = 7, 11, 12

SYSTEM_STATUS = StatusWord(
    bits=16,
    conditions=CONDITIONS,
    troubles={2: "panel", 8: "main_power", 9: "backup_power", 10: "bus"},
    modes=frozenset({DELAYED, MANUAL, CONFIG_CHANGED}),
    reset=13,
)
COMPONENT_STATUS = StatusWord(
    bits=16,
    conditions=CONDITIONS,
    troubles={2: "detector", 8: "power"},
    modes=frozenset({DELAYED}),
)
TRANSMITTER_STATUS = StatusWord(
    bits=8,
    conditions={1: FireAlarm},
    troubles={2: "panel", 3: "main_power", 4: "backup_power", 5: "link", 6: "loop"},
)

SYSTEM_OPERATIONS: Mapping[int, PanelOperation] = {
    0: "reset",
    1: "silence",
    2: "manual_alarm",
    3: "alarm_clear",
    4: "self_test",
    5: "acknowledge",
    6: "test",
}
TRANSMITTER_OPERATIONS: Mapping[int, PanelOperation] = {**SYSTEM_OPERATIONS, 5: "duty_check_answered"}

SYSTEM_TYPES: Mapping[int, Detector] = {
    1: "controller",  # fire alarm system
    10: "controller",  # fire linkage controller
    14: "pump",  # water spray, pump
    18: "fan",  # smoke control and exhaust
    19: "door",  # fire doors and shutters
    20: "lift",
    21: "broadcast",
    23: "electrical",  # fire power supply
}

COMPONENT_TYPES: Mapping[int, Detector] = {
    1: "controller",
    **dict.fromkeys((10, 11, 12, 13, 74), "gas"),
    **dict.fromkeys((16, 17, 18), "electrical"),
    22: "display",
    23: "manual_call_point",
    24: "hydrant_button",
    **dict.fromkeys(range(30, 38), "heat"),
    **dict.fromkeys(range(40, 45), "smoke"),
    **dict.fromkeys((50, 51, 52, 53), "multi"),
    **dict.fromkeys((61, 62, 69), "flame"),
    78: "multi",  # a camera: sees smoke and flame
    81: "controller",  # gas extinguishing
    82: "controller",  # electrical fire-fighting equipment
    83: "display",
    **dict.fromkeys(range(84, 89), "module"),
    **dict.fromkeys((91, 95, 105), "pump"),
    96: "flow_switch",
    **dict.fromkeys((97, 98, 101, 106), "valve"),
    99: "pressure_switch",
    102: "door",
    **dict.fromkeys((103, 113, 114, 115), "damper"),
    **dict.fromkeys((104, 111), "fan"),
    **dict.fromkeys((116, 117), "shutter"),
    118: "controller",  # fire-door monitor
    121: "sounder",
    137: "sounder",  # the vendors' own sound-and-light alarm
}

COMPONENT_TROUBLE: Mapping[int, TroublePart] = {1: "panel", 21: "loop"}
"""component types whose fault (bit 2) isn't that of a detector"""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity: the raw number divided by `divisor` is in `unit`."""

    name: str
    unit: str
    divisor: int = 1


QUANTITIES: Mapping[int, Quantity] = {
    1: Quantity("count", "1"),
    2: Quantity("height", "m", 100),
    3: Quantity("temperature", "°C", 10),
    4: Quantity("pressure", "MPa", 10),
    5: Quantity("pressure", "kPa", 10),
    6: Quantity("gas", "%LEL", 10),
    7: Quantity("time", "s"),
    8: Quantity("voltage", "V", 10),
    9: Quantity("current", "A", 10),
    10: Quantity("flow", "L/s", 10),
    11: Quantity("air_volume", "m³/min", 10),
    12: Quantity("wind", "m/s"),
}
