"""A visitor's pass at the gates and readers: put when announced, removed when the visit is over."""

from datetime import datetime, timedelta
from uuid import UUID

from hub.core.building import Device
from hub.core.commands import Command, PutCredential, RemoveCredential
from hub.core.facts import Facts
from hub.core.records import CommandRecord, Visit

EARLY = timedelta(minutes=15)
AFTER_END = timedelta(hours=2)
KEEP_TRYING = timedelta(hours=24)


def put_pass(visit: Visit, facts: Facts, at: datetime) -> list[CommandRecord]:
    """One command a device that guards a door: known by `visit.ref`, valid from 15 min before until 2 h after."""
    records = []
    for device in _guards(facts):
        command = PutCredential(
            id=UUID(facts.new_id(visit.id, f"pass/{device.id}/{visit.starts}")),
            site=visit.site,
            device=device.id,
            expires=visit.ends + AFTER_END if visit.ends else at + KEEP_TRYING,
            by=visit.by,
            why="visit",
            person=visit.ref,
            name=visit.name,
            credential="qr",
            number=pass_number(visit, facts),
            doors=tuple(device.doors),
            from_=visit.starts - EARLY if visit.starts else at,
            until=visit.ends + AFTER_END if visit.ends else at + KEEP_TRYING,
        )
        records.append(_record(command, visit, at))
    return records


def remove_pass(visit: Visit, facts: Facts, at: datetime) -> list[CommandRecord]:
    return [
        _record(
            RemoveCredential(
                id=UUID(facts.new_id(visit.id, f"pass-end/{device.id}/{visit.state}")),
                site=visit.site,
                device=device.id,
                expires=at + KEEP_TRYING,
                by="hub",
                why="visit_over",
                person=visit.ref,
            ),
            visit,
            at,
        )
        for device in _guards(facts)
    ]


def pass_number(visit: Visit, facts: Facts) -> str:
    """What the visitor's code contains: ten digits that nobody can guess."""
    return "7" + facts.digits(visit.id, "pass", 9)


def _guards(facts: Facts) -> list[Device]:
    """Devices at a door that a code opens; a door that declares no ways may have it too."""
    doors = facts.building.doors
    return [
        device
        for device in facts.building.devices.values()
        if any(not doors[d.door].ways or "qr" in doors[d.door].ways for d in device.doors.values() if d.door in doors)
    ]


def _record(command: Command, visit: Visit, at: datetime) -> CommandRecord:
    return CommandRecord(command=command, record=visit.id, created_at=at)
