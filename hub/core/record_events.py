"""What became of records: written by the hub in the commit that changes the record, never by a device."""

from typing import ClassVar, Literal

from pydantic import Field

from hub.core.envelope import Data, Envelope, Lane
from hub.core.text import Instant, Text, Word


class Visited(Data):
    ref: Word | None = None
    unit: Word


class VisitChange(Data):
    visit: Word
    person: Word
    visited: Visited
    kind: Word
    from_: Instant | None = Field(default=None, alias="from")
    until: Instant | None = None
    by: Word


class VisitReply(Data):
    visit: Word
    answer: Literal["agreed", "refused", "no_answer"]
    by: Word


class AlertChange(Data):
    alert: Word
    kind: Word
    severity: Word
    door: Word | None = None
    fire_zone: Word | None = None
    device: Word | None = None
    by: Word | None = None


class IncidentChange(Data):
    incident: Word
    kind: Word
    fire_zone: Word | None = None
    verdict: Word | None = None
    cause: Text | None = None
    by: Word | None = None


class VisitAnnounced(Envelope):
    type: Literal["visit.announced"] = "visit.announced"
    data: VisitChange


class VisitWaiting(Envelope):
    type: Literal["visit.waiting"] = "visit.waiting"
    data: VisitChange


class VisitOpened(Envelope):
    type: Literal["visit.opened"] = "visit.opened"
    data: VisitChange


class VisitDeparted(Envelope):
    type: Literal["visit.departed"] = "visit.departed"
    data: VisitChange


class VisitCancelled(Envelope):
    type: Literal["visit.cancelled"] = "visit.cancelled"
    data: VisitChange


class VisitAnswered(Envelope):
    type: Literal["visit.answered"] = "visit.answered"
    data: VisitReply


class _AlertsLane(Envelope):
    usual_lane: ClassVar[Lane | None] = None


class AlertRaised(_AlertsLane):
    type: Literal["alert.raised"] = "alert.raised"
    data: AlertChange


class AlertAnswered(_AlertsLane):
    type: Literal["alert.answered"] = "alert.answered"
    data: AlertChange


class AlertCleared(_AlertsLane):
    type: Literal["alert.cleared"] = "alert.cleared"
    data: AlertChange


class AlertDone(_AlertsLane):
    type: Literal["alert.done"] = "alert.done"
    data: AlertChange


class _IncidentsLane(Envelope):
    usual_lane: ClassVar[Lane | None] = "life"


class IncidentOpened(_IncidentsLane):
    type: Literal["incident.opened"] = "incident.opened"
    data: IncidentChange


class IncidentAnswered(_IncidentsLane):
    type: Literal["incident.answered"] = "incident.answered"
    data: IncidentChange


class IncidentJudged(_IncidentsLane):
    type: Literal["incident.judged"] = "incident.judged"
    data: IncidentChange


class IncidentDone(_IncidentsLane):
    type: Literal["incident.done"] = "incident.done"
    data: IncidentChange


RecordEvent = (
    VisitAnnounced | VisitWaiting | VisitOpened | VisitDeparted | VisitCancelled | VisitAnswered
    | AlertRaised | AlertAnswered | AlertCleared | AlertDone
    | IncidentOpened | IncidentAnswered | IncidentJudged | IncidentDone
)  # fmt: skip
