"""Raising and clearing alerts, for every rule: one alert a thing, repeats join it, late news raises nothing routine."""

from collections.abc import Mapping
from dataclasses import replace

from hub.core.building import Place
from hub.core.effects import AlertBecomes, ClearDeadline, Effect
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.records import Alert, Severity

NOWHERE = Place()


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
) -> list[Effect]:
    """Raise, or join the one that is open under `key`. A repeat that is older than the alert's state changes nothing
    but its count."""
    known = facts.alerts.get(key)
    if known:
        active = newer(event.host, event.sequence, known)
        return [
            AlertBecomes(
                replace(
                    known,
                    count=known.count + 1,
                    last_at=max(known.last_at, event.at),
                    source="active" if active else known.source,
                    quiet_at=None if active else known.quiet_at,
                    incident=known.incident or incident,
                    details={**known.details, **(details or {})},
                    host=event.host or "" if active else known.host,
                    sequence=event.sequence or 0 if active else known.sequence,
                ),
                "repeated",
            )
        ]
    return [
        AlertBecomes(
            Alert(
                id=facts.new_id(event.id, f"alert/{key}"),
                site=event.site,
                kind=kind,
                severity=severity,
                lane=event.lane,
                key=key,
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
                late=event.late,
                incident=incident,
                details=details or {},
                host=event.host or "",
                sequence=event.sequence or 0,
            ),
            "raised",
        )
    ]


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
    if event.late or event.delivery == "snapshot":
        return []
    return raise_alert(event, facts, kind, severity, key, place=place, details=details)


def clear_alert(event: Event, facts: Facts, key: str) -> list[Effect]:
    """Its source is quiet. One that belongs to no incident is done with that; clearing needs the same source and a
    greater sequence."""
    known = facts.alerts.get(key)
    if known is None or known.device != event.device or not newer(event.host, event.sequence, known):
        return []
    quiet = replace(
        known,
        source="quiet",
        quiet_at=event.at,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    if known.incident:
        return [AlertBecomes(quiet, "cleared")] if known.source == "active" else []
    return [
        AlertBecomes(replace(quiet, handling="done", done_at=event.at), "cleared"),
        ClearDeadline(f"fade/{key}"),
    ]
