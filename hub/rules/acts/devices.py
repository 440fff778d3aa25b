"""What the desk asks devices to do."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from hub.core.building import Device
from hub.core.commands import Command, OpenCompartment, OpenDoor, SetClock
from hub.core.effects import Effect, Refused, SendCommand
from hub.core.facts import Facts
from hub.core.records import CommandRecord
from hub.rules.acts.actor import Actor, audit

COMMAND_VALID = timedelta(seconds=30)


def command_device(
    facts: Facts,
    device: str,
    what: Literal["door.open", "compartment.open", "device.set_clock"],
    point: str,
    reason: str,
    actor: Actor,
    at: datetime,
    cause: str,
) -> list[Effect]:
    """Open a door or a compartment, set a clock. An opening says why."""
    declared = facts.building.devices.get(device)
    if declared is None:
        raise Refused("device.unknown")
    if what != "device.set_clock" and not reason.strip():
        raise Refused("reason_missing")
    identity = UUID(facts.new_id(cause, what))
    if str(identity) in facts.commands:
        return []
    expires = at + COMMAND_VALID
    site, by, why = facts.building.site.id, actor.user, reason.strip()[:500]
    command: Command
    match what:
        case "door.open":
            door = _door(declared, point)
            command = OpenDoor(id=identity, site=site, device=device, expires=expires, by=by, why=why, door=door)
        case "compartment.open":
            if not point or (declared.compartments and point not in declared.compartments):
                raise Refused("device.no_such_compartment", compartment=point)
            command = OpenCompartment(
                id=identity, site=site, device=device, expires=expires, by=by, why=why, compartment=point
            )
        case "device.set_clock":
            if _alarm_open(facts, device):
                raise Refused("device.alarm_open")
            command = SetClock(id=identity, site=site, device=device, expires=expires, by=by, why=why)
    return [
        SendCommand(CommandRecord(command=command, created_at=at)),
        audit(what, f"{device}/{point}" if point else device, actor, command=str(identity), reason=why[:200]),
    ]


def _door(device: Device, number: str) -> str:
    """Where a device guards one door only, it needs no number."""
    if not number and len(device.doors) == 1:
        return next(iter(device.doors))
    if number not in device.doors:
        raise Refused("device.no_such_door", door=number)
    return number


def _alarm_open(facts: Facts, device: str) -> bool:
    return any(a.device == device and a.kind in ("fire", "evacuation") for a in facts.alerts.values())
