"""Raising and clearing alerts, for every rule: one alert a thing, repeats join it, late news raises nothing routine."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub.core.building import Place
from hub.core.effects import AlertBecomes, ClearDeadline, Effect
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.records import Alert, Severity, Source

NOWHERE = Place()


def is_late(event: Event) -> bool:
    """Whether this tells of the past. A snapshot tells of now, however long that has been so; and what the hub was
    waiting for when it was down is as true when the deadline is reached late."""
    return event.late and event.delivery != "snapshot" and event.device != ""


def is_older(event: Event, told_at: datetime) -> bool:
    """Whether late news is of before what its device has said by then (`told_at`). Both times are of the device's own
    clock, since what it told live stands in the records under ours. Within one second the sequence alone decides."""
    return is_late(event) and event.time < told_at


def device_place(device: str, facts: Facts) -> Place:
    """The place of what a device says about itself."""
    declared = facts.building.devices.get(device)
    return Place(label=declared.name.zh if declared else device, listed=declared is not None)


def raise_alert(
    event: Event,
    facts: Facts,
    kind: str,
    severity: Severity,
    key: str,
    *,
    place: Place = NOWHERE,
    incident: str = "",
    detector: str = "",
    details: Mapping[str, str] | None = None,
    source: Source = "active",
) -> list[Effect]:
    """Raise, or join the one that is open under `key`. A repeat that is older than the alert's state changes nothing
    but its count. `source` is quiet for what happens in an instant and has no end that could be told."""
    known = facts.alerts.get(key)
    if known:
        return [AlertBecomes(_repeated(known, event, facts, incident, details or {}, source), "repeated")]
    return [
        AlertBecomes(
            Alert(
                id=facts.new_id(event.id, f"alert/{key}"),
                site=event.site,
                kind=kind,
                severity=severity,
                lane=event.lane,
                key=key,
                source=source,
                device=event.device,
                subject=event.subject or "",
                door=place.door,
                zone=place.zone,
                fire_zone=place.fire_zone,
                floor=place.floor,
                label=place.label,
                shown=place.shown,
                detector=detector,
                listed=place.listed,
                raised_at=event.at,
                last_at=event.at,
                late=is_late(event),
                incident=incident,
                details=details or {},
                told_at=event.time,
                host=event.host or "",
                sequence=event.sequence or 0,
            ),
            "raised",
        )
    ]


def _repeated(
    known: Alert, event: Event, facts: Facts, incident: str, details: Mapping[str, str], source: Source
) -> Alert:
    counted: dict[str, Any] = {
        "count": known.count + 1,
        "last_at": max(known.last_at, event.at),
        "incident": known.incident if known.incident in facts.incidents else incident or known.incident,
        "details": {**known.details, **details},
    }
    if not newer(event.host, event.sequence, known):
        return replace(known, **counted)
    return replace(
        known,
        **counted,
        source=source,
        quiet_at=None if source == "active" else known.quiet_at,
        told_at=max(known.told_at, event.time) if is_late(event) else event.time,
        host=event.host or "",
        sequence=event.sequence or 0,
    )


def raise_routine(
    event: Event,
    facts: Facts,
    kind: str,
    severity: Severity,
    key: str,
    *,
    place: Place = NOWHERE,
    details: Mapping[str, str] | None = None,
) -> list[Effect]:
    """A routine alert: late events and snapshots raise none."""
    if is_late(event) or event.delivery == "snapshot":
        return []
    return raise_alert(event, facts, kind, severity, key, place=place, details=details)


def clear_alert(event: Event, facts: Facts, key: str) -> list[Effect]:
    """Its source is quiet. One that belongs to no incident is done with that. Clearing needs the same source and a
    greater sequence; late news of an end isn't about what its device has said to begin since."""
    known = facts.alerts.get(key)
    if known is None or known.device != event.device or not newer(event.host, event.sequence, known):
        return []
    if is_older(event, known.told_at):
        return []
    quiet = replace(
        known,
        source="quiet",
        quiet_at=event.at,
        told_at=event.time,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    if known.incident and known.source == "quiet":
        return [AlertBecomes(replace(quiet, quiet_at=known.quiet_at), "repeated")]
    if known.incident:
        return [AlertBecomes(quiet, "cleared")]
    return [
        AlertBecomes(replace(quiet, handling="done", done_at=event.at), "cleared"),
        ClearDeadline(f"fade/{key}"),
    ]
