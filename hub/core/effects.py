"""What a rule, or a person's act, decides. Each carries the record as it shall be; Facts and the store apply it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hub.core.records import (
    Alert,
    CommandRecord,
    Deadline,
    DoorState,
    Incident,
    Notice,
    PanelMode,
    Parcel,
    Person,
    Visit,
)

VisitStep = Literal["announced", "waiting", "opened", "departed", "cancelled", "answered", "filled"]
"""`filled`: history or details changed, not the state"""
ParcelStep = Literal["stored", "collected", "withdrawn", "filled"]
AlertStep = Literal["raised", "repeated", "answered", "cleared", "done"]
IncidentStep = Literal["opened", "joined", "answered", "judged", "done", "filled"]


@dataclass(frozen=True, slots=True)
class VisitBecomes:
    visit: Visit
    step: VisitStep
    by: str = ""


@dataclass(frozen=True, slots=True)
class ParcelBecomes:
    parcel: Parcel
    step: ParcelStep
    by: str = ""


@dataclass(frozen=True, slots=True)
class AlertBecomes:
    alert: Alert
    step: AlertStep
    by: str = ""


@dataclass(frozen=True, slots=True)
class IncidentBecomes:
    incident: Incident
    step: IncidentStep
    by: str = ""


@dataclass(frozen=True, slots=True)
class PanelModeBecomes:
    mode: PanelMode


@dataclass(frozen=True, slots=True)
class DoorBecomes:
    door: DoorState


@dataclass(frozen=True, slots=True)
class PersonBecomes:
    person: Person
    by: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class ClearDeadline:
    key: str


@dataclass(frozen=True, slots=True)
class SendNotice:
    notice: Notice


@dataclass(frozen=True, slots=True)
class SendCommand:
    record: CommandRecord


@dataclass(frozen=True, slots=True)
class CommandBecomes:
    """The outcome of a command."""

    command: str
    state: Literal["done", "failed", "expired", "unknown"]
    result: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Who did what to what: references only, never personal values."""

    act: str
    target: str
    by: str
    post: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


Effect = (
    VisitBecomes
    | ParcelBecomes
    | AlertBecomes
    | IncidentBecomes
    | PanelModeBecomes
    | DoorBecomes
    | PersonBecomes
    | SetDeadline
    | ClearDeadline
    | SendNotice
    | SendCommand
    | CommandBecomes
    | Audit
)


class Refused(Exception):
    """An act that can't be done as asked. `reason` is a catalogue key, `params` what it needs."""

    def __init__(self, reason: str, **params: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params
