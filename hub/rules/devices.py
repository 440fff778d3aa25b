"""Devices: their troubles, and what became of commands."""

from typing import Literal

from hub.core.device_events import (
    ACTIVITY,
    CLOCK_RIGHT,
    CommandDone,
    CommandFailed,
    DeviceClockWrong,
    DeviceFlooding,
    DeviceLowBattery,
    DeviceTampered,
    DeviceTrouble,
    FrameQuarantined,
)
from hub.core.effects import CommandBecomes, Effect
from hub.core.facts import Facts
from hub.core.records import Severity
from hub.rules.alerts import clear_alert, device_place, raise_alert, raise_routine

_FAILED: dict[str, Literal["failed", "expired", "unknown"]] = {
    "no_answer": "unknown", "connection_lost": "unknown", "not_sent": "expired",
}  # fmt: skip
"""what the host says of a command that came to nothing, where that isn't simply a failure"""
_MISSED = {"credential.put": "pass_failed", "pickup.put": "pickup_code_failed"}
"""commands without which someone stands before a closed door"""


def flooding(event: DeviceFlooding, facts: Facts) -> list[Effect]:
    """It says more than its share: it is broken, or someone plays with it."""
    key = f"flooding/{event.device}"
    if not event.data.active:
        return clear_alert(event, facts, key)
    place = device_place(event.device, facts)
    if event.lane == "life":
        return raise_alert(event, facts, "device_flooding", "medium", key, place=place)
    return raise_routine(event, facts, "device_flooding", "low", key, place=place)


def condition(event: DeviceTrouble | DeviceTampered | DeviceLowBattery, facts: Facts) -> list[Effect]:
    """A device that is there but does nothing (ACTIVITY) is for somebody to look at."""
    kind = event.type.replace(".", "_")
    key = f"{kind}/{event.device}/{event.data.part}"
    if not event.data.active:
        return clear_alert(event, facts, key)
    severity: Severity = "high" if isinstance(event, DeviceTampered) else "low"
    if event.data.part == ACTIVITY:
        kind = "device_idle"
    details = {"part": event.data.part} if event.data.part else {}
    place = device_place(event.device, facts)
    if event.lane == "life":  # of a fire panel: never late news
        severity = "high" if severity == "high" else "medium"
        return raise_alert(event, facts, kind, severity, key, place=place, details=details)
    return raise_routine(event, facts, kind, severity, key, place=place, details=details)


def clock_wrong(event: DeviceClockWrong, facts: Facts) -> list[Effect]:
    key = f"clock/{event.device}"
    if abs(event.data.skew) < CLOCK_RIGHT:
        return clear_alert(event, facts, key)
    details = {"skew": f"{event.data.skew:.0f}"}
    return raise_routine(
        event, facts, "clock_wrong", "low", key, place=device_place(event.device, facts), details=details
    )


def quarantined(event: FrameQuarantined, facts: Facts) -> list[Effect]:
    """What a fire panel says and nobody can read needs a person; of the others the devices page tells."""
    if event.lane != "life":
        return []
    details = {"reason": event.data.reason[:200]}
    key = f"quarantine/{event.device}"
    return raise_alert(
        event, facts, "panel_unreadable", "medium", key, place=device_place(event.device, facts), details=details
    )


def command_outcome(event: CommandDone | CommandFailed, facts: Facts) -> list[Effect]:
    identity, result = event.data.command, event.data.result
    known = facts.commands.get(identity)
    if known is None or known.state not in ("queued", "kept"):
        return []
    if isinstance(event, CommandDone):
        return [CommandBecomes(identity, "done", result)]
    state = _FAILED.get(result, "failed")
    became: Effect = CommandBecomes(identity, state, result)
    if kind := _MISSED.get(known.command.kind):
        key = f"{kind}/{event.device}/{known.record}"
        details = {"record": known.record, "result": result}
        return [
            became,
            *raise_routine(event, facts, kind, "low", key, place=device_place(event.device, facts), details=details),
        ]
    return [became]
