"""Fire panels: alarms of points, conditions, what was started, restores, resets, modes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hub.core.building import Place
from hub.core.effects import AlertBecomes, ClearDeadline, Effect, IncidentBecomes, PanelModeBecomes, SetDeadline
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.fire_events import (
    FireActivation,
    FireAlarm,
    FireDisablement,
    FireEvacuation,
    FireFeedback,
    FireModeChanged,
    FireNormal,
    FirePanelOperated,
    FirePoint,
    FirePreAlarm,
    FireSupervisory,
    FireTrouble,
)
from hub.core.records import Deadline, IncidentKind, PanelMode, Severity
from hub.rules.alerts import clear_alert, device_place, is_late, is_older, raise_alert, raise_routine
from hub.rules.incidents import quiet_keys, raise_in_incident

LINKAGE_TEST = timedelta(minutes=30)
"""what a test of the linkage may take"""

PanelCondition = FirePreAlarm | FireSupervisory | FireTrouble | FireDisablement
_CONDITIONS: dict[str, tuple[str, Severity]] = {
    "fire.pre_alarm": ("fire_pre_alarm", "high"),
    "fire.supervisory": ("fire_supervisory", "high"),
    "fire.trouble": ("fire_trouble", "high"),
    "fire.disablement": ("fire_disablement", "medium"),
}
_CATEGORIES = (
    "fire.alarm", "fire.evacuation", "fire.pre_alarm", "fire.supervisory", "fire.trouble", "fire.disablement",
    "fire.activation", "fire.feedback",
)  # fmt: skip
_PAST = "late/"
"""before the keys of alarms that a panel tells from its memory: they are told apart from those of now"""


def fire_alarm(event: FireAlarm | FireEvacuation, facts: Facts) -> list[Effect]:
    kind: IncidentKind = "fire" if isinstance(event, FireAlarm) else "evacuation"
    if event.device not in facts.building.devices:
        return _alarm_of_unregistered(event, facts, kind)
    key = _key(event, event.data)
    if not event.data.active:
        return _in_its_incidents(event, facts, quiet_keys(event, facts, [key, _PAST + key]))
    if _is_known_already(event, facts, key):
        return []
    place = fire_place(event, event.data, facts)
    late = is_late(event)
    return raise_in_incident(
        event,
        facts,
        kind=kind,
        where=_PAST + event.device if late else place.fire_zone or place.zone or event.device,
        alert_kind=kind,
        key=_PAST + key if late else key,
        place=place,
        detector=event.data.detector if event.data.detector != "unknown" else place.kind or "unknown",
        coincidence=event.data.coincidence == "met",
    )


def _alarm_of_unregistered(event: FireAlarm | FireEvacuation, facts: Facts, kind: IncidentKind) -> list[Effect]:
    """Once a source. How it restores is not known, so the verdict alone ends it."""
    if not event.data.active:
        return []
    return raise_in_incident(
        event,
        facts,
        kind=kind,
        where=event.device,
        alert_kind="unregistered_fire",
        key=f"unregistered_fire/{event.device}",
        place=fire_place(event, event.data, facts),
        detector=event.data.detector,
        source="quiet",
    )


def panel_condition(event: PanelCondition, facts: Facts) -> list[Effect]:
    """Trouble, disablement, supervision, pre-alarm: never merged, each an alert of its point. One told late may
    still be so, and nothing else would say it."""
    key = _key(event, event.data)
    if not event.data.active:
        return _in_its_incidents(event, facts, quiet_keys(event, facts, [key]))
    if _is_known_already(event, facts, key):
        return []
    kind, severity = _CONDITIONS[event.type]
    details = {"part": event.data.part} if isinstance(event, FireTrouble) else {}
    place = fire_place(event, event.data, facts)
    return raise_alert(event, facts, kind, severity, key, place=place, detector=event.data.detector, details=details)


def activation(event: FireActivation | FireFeedback, facts: Facts) -> list[Effect]:
    """启动 and 反馈 fold into the incident of their zone as counts; without one they are an alert of their own."""
    key = _key(event, event.data)
    if not event.data.active:
        return _in_its_incidents(event, facts, quiet_keys(event, facts, [key]))
    place = fire_place(event, event.data, facts)
    kind = "fire_activation" if isinstance(event, FireActivation) else "fire_feedback"
    incident = facts.incident_at("fire", place.fire_zone or place.zone)
    if incident is None:
        return raise_routine(event, facts, kind, "medium", key, place=place)
    known = facts.alerts.get(key)
    raised = raise_alert(event, facts, kind, "medium", key, place=place, incident=incident.id)
    if known and known.incident == incident.id:
        return raised
    started = isinstance(event, FireActivation)
    counted = replace(
        incident,
        activations=incident.activations + (1 if started else 0),
        feedbacks=incident.feedbacks + (0 if started else 1),
    )
    return [*raised, IncidentBecomes(counted, "filled")]


def point_normal(event: FireNormal, facts: Facts) -> list[Effect]:
    """Nothing is set at this point: every category of it is quiet, if the panel restores by point. A device that
    speaks of itself (no point) restores by itself: no panel's reset is about it."""
    device = facts.building.devices.get(event.device)
    point = event.subject or _raw(event.data)
    keys = [past + f"{category}/{event.device}/{point}" for past in ("", _PAST) for category in _CATEGORIES]
    if point and not any(key in facts.alerts for key in keys):
        return []  # most say so of points that were never anything else
    restores = device is not None and (device.restores == "point" or not point)
    return _in_its_incidents(event, facts, quiet_keys(event, facts, keys) if restores else [])


def panel_operated(event: FirePanelOperated, facts: Facts) -> list[Effect]:
    """A reset of a panel that sends no restores sets its points quiet, as of its sequence. Acknowledge and silence
    are not the desk's answer: they stand in the incident's history and change nothing else."""
    return _in_its_incidents(event, facts, quiet_keys(event, facts, _reset_keys(event, facts)))


def _reset_keys(event: FirePanelOperated, facts: Facts) -> list[str]:
    device = facts.building.devices.get(event.device)
    if event.data.operation != "reset" or device is None or device.restores != "reset":
        return []
    system = event.subject or ""
    if not system.startswith("system/"):
        return []  # the transmission device's own key, not the panel's
    quiet = []
    for key in facts.alerts:
        category, _, point = key.removeprefix(_PAST).partition(f"/{event.device}/")
        if category in _CATEGORIES and point and (not point.startswith("system/") or point == system):
            quiet.append(key)
    return quiet


def mode_changed(event: FireModeChanged, facts: Facts) -> list[Effect]:
    """Automatic or manual linkage. Left otherwise than declared for longer than a test, it is an alert."""
    system = event.subject or ""
    known = facts.panel_modes.get((event.device, system))
    if known and not _changes(event, known):
        return []
    mode = PanelMode(
        site=event.site,
        device=event.device,
        system=system,
        linkage=event.data.linkage,
        delayed=event.data.delayed,
        since=event.time,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    return _in_its_incidents(event, facts, [PanelModeBecomes(mode), *_linkage(event, facts, mode, known)])


def _linkage(event: FireModeChanged, facts: Facts, mode: PanelMode, known: PanelMode | None) -> list[Effect]:
    device = facts.building.devices.get(event.device)
    if device is None or mode.system.startswith("zone/"):
        return []  # a point's mode says nothing of its system's linkage
    key = f"linkage/{event.device}/{mode.system}"
    if mode.linkage == device.linkage:
        return [ClearDeadline(key), *clear_alert(event, facts, key)]
    if known and known.linkage != device.linkage:
        return []
    timer = Deadline(
        site=event.site,
        key=key,
        kind="linkage",
        lane="life",
        due=event.received + LINKAGE_TEST,
        record=event.device,
        devices=(event.device,),
        set_at=event.received,
    )
    return [SetDeadline(timer)]


def _changes(event: FireModeChanged, known: PanelMode) -> bool:
    if not newer(event.host, event.sequence, known) or is_older(event, known.since):
        return False
    return (known.linkage, known.delayed) != (event.data.linkage, event.data.delayed)


def linkage_left_manual(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """The alert belongs to the panel that it waited for and is about what that said, so that its next word can clear
    it."""
    place = device_place(deadline.record, facts)
    mode = facts.panel_modes.get((deadline.record, deadline.key.removeprefix(f"linkage/{deadline.record}/")))
    raised = raise_alert(event, facts, "linkage_manual", "high", deadline.key, place=place)
    return [
        AlertBecomes(
            replace(effect.alert, device=deadline.record, told_at=mode.since if mode else deadline.set_at), effect.step
        )
        for effect in raised
        if isinstance(effect, AlertBecomes)
    ]


def _in_its_incidents(event: Event, facts: Facts, effects: Sequence[Effect]) -> list[Effect]:
    """What a panel says of its operation, mode and restores stands in the history of each incident that it has an
    alarm in, even where it changes nothing there. A snapshot tells of no moment."""
    if event.delivery == "snapshot":
        return list(effects)
    told = {e.incident.id for e in effects if isinstance(e, IncidentBecomes)}
    told |= {e.alert.incident for e in effects if isinstance(e, AlertBecomes)}
    its = {alert.incident for alert in facts.alerts.values() if alert.device == event.device} - told
    return [
        *effects,
        *[
            IncidentBecomes(incident, "filled")
            for incident in facts.incidents.values()
            if incident.id in its and event.at >= incident.first_at
        ],
    ]


def fire_place(event: Event, point: FirePoint, facts: Facts) -> Place:
    """The declared place of a point; where it isn't listed, the panel's first zone and its own words. What names no
    point is the panel itself, which is listed."""
    place = facts.building.place(event.device, zone=point.zone or "", point=point.point or "")
    if not _raw(point) and event.device in facts.building.devices:
        of_panel = device_place(event.device, facts)
        return replace(place, label=point.panel_label or of_panel.label, shown=point.shown or "", listed=True)
    return replace(place, label=place.label or point.panel_label or "", shown=place.shown or point.shown or _raw(point))


def _is_known_already(event: Event, facts: Facts, key: str) -> bool:
    """A snapshot of what is on the board says nothing new."""
    known = facts.alerts.get(key)
    return event.delivery == "snapshot" and known is not None and known.source == "active"


def _raw(point: FirePoint) -> str:
    return "/".join(part for part in (point.zone, point.point) if part)


def _key(event: Event, point: FirePoint) -> str:
    return f"{event.type}/{event.device}/{event.subject or _raw(point)}"
