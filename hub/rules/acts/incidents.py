"""What the desk does about incidents and alerts: 接警, the verdict, a report of its own, 收到."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from hub.core.effects import AlertBecomes, ClearDeadline, Effect, IncidentBecomes, Refused
from hub.core.envelope import event_id
from hub.core.facts import Facts
from hub.core.fire_events import Emergency, EmergencyKind, EmergencyReported
from hub.core.records import Alert, FalseCause, Incident, Verdict
from hub.rules.acts.actor import Actor, audit
from hub.rules.incidents import end_of_timers, is_quiet, is_verified_in_time, settle, verify_deadline


def answer_incident(facts: Facts, incident_id: str, actor: Actor, at: datetime) -> list[Effect]:
    """接警: someone has heard it; the sound stops, and three minutes run to the verdict."""
    incident = _incident(facts, incident_id)
    if incident.state != "unanswered":
        return []
    answered = replace(incident, state="answered", answered_at=at, answered_by=actor.user)
    effects: list[Effect] = [IncidentBecomes(answered, "answered", actor.user), *end_of_timers(incident)]
    effects += _taken(facts.alerts_of(incident.id), actor)
    if is_verified_in_time(incident) and not incident.treated_as_real:
        effects.append(verify_deadline(incident, at))
    return [*effects, audit("incident.answer", incident.id, actor)]


def judge_incident(
    facts: Facts, incident_id: str, verdict: Verdict, cause: FalseCause | Literal[""], actor: Actor, at: datetime
) -> list[Effect]:
    """What a person found. It closes the incident as soon as its source is quiet too."""
    incident = _incident(facts, incident_id)
    if verdict == "false" and not cause:
        raise Refused("incident.cause_missing")
    found = cause if verdict == "false" else ""
    if (incident.verdict, incident.cause) == (verdict, found):
        return []
    alerts = facts.alerts_of(incident.id)
    judged = replace(
        incident,
        state="judged",
        source="quiet" if is_quiet(alerts) else incident.source,
        answered_at=incident.answered_at or at,
        answered_by=incident.answered_by or actor.user,
        judged_at=at,
        judged_by=actor.user,
        verdict=verdict,
        cause=found,
    )
    effects: list[Effect] = [
        IncidentBecomes(judged, "judged", actor.user),
        *end_of_timers(incident),
        audit("incident.judge", incident.id, actor, verdict=verdict, cause=found),
    ]
    if judged.source == "quiet":
        return [*effects, *settle(judged, alerts, at)]
    return [*effects, *_taken(alerts, actor)]


def report_emergency(
    facts: Facts,
    kind: EmergencyKind,
    place: str,
    actor: Actor,
    at: datetime,
    cause: str,
    *,
    text: str = "",
    reporter: str = "",
    phone: str = "",
) -> EmergencyReported:
    """人工报警: an event like a device's; the caller has it decided by the rules, in the same transaction. The same
    act is the same event, whenever it is sent again."""
    if not place.strip():
        raise Refused("emergency.place_missing")
    site = facts.building.site.id
    source = f"/sites/{site}/posts/{actor.post}" if actor.post else f"/sites/{site}/hub"
    return EmergencyReported(
        id=event_id(None, site=site, device="", type_name="emergency.reported", subject=None, record=cause),
        source=source,
        time=at,
        received=at,
        lane="life",
        clock="hub",
        data=Emergency(
            kind=kind,
            place=place.strip(),
            text=text.strip(),
            reporter=reporter.strip() or None,
            phone=phone.strip() or None,
        ),
    )


def take_alert(facts: Facts, alert_id: str, actor: Actor, at: datetime) -> list[Effect]:
    """收到: this person deals with it; it stays, with owner and age, until it is done."""
    alert = _alert(facts, alert_id)
    if alert.handling == "taken" and alert.owner == actor.user:
        return []
    taken = replace(alert, handling="taken", owner=actor.user)
    return [AlertBecomes(taken, "answered", actor.user), audit("alert.take", alert.id, actor)]


def finish_alert(facts: Facts, alert_id: str, actor: Actor, at: datetime, *, note: str = "") -> list[Effect]:
    """Done with. A life alert is ended by its incident's verdict, not here; one whose source is active comes again
    when the source says so again."""
    alert = _alert(facts, alert_id)
    if alert.incident:
        raise Refused("alert.belongs_to_an_incident")
    details = {**alert.details, "note": note.strip()[:500]} if note.strip() else alert.details
    done = replace(alert, handling="done", done_at=at, owner=alert.owner or actor.user, details=details)
    return [
        AlertBecomes(done, "done", actor.user),
        ClearDeadline(f"fade/{alert.key}"),
        audit("alert.finish", alert.id, actor),
    ]


def _taken(alerts: Sequence[Alert], actor: Actor) -> list[Effect]:
    return [
        AlertBecomes(replace(alert, handling="taken", owner=actor.user), "answered", actor.user)
        for alert in alerts
        if alert.handling == "unanswered"
    ]


def _incident(facts: Facts, identity: str) -> Incident:
    if identity not in facts.incidents:
        raise Refused("incident.is_done")
    return facts.incidents[identity]


def _alert(facts: Facts, identity: str) -> Alert:
    found = next((alert for alert in facts.alerts.values() if alert.id == identity), None)
    if found is None:
        raise Refused("alert.is_done")
    return found
