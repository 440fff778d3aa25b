"""The events that effects make: what became of visits, alerts and incidents, as rules and pages hear of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.core.effects import AlertBecomes, AlertStep, Effect, IncidentBecomes, IncidentStep, VisitBecomes, VisitStep
from hub.core.envelope import Data, Lane, event_id
from hub.core.events import Event
from hub.core.record_events import (
    AlertAnswered,
    AlertChange,
    AlertCleared,
    AlertDone,
    AlertRaised,
    IncidentAnswered,
    IncidentChange,
    IncidentDone,
    IncidentJudged,
    IncidentOpened,
    RecordEvent,
    VisitAnnounced,
    VisitAnswered,
    VisitCancelled,
    VisitChange,
    VisitDeparted,
    Visited,
    VisitOpened,
    VisitReply,
    VisitWaiting,
)
from hub.core.records import Alert, Incident, Visit

_VISIT_EVENTS: dict[VisitStep, type[RecordEvent]] = {
    "announced": VisitAnnounced,
    "waiting": VisitWaiting,
    "opened": VisitOpened,
    "departed": VisitDeparted,
    "cancelled": VisitCancelled,
    "answered": VisitAnswered,
}
_ALERT_EVENTS: dict[AlertStep, type[RecordEvent]] = {
    "raised": AlertRaised,
    "answered": AlertAnswered,
    "cleared": AlertCleared,
    "done": AlertDone,
}
_INCIDENT_EVENTS: dict[IncidentStep, type[RecordEvent]] = {
    "opened": IncidentOpened,
    "answered": IncidentAnswered,
    "judged": IncidentJudged,
    "done": IncidentDone,
}

_TYPES = {
    made: made.model_fields["type"].default
    for classes in (_VISIT_EVENTS, _ALERT_EVENTS, _INCIDENT_EVENTS)
    for made in classes.values()
}


@dataclass(frozen=True, slots=True)
class Decided:
    """The effects of one cause: an event, or (None) a person's act. `at` is the rules' time; `post` is where a
    person acted."""

    cause: Event | None
    at: datetime
    effects: Sequence[Effect]
    post: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A record event, and the incident in whose history it stands ("": in none)."""

    event: RecordEvent
    incident: str


def told(decided: Decided, site: str, received: datetime) -> list[Told]:
    """The record events of what was decided, not yet numbered. The same cause makes the same ids."""
    tellers: Counter[tuple[str, str]] = Counter()
    found = []
    for effect in decided.effects:
        news = _news(effect)
        if news is None:
            continue
        event_class, record, lane, data, incident = news
        place = tellers[event_class.__name__, record]
        tellers[event_class.__name__, record] += 1
        found.append(Told(_event(decided, site, received, event_class, record, lane, data, place), incident))
    return found


def histories(decided: Decided) -> set[str]:
    """The incidents in whose history the cause stands."""
    changed = {effect.incident.id for effect in decided.effects if isinstance(effect, IncidentBecomes)}
    return changed | {e.alert.incident for e in decided.effects if isinstance(e, AlertBecomes) and e.alert.incident}


_News = tuple[type[RecordEvent], str, Lane, Data, str]


def _news(effect: Effect) -> _News | None:
    match effect:
        case VisitBecomes(visit=visit, step=step, by=by) if step in _VISIT_EVENTS:
            return _VISIT_EVENTS[step], visit.id, "routine", _visit_data(visit, step, by), ""
        case AlertBecomes(alert=alert, step=step, by=by) if step in _ALERT_EVENTS:
            return _ALERT_EVENTS[step], alert.id, alert.lane, _alert_data(alert, by), alert.incident
        case IncidentBecomes(incident=incident, step=step, by=by) if step in _INCIDENT_EVENTS:
            return _INCIDENT_EVENTS[step], incident.id, "life", _incident_data(incident, by), incident.id
        case _:
            return None


def _visit_data(visit: Visit, step: VisitStep, by: str) -> Data:
    if step == "answered":
        return VisitReply(visit=visit.id, answer=visit.answer or "no_answer", by=by or visit.answered_by)
    return VisitChange(
        visit=visit.id,
        person=visit.ref,
        visited=Visited(ref=visit.visited or None, unit=visit.unit),
        kind=visit.kind,
        from_=visit.starts,
        until=visit.ends,
        by=by or visit.by,
    )


def _alert_data(alert: Alert, by: str) -> Data:
    return AlertChange(
        alert=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        door=alert.door or None,
        fire_zone=alert.fire_zone or None,
        device=alert.device or None,
        by=by or None,
    )


def _incident_data(incident: Incident, by: str) -> Data:
    return IncidentChange(
        incident=incident.id,
        kind=incident.kind,
        fire_zone=incident.place or None,
        verdict=incident.verdict,
        cause=incident.cause or None,
        by=by or None,
    )


def _event(
    decided: Decided,
    site: str,
    received: datetime,
    event_class: type[RecordEvent],
    record: str,
    lane: Lane,
    data: Data,
    place: int,
) -> RecordEvent:
    cause = decided.cause
    identity = event_id(
        decided.at,
        site=site,
        device="",
        type_name=_TYPES[event_class],
        subject=None,
        record=f"{cause.id if cause is not None else decided.at.isoformat()}/{record}",
        place=place,
    )
    return event_class(
        id=identity,
        source=f"/sites/{site}/posts/{decided.post}" if decided.post else f"/sites/{site}/hub",
        time=decided.at,
        received=max(received, decided.at),
        lane=lane,
        clock="hub",
        data=data,
    )
