"""Emergencies without a panel: duress, help, dry contacts, and what a person reports."""

from hub.core.access_events import AccessDuress
from hub.core.building import Place
from hub.core.effects import Effect
from hub.core.facts import Facts
from hub.core.fire_events import EmergencyReported, HelpCalled, InputChanged
from hub.core.records import IncidentKind
from hub.rules.alerts import device_place, raise_routine
from hub.rules.incidents import quiet_keys, raise_in_incident


def duress(event: AccessDuress, facts: Facts) -> list[Effect]:
    """No device tells when it is over: a person does."""
    place = facts.building.place(event.device, door=event.data.door)
    key = f"access.duress/{event.device}/{event.data.door}"
    return raise_in_incident(
        event, facts, kind="duress", where=place.door, alert_kind="duress", key=key, place=place, source="quiet"
    )


def help_called(event: HelpCalled, facts: Facts) -> list[Effect]:
    key = f"help.called/{event.device}/{event.subject or ''}"
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    place = Place(label=event.data.place, listed=True) if event.data.place else device_place(event.device, facts)
    where = event.data.place or event.device
    return raise_in_incident(event, facts, kind="help", where=where, alert_kind="help", key=key, place=place)


def reported(event: EmergencyReported, facts: Facts) -> list[Effect]:
    """By phone, or by a resident running in. A person said it, and a person says when it is over."""
    kind: IncidentKind = "fire" if event.data.kind == "fire" else "emergency"
    said = {
        "kind": event.data.kind,
        "text": event.data.text,
        "reporter": event.data.reporter or "",
        "phone": event.data.phone or "",
    }
    return raise_in_incident(
        event,
        facts,
        kind=kind,
        where=event.data.place,
        alert_kind=kind,
        key=f"emergency/{event.id}",
        place=Place(label=event.data.place, listed=True),
        details={name: value for name, value in said.items() if value},
        source="quiet",
    )


def input_changed(event: InputChanged, facts: Facts) -> list[Effect]:
    key = f"input.changed/{event.device}/{event.data.input}"
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    place = Place(label=event.data.meaning or event.data.input, listed=True)
    if event.lane == "life":
        where = f"{event.device}/{event.data.input}"
        return raise_in_incident(event, facts, kind="help", where=where, alert_kind="help", key=key, place=place)
    return raise_routine(event, facts, "input", "medium", key, place=place, details={"input": event.data.input})
