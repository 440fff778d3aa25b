"""Fire, evacuation, help, duress and what people report: alerts at once, grouped to one incident a place and kind.

Raising fails open, clearing fails closed: only the same source, with a greater sequence, and a person's verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.core.access_events import AccessDuress
from hub.core.building import Place, PostKind
from hub.core.effects import (
    AlertBecomes,
    ClearDeadline,
    Effect,
    IncidentBecomes,
    PanelModeBecomes,
    SendNotice,
    SetDeadline,
)
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.fire_events import (
    EmergencyReported,
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
    HelpCalled,
    InputChanged,
)
from hub.core.records import Alert, Deadline, Incident, IncidentKind, PanelMode, Severity
from hub.rules.alerts import clear_alert, raise_alert, raise_routine
from hub.rules.notices import to_post

VERIFY_WITHIN = timedelta(minutes=3)
LADDER = (timedelta(seconds=30), timedelta(seconds=60))
LINKAGE_TEST = timedelta(minutes=30)
CALL_POINTS = ("manual_call_point", "hydrant_button")

PanelCondition = FirePreAlarm | FireSupervisory | FireTrouble | FireDisablement
_CONDITIONS: dict[str, tuple[str, Severity]] = {
    "fire.pre_alarm": ("fire_pre_alarm", "high"),
    "fire.supervisory": ("fire_supervisory", "high"),
    "fire.trouble": ("fire_trouble", "high"),
    "fire.disablement": ("fire_disablement", "medium"),
}
_POINT_CATEGORIES = (
    "fire.alarm", "fire.evacuation", "fire.pre_alarm", "fire.supervisory", "fire.trouble", "fire.disablement",
    "fire.activation", "fire.feedback",
)  # fmt: skip


# fire panels


def fire_alarm(event: FireAlarm | FireEvacuation, facts: Facts) -> list[Effect]:
    key = _key(event)
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    if event.delivery == "snapshot" and key in facts.alerts:
        return []
    place = fire_place(event, event.data, facts)
    kind: IncidentKind = "fire" if isinstance(event, FireAlarm) else "evacuation"
    detector = event.data.detector if event.data.detector != "unknown" else place.kind or "unknown"
    where = f"late/{event.device}" if event.late else place.fire_zone or place.zone or event.device
    alert_kind = kind if event.device in facts.building.devices else "unregistered_fire"
    return _raise_in_incident(
        event, facts, kind=kind, where=where, alert_kind=alert_kind, key=key, place=place, detector=detector
    )


def panel_condition(event: PanelCondition, facts: Facts) -> list[Effect]:
    """Trouble, disablement, supervision, pre-alarm: never merged, each an alert of its point."""
    key = _key(event)
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    kind, severity = _CONDITIONS[event.type]
    details = {"part": event.data.part} if isinstance(event, FireTrouble) else {}
    place = fire_place(event, event.data, facts)
    if event.late and key not in facts.alerts:
        return []
    return raise_alert(event, facts, kind, severity, key, place=place, detector=event.data.detector, details=details)


def activation(event: FireActivation | FireFeedback, facts: Facts) -> list[Effect]:
    """启动 and 反馈 fold into the incident of their zone as counts; without one they are an alert of their own."""
    key = _key(event)
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    place = fire_place(event, event.data, facts)
    incident = facts.incident_at("fire", place.fire_zone or place.zone)
    if incident:
        if isinstance(event, FireActivation):
            return [IncidentBecomes(replace(incident, activations=incident.activations + 1), "filled")]
        return [IncidentBecomes(replace(incident, feedbacks=incident.feedbacks + 1), "filled")]
    kind = "fire_activation" if isinstance(event, FireActivation) else "fire_feedback"
    return raise_routine(event, facts, kind, "medium", key, place=place)


def point_normal(event: FireNormal, facts: Facts) -> list[Effect]:
    """Nothing is set at this point: every category of it is quiet, if the panel restores by point."""
    device = facts.building.devices.get(event.device)
    if device is None or device.restores != "point":
        return []
    return quiet_keys(event, facts, [f"{t}/{event.device}/{event.subject or ''}" for t in _POINT_CATEGORIES])


def panel_operated(event: FirePanelOperated, facts: Facts) -> list[Effect]:
    """A reset of a panel that sends no restores sets its points quiet, as of its sequence. Acknowledge and silence
    change nothing here: they are not the desk's answer."""
    device = facts.building.devices.get(event.device)
    if event.data.operation != "reset" or device is None or device.restores != "reset":
        return []
    if not (event.subject or "").startswith("system/"):
        return []  # the transmission device's own key, not the panel's
    points = [a.key for a in facts.alerts.values() if a.device == event.device and a.key.startswith("fire.")]
    return quiet_keys(event, facts, points)


def mode_changed(event: FireModeChanged, facts: Facts) -> list[Effect]:
    """Automatic or manual linkage. Left otherwise than declared for longer than a test, it is an alert."""
    system = event.subject or ""
    known = facts.panel_modes.get((event.device, system))
    if known and (
        not newer(event.host, event.sequence, known)
        or (known.linkage, known.delayed) == (event.data.linkage, event.data.delayed)
    ):
        return []
    mode = PanelMode(
        site=event.site,
        device=event.device,
        system=system,
        linkage=event.data.linkage,
        delayed=event.data.delayed,
        since=event.at,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    effects: list[Effect] = [PanelModeBecomes(mode)]
    device = facts.building.devices.get(event.device)
    key = f"linkage/{event.device}/{system}"
    if device and mode.linkage != device.linkage:
        if known is None or known.linkage == device.linkage:
            due = event.received + LINKAGE_TEST
            effects.append(SetDeadline(_deadline(event, key, "linkage", due, record=event.device)))
    else:
        effects += [ClearDeadline(key), *clear_alert(event, facts, key)]
    return effects


def linkage_left_manual(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    return [
        _of_device(effect, deadline.record)
        for effect in raise_alert(event, facts, "linkage_manual", "high", deadline.key)
    ]


# without a panel


def duress(event: AccessDuress, facts: Facts) -> list[Effect]:
    place = facts.building.place(event.device, door=event.data.door)
    return _raise_in_incident(
        event, facts, kind="duress", where=place.door, alert_kind="duress", key=_key(event), place=place
    )


def help_called(event: HelpCalled, facts: Facts) -> list[Effect]:
    key = _key(event)
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    where = event.data.place or event.device
    place = Place(label=event.data.place or "", listed=True)
    return _raise_in_incident(event, facts, kind="help", where=where, alert_kind="help", key=key, place=place)


def reported(event: EmergencyReported, facts: Facts) -> list[Effect]:
    """By phone, or by a resident running in. A person said it, and a person says when it is over."""
    kind: IncidentKind = "fire" if event.data.kind == "fire" else "emergency"
    key = f"emergency/{event.id}"
    details = {"kind": event.data.kind, "text": event.data.text}
    place = Place(label=event.data.place, listed=True)
    effects = _raise_in_incident(
        event, facts, kind=kind, where=event.data.place, alert_kind=kind, key=key, place=place, details=details
    )
    return [_quiet_source(effect) for effect in effects]


def input_changed(event: InputChanged, facts: Facts) -> list[Effect]:
    key = _key(event)
    if not event.data.active:
        return quiet_keys(event, facts, [key])
    place = Place(label=event.data.meaning or event.data.input, listed=True)
    if event.lane == "life":
        where = f"{event.device}/{event.data.input}"
        return _raise_in_incident(event, facts, kind="help", where=where, alert_kind="help", key=key, place=place)
    return raise_routine(event, facts, "input", "medium", key, place=place, details={"input": event.data.input})


# deadlines


def not_verified(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """Three minutes and nobody has said what it is: it is treated as real; the verdict stays open."""
    incident = facts.incidents.get(deadline.record)
    if incident is None or incident.verdict is not None:
        return []
    step = replace(incident, treated_as_real=True, rung=len(LADDER))
    return [IncidentBecomes(step, "filled"), *_tell_posts(event, facts, step, len(LADDER))]


def climb(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """Nobody has answered: the next posts hear of it."""
    incident = facts.incidents.get(deadline.record)
    if incident is None or incident.state != "unanswered":
        return []
    rung = int(deadline.key.rpartition("/")[2])
    step = replace(incident, rung=max(rung, incident.rung))
    return [IncidentBecomes(step, "filled"), *_tell_posts(event, facts, step, rung)]


# what they share


def quiet_keys(event: Event, facts: Facts, keys: Sequence[str]) -> list[Effect]:
    """Set alerts quiet; an incident whose last active alert this was is quiet too, and done if it was judged."""
    effects: list[Effect] = []
    for key in keys:
        effects += clear_alert(event, facts, key)
    quieted = {e.alert.key: e.alert for e in effects if isinstance(e, AlertBecomes)}
    for incident_id in dict.fromkeys(alert.incident for alert in quieted.values() if alert.incident):
        incident = facts.incidents.get(incident_id)
        others = [quieted.get(a.key, a) for a in facts.alerts_of(incident_id)]
        if incident and all(alert.source == "quiet" for alert in others):
            effects += settle(replace(incident, source="quiet"), others, event.at)
    return effects


def settle(incident: Incident, alerts: Sequence[Alert], at: datetime) -> list[Effect]:
    """An incident as it stands, done when its source is quiet and a person has given the verdict."""
    if incident.source != "quiet" or incident.verdict is None:
        return [IncidentBecomes(incident, "filled")]
    done: list[Effect] = [AlertBecomes(replace(alert, handling="done", done_at=at), "done") for alert in alerts]
    deadlines = [ClearDeadline(f"verify/{incident.id}")]
    return [*done, *deadlines, IncidentBecomes(replace(incident, state="done", done_at=at), "done")]


def fire_place(event: Event, point: FirePoint, facts: Facts) -> Place:
    """The declared place of a point; where it isn't listed, the panel's first zone and its own words."""
    place = facts.building.place(event.device, zone=point.zone or "", point=point.point or "")
    return replace(place, label=place.label or point.panel_label or "", shown=place.shown or point.shown or _raw(point))


def _raw(point: FirePoint) -> str:
    return "/".join(part for part in (point.zone, point.point) if part)


def _key(event: Event) -> str:
    return f"{event.type}/{event.device}/{event.subject or ''}"


def _raise_in_incident(
    event: Event,
    facts: Facts,
    *,
    kind: IncidentKind,
    where: str,
    alert_kind: str,
    key: str,
    place: Place,
    detector: str = "",
    details: Mapping[str, str] | None = None,
) -> list[Effect]:
    incident = facts.incident_at(kind, where)
    identity = incident.id if incident else facts.new_id(event.id, f"incident/{kind}/{where}")
    fresh = key not in facts.alerts
    effects = raise_alert(
        event,
        facts,
        alert_kind,
        "critical",
        key,
        place=place,
        incident=identity,
        detector=detector,
        details=details,
    )
    if incident is None:
        opened = _opened(event, identity, kind, where, place, detector, details or {})
        return [*effects, IncidentBecomes(opened, "opened"), *_begin_ladder(event, facts, opened)]
    if not fresh:
        if incident.source == "quiet" and _alert_of(effects).source == "active":
            effects.append(IncidentBecomes(replace(incident, source="active", joined_at=event.received), "joined"))
        return effects
    counts = {**incident.counts, detector: incident.counts.get(detector, 0) + 1} if detector else incident.counts
    joined = replace(
        incident,
        source="active",
        counts=counts,
        coincidence=incident.coincidence or _coincides(counts),
        joined_at=event.received,
        late_count=incident.late_count + (1 if event.late else 0),
        first_at=min(incident.first_at, event.at),
    )
    return [*effects, IncidentBecomes(joined, "joined")]


def _opened(
    event: Event, identity: str, kind: IncidentKind, where: str, place: Place, detector: str, details: Mapping[str, str]
) -> Incident:
    return Incident(
        id=identity,
        site=event.site,
        kind=kind,
        place=where,
        opened_at=event.received,
        first_at=event.at,
        first_label=place.label,
        first_shown=place.shown,
        first_detector=detector,
        first_device=event.device,
        floor=place.floor,
        counts={detector: 1} if detector else {},
        late=event.late,
        late_count=1 if event.late else 0,
        details={**details, "zone": place.zone, "door": place.door} if place.zone or place.door else details,
        host=event.host or "",
        sequence=event.sequence or 0,
    )


def _coincides(counts: Mapping[str, int]) -> bool:
    """A second detector, or a detector and a call point, in one zone (GB 50116, 4.1.6). A panel that speaks for its
    whole system is no detector."""
    return sum(number for detector, number in counts.items() if detector != "controller") >= 2


def _begin_ladder(event: Event, facts: Facts, incident: Incident) -> list[Effect]:
    if incident.late:
        return _tell_posts(event, facts, incident, 0)
    start = event.received
    effects: list[Effect] = _tell_posts(event, facts, incident, 0)
    for rung, wait in enumerate(LADDER, start=1):
        key = f"ladder/{incident.id}/{rung}"
        effects.append(SetDeadline(_deadline(event, key, "ladder", start + wait, record=incident.id)))
    if incident.kind in ("fire", "evacuation"):
        due = start + VERIFY_WITHIN
        effects.append(SetDeadline(_deadline(event, f"verify/{incident.id}", "verify", due, record=incident.id)))
    return effects


def _tell_posts(event: Event, facts: Facts, incident: Incident, rung: int) -> list[Effect]:
    """At once the post that hears this kind first, then the others."""
    kinds: dict[IncidentKind, PostKind] = {
        "fire": "fire", "evacuation": "fire", "help": "help", "duress": "duress", "emergency": "emergency",
    }  # fmt: skip
    first = facts.building.post_for(kinds[incident.kind])
    posts = [first] if rung == 0 else [post for post in facts.building.posts.values() if post is not first]
    notices: list[SendNotice] = []
    for post in posts:
        if post:
            notices += to_post(facts, event, post, incident, rung)
    return list(notices)


def _deadline(event: Event, key: str, kind: str, due: datetime, *, record: str) -> Deadline:
    return Deadline(site=event.site, key=key, kind=kind, lane="life", due=due, record=record, set_at=event.received)


def _alert_of(effects: Sequence[Effect]) -> Alert:
    return next(effect.alert for effect in effects if isinstance(effect, AlertBecomes))


def _quiet_source(effect: Effect) -> Effect:
    """What a person reported has no source that could become quiet by itself: their verdict ends it."""
    match effect:
        case AlertBecomes(alert=alert, step=step):
            return AlertBecomes(replace(alert, source="quiet"), step)
        case IncidentBecomes(incident=incident, step="opened"):
            return IncidentBecomes(replace(incident, source="quiet"), "opened")
        case _:
            return effect


def _of_device(effect: Effect, device: str) -> Effect:
    """A deadline's alert belongs to the device that it waited for."""
    if isinstance(effect, AlertBecomes):
        return AlertBecomes(replace(effect.alert, device=device), effect.step)
    return effect
