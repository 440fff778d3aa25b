"""Incidents: life alerts grouped by place and kind, from the first alarm to the verdict, with the ladder of posts.

Raising fails open, clearing fails closed: only the same source, with a greater sequence, and a person's verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.core.building import Place, PostKind
from hub.core.effects import AlertBecomes, ClearDeadline, Effect, IncidentBecomes, SendNotice, SetDeadline
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.records import Alert, Deadline, Incident, IncidentKind, Source
from hub.rules.alerts import clear_alert, is_late, raise_alert
from hub.rules.notices import to_post

VERIFY_WITHIN = timedelta(minutes=3)
LADDER = (timedelta(seconds=30), timedelta(seconds=60))
LAST_STEP = len(LADDER) + 1
DETECTORS = ("smoke", "heat", "flame", "gas", "co", "multi", "unknown")
FOLDED_IN = ("fire_pre_alarm", "fire_activation", "fire_feedback")
"""what a fire incident takes in of its zone when it opens"""
_POST_KINDS: dict[IncidentKind, PostKind] = {
    "fire": "fire", "evacuation": "fire", "help": "help", "duress": "duress", "emergency": "emergency",
}  # fmt: skip


# alarms in


def raise_in_incident(
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
    source: Source = "active",
    coincidence: bool = False,
) -> list[Effect]:
    """A life alert, and the incident that it opens or joins. `source` is quiet where nothing can tell the end: then
    the verdict alone ends it. `coincidence`: the panel itself says that it is met."""
    known = facts.alerts.get(key)
    incident = (facts.incidents.get(known.incident) if known else None) or _open_at(facts, kind, where, details or {})
    identity = incident.id if incident else facts.new_id(event.id, f"incident/{kind}/{where}")
    raised = raise_alert(
        event,
        facts,
        alert_kind,
        "critical",
        key,
        place=place,
        incident=identity,
        detector=detector,
        details=details,
        source=source,
    )
    if incident is None:
        opened = _opened(event, identity, kind, where, place, detector, details or {}, source)
        folded = _to_fold_in(facts, opened, place)
        opened = _with_what_came_before(replace(opened, coincidence=coincidence), folded)
        joining = [AlertBecomes(replace(alert, incident=identity), "repeated") for alert in folded]
        return [*raised, *joining, IncidentBecomes(opened, "opened"), *_begin_ladder(event, facts, opened)]
    begins = known is None or (known.source == "quiet" and newer(event.host, event.sequence, known))
    if begins:
        return [*raised, *_joined(event, facts, incident, detector if known is None else "", source, coincidence)]
    if incident.late and is_late(event):
        return [*raised, IncidentBecomes(replace(incident, late_count=incident.late_count + 1), "filled")]
    return raised


def _open_at(facts: Facts, kind: IncidentKind, where: str, details: Mapping[str, str]) -> Incident | None:
    """The open incident of a kind and place; of two things that people report from one place, each has its own."""
    said = details.get("kind")
    for incident in facts.incidents.values():
        if (incident.kind, incident.place) == (kind, where) and incident.details.get("kind", said) == (
            said or incident.details.get("kind")
        ):
            return incident
    return None


def _opened(
    event: Event,
    identity: str,
    kind: IncidentKind,
    where: str,
    place: Place,
    detector: str,
    details: Mapping[str, str],
    source: Source,
) -> Incident:
    return Incident(
        id=identity,
        site=event.site,
        kind=kind,
        place=where,
        source=source,
        opened_at=event.received,
        first_at=event.at,
        first_label=place.label,
        first_shown=place.shown,
        first_detector=detector,
        first_device=event.device,
        floor=place.floor,
        counts={detector: 1} if detector else {},
        late=is_late(event),
        late_count=1 if is_late(event) else 0,
        details={**details, "zone": place.zone, "door": place.door} if place.zone or place.door else details,
        host=event.host or "",
        sequence=event.sequence or 0,
    )


def _to_fold_in(facts: Facts, opened: Incident, place: Place) -> list[Alert]:
    """Pre-alarms, activations and feedbacks of the zone that were there before the alarm, oldest first."""
    if opened.kind != "fire" or opened.late or not place.fire_zone:
        return []
    before = [
        alert
        for alert in facts.alerts.values()
        if alert.kind in FOLDED_IN and not alert.incident and alert.fire_zone == place.fire_zone
    ]
    return sorted(before, key=lambda alert: (alert.raised_at, alert.key))


def _with_what_came_before(opened: Incident, folded: Sequence[Alert]) -> Incident:
    """A pre-alarm becomes the incident's first line."""
    kinds = [alert.kind for alert in folded]
    counted = replace(opened, activations=kinds.count("fire_activation"), feedbacks=kinds.count("fire_feedback"))
    first = next((alert for alert in folded if alert.kind == "fire_pre_alarm"), None)
    if first is None:
        return counted
    return replace(
        counted,
        first_at=min(first.raised_at, opened.first_at),
        first_label=first.label,
        first_shown=first.shown,
        first_detector=first.detector,
        first_device=first.device,
        floor=first.floor,
    )


def _joined(
    event: Event, facts: Facts, incident: Incident, detector: str, source: Source, coincidence: bool
) -> list[Effect]:
    """A new alarm in an open incident: it sounds again. After a verdict that there is no fire, or among alarms of
    the past, it is asked anew what this is."""
    late = is_late(event)
    counts = {**incident.counts, detector: incident.counts.get(detector, 0) + 1} if detector else incident.counts
    joined = replace(
        incident,
        source="active" if source == "active" else incident.source,
        counts=counts,
        coincidence=incident.coincidence or coincidence or (not incident.late and _coincides(counts)),
        joined_at=event.received,
        late=incident.late and late,
        late_count=incident.late_count + (1 if late else 0),
        first_at=min(incident.first_at, event.at),
    )
    if incident.verdict in ("false", "test") or (incident.late and not late):
        again = _asked_again(joined, event.received)
        return [IncidentBecomes(again, "joined"), *_begin_ladder(event, facts, again)]
    return [IncidentBecomes(joined, "joined")]


def _asked_again(incident: Incident, at: datetime) -> Incident:
    """Unanswered as at the first alarm; what was found before stays in the details."""
    earlier = {
        "earlier_verdict": incident.verdict or "",
        "earlier_cause": incident.cause,
        "earlier_judged_by": incident.judged_by,
        "earlier_answered_by": incident.answered_by,
    }
    return replace(
        incident,
        state="unanswered",
        asked_again_at=at,
        answered_at=None,
        answered_by="",
        judged_at=None,
        judged_by="",
        verdict=None,
        cause="",
        treated_as_real=False,
        rung=0,
        details={**incident.details, **{name: value for name, value in earlier.items() if value}},
    )


def _coincides(counts: Mapping[str, int]) -> bool:
    """A second detector, or a detector and a call point, in one zone (GB 50116-2013, 4.1.6). A panel that speaks
    for its whole system is no detector."""
    detectors = sum(number for kind, number in counts.items() if kind in DETECTORS)
    return detectors >= 2 or (detectors == 1 and counts.get("manual_call_point", 0) > 0)


# quiet, and done


def quiet_keys(event: Event, facts: Facts, keys: Sequence[str]) -> list[Effect]:
    """Set alerts quiet; an incident whose last active alarm this was is quiet too, and done if it was judged."""
    effects: list[Effect] = []
    for key in keys:
        effects += clear_alert(event, facts, key)
    quieted = {e.alert.key: e.alert for e in effects if isinstance(e, AlertBecomes)}
    for incident_id in dict.fromkeys(alert.incident for alert in quieted.values() if alert.incident):
        incident = facts.incidents.get(incident_id)
        alerts = [quieted.get(alert.key, alert) for alert in facts.alerts_of(incident_id)]
        if incident and incident.source == "active" and is_quiet(alerts):
            effects += settle(replace(incident, source="quiet"), alerts, event.at)
    return effects


def is_quiet(alerts: Sequence[Alert]) -> bool:
    """Whether no alarm among an incident's alerts is active. What was started because of it may still run."""
    return not any(alert.source == "active" for alert in alerts if alert.severity == "critical")


def settle(incident: Incident, alerts: Sequence[Alert], at: datetime) -> list[Effect]:
    """An incident as it stands, done when its source is quiet and a person has given the verdict."""
    if incident.source != "quiet" or incident.verdict is None:
        return [IncidentBecomes(incident, "filled")]
    done: list[Effect] = [AlertBecomes(replace(alert, handling="done", done_at=at), "done") for alert in alerts]
    return [*done, *end_of_timers(incident), IncidentBecomes(replace(incident, state="done", done_at=at), "done")]


def end_of_timers(incident: Incident) -> list[ClearDeadline]:
    rungs = range(1, len(LADDER) + 1)
    return [ClearDeadline(f"verify/{incident.id}"), *[ClearDeadline(f"ladder/{incident.id}/{rung}") for rung in rungs]]


# the ladder, and three minutes to the verdict


def verify_deadline(incident: Incident, at: datetime) -> SetDeadline:
    return _timer(incident, f"verify/{incident.id}", "verify", at, VERIFY_WITHIN)


def is_verified_in_time(incident: Incident) -> bool:
    """Whether the three minutes run at all: a fire of now does not wait, one of the past is over."""
    return incident.kind in ("fire", "evacuation") and not incident.late


def not_verified(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """Three minutes and nobody has said what it is: it is treated as real; the verdict stays open."""
    incident = facts.incidents.get(deadline.record)
    if incident is None or incident.verdict is not None:
        return []
    step = replace(incident, treated_as_real=True, rung=LAST_STEP)
    return [IncidentBecomes(step, "filled"), *_tell_posts(event, facts, step, LAST_STEP)]


def climb(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """Nobody has answered: the next posts hear of it."""
    incident = facts.incidents.get(deadline.record)
    if incident is None or incident.state != "unanswered":
        return []
    rung = int(deadline.key.rpartition("/")[2])
    step = replace(incident, rung=max(rung, incident.rung))
    return [IncidentBecomes(step, "filled"), *_tell_posts(event, facts, step, rung)]


def _begin_ladder(event: Event, facts: Facts, incident: Incident) -> list[Effect]:
    effects: list[Effect] = _tell_posts(event, facts, incident, 0)
    if incident.late:
        return effects
    for rung, wait in enumerate(LADDER, start=1):
        effects.append(_timer(incident, f"ladder/{incident.id}/{rung}", "ladder", event.received, wait))
    if is_verified_in_time(incident):
        effects.append(verify_deadline(incident, event.received))
    return effects


def _tell_posts(event: Event, facts: Facts, incident: Incident, rung: int) -> list[Effect]:
    """At once the post that hears this kind first, then the others; all of them where no post is the first, and at
    the last step."""
    first = facts.building.post_for(_POST_KINDS[incident.kind])
    everyone = list(facts.building.posts.values())
    if first and rung < LAST_STEP:
        posts = [first] if rung == 0 else [post for post in everyone if post is not first]
    else:
        posts = everyone
    notices: list[SendNotice] = []
    for post in posts:
        notices += to_post(facts, event, post, incident, rung)
    return list(notices)


def _timer(incident: Incident, key: str, kind: str, at: datetime, wait: timedelta) -> SetDeadline:
    return SetDeadline(
        Deadline(site=incident.site, key=key, kind=kind, lane="life", due=at + wait, record=incident.id, set_at=at)
    )
