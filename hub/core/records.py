"""What the desk keeps: frozen records. A change is a new value; the store writes what changed in one commit.

`host` and `sequence` are those of the event that last changed the record's state: a change of state applies only if
its sequence exceeds that (sequences of different hosts are never compared).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.core.commands import Command
from hub.core.envelope import Lane

Severity = Literal["critical", "high", "medium", "low"]
PersonKind = Literal["owner", "family", "tenant", "visitor", "staff", "courier"]
VisitState = Literal["expected", "waiting", "open", "departed", "cancelled"]
ParcelState = Literal["stored", "collected", "withdrawn"]
Source = Literal["active", "quiet"]
Handling = Literal["unanswered", "taken", "done"]
IncidentState = Literal["unanswered", "answered", "judged", "done"]
IncidentKind = Literal["fire", "evacuation", "help", "duress", "emergency"]
Verdict = Literal["real", "false", "test"]
FalseCause = Literal["cooking", "steam", "dust", "building_work", "smoking", "touched", "faulty_device", "other"]
NoticeState = Literal["queued", "sent", "failed", "held"]
CommandState = Literal["queued", "kept", "done", "failed", "expired", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One way through: `number` is the card's or code's, `ref` what devices know the holder by (customId, Pin)."""

    id: str
    site: str
    person: str
    kind: str
    number: str = ""
    ref: str = ""
    zones: tuple[str, ...] = ()
    starts: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    site: str
    kind: PersonKind
    name: str
    phone: str = ""
    email: str = ""
    unit: str = ""
    language: Literal["zh", "en"] = "zh"
    vip: bool = False
    watch: Literal["none", "block", "watch"] = "none"
    needs_help: str = ""
    lease_ends: datetime | None = None
    credentials: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visitor record, from expected to departed. `ref` (digits) is what gates and readers know the visitor by."""

    id: str
    site: str
    ref: str
    state: VisitState
    kind: str
    name: str
    unit: str
    phone: str = ""
    visited: str = ""
    purpose: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    announced_at: datetime
    opened_at: datetime | None = None
    opened_door: str = ""
    departed_at: datetime | None = None
    departed_door: str = ""
    answer: Literal["", "agreed", "refused", "no_answer"] = ""
    answered_by: str = ""
    plate: str = ""
    items: str = ""
    id_seen: str = ""
    by: str
    late: bool = False
    entered_later: bool = False
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One item kept for someone: in a locker (`device`, `compartment`) or at the desk (`shelf`).

    `code_hash` is the keyed hash of the pickup code; the code itself stands only in the notice and the command. `by` is
    "" where so far only its end was heard of.
    """

    id: str
    site: str
    state: ParcelState
    tracking: str
    carrier: str = ""
    device: str = ""
    compartment: str = ""
    shelf: str = ""
    person: str = ""
    phone: str = ""
    unit: str = ""
    size: str = ""
    stored_at: datetime
    told_at: datetime | None = None
    """when the locker's own clock says that it was put there (by ""): that it was taken"""
    expires: datetime | None = None
    taken_at: datetime | None = None
    taken_by: str = ""
    code_hash: bytes | None = None
    notified: bool = False
    reminders: int = 0
    overdue: bool = False
    by: str
    late: bool = False
    entered_later: bool = False
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a post must look at. `key` is one per thing: while an alert with it isn't done, a repeat joins it."""

    id: str
    site: str
    kind: str
    severity: Severity
    lane: Lane
    key: str
    source: Source = "active"
    handling: Handling = "unanswered"
    owner: str = ""
    device: str = ""
    subject: str = ""
    door: str = ""
    zone: str = ""
    fire_zone: str = ""
    floor: str = ""
    label: str = ""
    shown: str = ""
    detector: str = ""
    listed: bool = True
    raised_at: datetime
    last_at: datetime
    quiet_at: datetime | None = None
    done_at: datetime | None = None
    count: int = 1
    late: bool = False
    incident: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    told_at: datetime
    """when its source became what it is, by the clock of the device that said so; never compared with ours"""
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The life alerts of one place and kind, with answer, verdict and time nodes.

    `place` is the fire zone (`b3/07`), or the door or place for the other kinds. `counts` is by detector.
    """

    id: str
    site: str
    kind: IncidentKind
    place: str
    state: IncidentState = "unanswered"
    source: Source = "active"
    opened_at: datetime
    first_at: datetime
    first_label: str = ""
    first_shown: str = ""
    first_detector: str = ""
    first_device: str = ""
    floor: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    activations: int = 0
    feedbacks: int = 0
    coincidence: bool = False
    joined_at: datetime | None = None
    """when the latest point joined; it sounds again and shows for 10 s"""
    asked_again_at: datetime | None = None
    """when it was unanswered again after a verdict; the three minutes to the next one run from there"""
    late: bool = False
    late_count: int = 0
    answered_at: datetime | None = None
    answered_by: str = ""
    judged_at: datetime | None = None
    judged_by: str = ""
    verdict: Verdict | None = None
    cause: str = ""
    treated_as_real: bool = False
    rung: int = 0
    """how far up the ladder of receivers it has climbed"""
    done_at: datetime | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelMode:
    """A fire system's mode as its panel last said it; `system` is the subject of its mode events, `since` is by the
    panel's own clock."""

    site: str
    device: str
    system: str
    linkage: Literal["auto", "manual"]
    delayed: bool
    since: datetime
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorState:
    """`since` is by the clock of the device that said so."""

    site: str
    door: str
    open: bool | None = None
    locked: bool | None = None
    since: datetime
    host: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A durable timer. One that waits for an `absence` is offered only when the intake has passed its due time for
    the `devices` it concerns (none named: every host of the site)."""

    site: str
    key: str
    kind: str
    lane: Lane
    due: datetime
    record: str = ""
    absence: bool = False
    devices: tuple[str, ...] = ()
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to a person, or to a post. `key` names its cause; every repeat bears the same."""

    key: str
    site: str
    template: str
    language: Literal["zh", "en"] = "zh"
    channel: str
    to: str = ""
    """address on that channel; "" for the desk"""
    person: str = ""
    record: str = ""
    severity: Severity = "low"
    params: Mapping[str, str] = field(default_factory=dict)
    state: NoticeState = "queued"
    attempts: int = 0
    next_at: datetime
    error: str = ""
    created_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """A command and what became of it. `kept`: its host has its id on disk; from there on it is never repeated."""

    command: Command
    state: CommandState = "queued"
    record: str = ""
    created_at: datetime
    closed_at: datetime | None = None
    result: str = ""


Record = Person | Visit | Parcel | Alert | Incident | PanelMode | DoorState | Deadline | Notice | CommandRecord
