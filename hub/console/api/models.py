"""What the API answers with: records as the desk keeps them, names and numbers of people masked.

Built from the records' own fields, so that a field added there is missed by nobody but left out on purpose.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, PlainSerializer, WithJsonSchema

from hub.console.api.masks import mask_address, mask_number, masked_data, masked_details
from hub.console.text import mask_name, mask_phone
from hub.core import records as core
from hub.core.building import Device as DeclaredDevice
from hub.core.envelope import Clock, Delivery, Lane
from hub.core.text import rfc3339
from hub.store.devices import DeviceStatus, SeenFrame
from hub.store.events import StoredEvent
from hub.store.quarantine import QuarantinedFrame

When = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""RFC 3339 in UTC"""


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True, serialize_by_alias=True)


T = TypeVar("T", bound=Answer)


class Listed(Answer, Generic[T]):
    """One page, newest first. `next` asks for what follows (`?cursor=`), null at the end; `total` is of all pages,
    where it is counted."""

    items: tuple[T, ...]
    next: str | None
    total: int | None


class Visit(Answer):
    """`ref` is what gates and readers know the visitor by. Name, phone and plate are masked."""

    id: str
    ref: str
    state: core.VisitState
    kind: str
    name: str
    phone: str
    plate: str
    unit: str
    visited: str
    purpose: str
    items: str
    starts: When | None
    ends: When | None
    announced_at: When
    opened_at: When | None
    opened_door: str
    departed_at: When | None
    departed_door: str
    answer: Literal["", "agreed", "refused", "no_answer"]
    answered_by: str
    by: str
    late: bool
    entered_later: bool

    @classmethod
    def of(cls, visit: core.Visit) -> Self:
        shown = cls.model_validate(visit)
        masks = {"name": mask_name(visit.name), "phone": mask_phone(visit.phone), "plate": mask_number(visit.plate)}
        return shown.model_copy(update=masks)


class VisitRevealed(Answer):
    """What a visit says of its visitor, whole."""

    id: str
    name: str
    phone: str
    plate: str
    id_seen: str


class Parcel(Answer):
    """In a locker (`device`, `compartment`) or at the desk (`shelf`). Phone and tracking number are masked; the pickup
    code is in no answer."""

    id: str
    state: core.ParcelState
    tracking: str
    carrier: str
    device: str
    compartment: str
    shelf: str
    person: str
    phone: str
    unit: str
    size: str
    stored_at: When
    expires: When | None
    taken_at: When | None
    taken_by: str
    notified: bool
    reminders: int
    overdue: bool
    by: str
    late: bool
    entered_later: bool

    @classmethod
    def of(cls, parcel: core.Parcel) -> Self:
        shown = cls.model_validate(parcel)
        return shown.model_copy(update={"tracking": mask_number(parcel.tracking), "phone": mask_phone(parcel.phone)})


class ParcelRevealed(Answer):
    """Whose a parcel is, whole. `name` is "" where the recipient isn't known."""

    id: str
    tracking: str
    name: str
    phone: str


class Alert(Answer):
    """`key` is one per thing; `source` says whether it still goes on, `handling` what the desk has done."""

    id: str
    kind: str
    severity: core.Severity
    lane: Lane
    key: str
    source: core.Source
    handling: core.Handling
    owner: str
    device: str
    subject: str
    door: str
    zone: str
    fire_zone: str
    floor: str
    label: str
    shown: str
    detector: str
    listed: bool
    raised_at: When
    last_at: When
    quiet_at: When | None
    done_at: When | None
    count: int
    late: bool
    incident: str
    details: Mapping[str, str]

    @classmethod
    def of(cls, alert: core.Alert) -> Self:
        return cls.model_validate(alert).model_copy(update={"details": masked_details(alert.details)})


class AlertRevealed(Answer):
    """What is known besides, whole: who reported it, and from which phone."""

    id: str
    details: Mapping[str, str]


class Incident(Answer):
    id: str
    kind: core.IncidentKind
    place: str
    state: core.IncidentState
    source: core.Source
    opened_at: When
    first_at: When
    first_label: str
    first_shown: str
    first_detector: str
    first_device: str
    floor: str
    counts: Mapping[str, int]
    activations: int
    feedbacks: int
    coincidence: bool
    joined_at: When | None
    late: bool
    late_count: int
    answered_at: When | None
    answered_by: str
    judged_at: When | None
    judged_by: str
    verdict: core.Verdict | None
    cause: str
    treated_as_real: bool
    rung: int
    done_at: When | None

    @classmethod
    def of(cls, incident: core.Incident) -> Self:
        return cls.model_validate(incident)


class EventRecord(Answer):
    """A CloudEvent as it was stored, with what the building calls its place ("" where it has no name for it). Personal
    values in `data` are masked."""

    specversion: Literal["1.0"]
    id: str
    host: str | None
    sequence: int | None
    source: str
    type: str
    subject: str | None
    time: When
    received: When
    lane: Lane
    delivery: Delivery
    clock: Clock
    vendorcode: str | None
    data: Mapping[str, JsonValue]
    late: bool
    stored_at: When
    door: str
    zone: str
    fire_zone: str
    label: str

    @classmethod
    def of(cls, stored: StoredEvent) -> Self:
        event = stored.event
        return cls(
            specversion=event.specversion,
            id=str(event.id),
            host=event.host,
            sequence=event.sequence,
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=event.time,
            received=event.received,
            lane=event.lane,
            delivery=event.delivery,
            clock=event.clock,
            vendorcode=event.vendorcode,
            data=masked_data(event),
            late=stored.late,
            stored_at=stored.stored_at,
            door=stored.door,
            zone=stored.zone,
            fire_zone=stored.fire_zone,
            label=stored.label,
        )


class IncidentWhole(Incident):
    """With its alerts and its history, both oldest first."""

    alerts: tuple[Alert, ...]
    timeline: tuple[EventRecord, ...]


class Frame(Answer):
    """One of the last frames of a device that isn't declared: `meaning` are the events it would give."""

    at: When
    hex: str
    topic: str
    meaning: tuple[str, ...]
    reason: str

    @classmethod
    def of(cls, seen: SeenFrame) -> Self:
        return cls.model_validate(seen)


class Device(Answer):
    """`link` is never where nothing was heard yet; `skew` is its clock against the hub's, in seconds;
    `let_fall` its frames that the hub had no room for, since its start."""

    id: str
    declared: bool
    name: str
    name_en: str
    adapter: str
    address: str
    peer: str
    model: str
    host: str
    link: Literal["online", "offline", "never"]
    last_heard: When | None
    since: When | None
    skew: float | None
    waiting: int
    let_fall: int
    let_fall_since: When | None
    detail: Mapping[str, str]
    frames: tuple[Frame, ...]

    @classmethod
    def of(cls, device: str, declared: DeclaredDevice | None, status: DeviceStatus | None) -> Self:
        """From what the building says of it, what its host says, or both."""
        return cls(
            id=device,
            declared=declared is not None,
            name=declared.name.zh if declared else "",
            name_en=declared.name.en if declared else "",
            adapter=declared.adapter if declared else status.adapter if status else "",
            address=declared.address if declared else status.address if status else "",
            peer=status.peer if status else declared.peer if declared else "",
            model=declared.model if declared else "",
            host=status.host if status else "",
            link=status.link if status else "never",
            last_heard=status.last_heard if status else None,
            since=status.since if status else None,
            skew=status.skew if status else None,
            waiting=status.waiting if status else 0,
            let_fall=status.let_fall if status else 0,
            let_fall_since=status.let_fall_since if status else None,
            detail=status.detail if status else {},
            frames=tuple(Frame.of(seen) for seen in status.frames) if status and declared is None else (),
        )


class Command(Answer):
    """What a device was asked to do, and what became of it."""

    id: str
    device: str
    kind: str
    state: core.CommandState
    by: str
    why: str
    record: str
    created_at: When
    expires: When
    closed_at: When | None
    result: str

    @classmethod
    def of(cls, record: core.CommandRecord) -> Self:
        command = record.command
        return cls(
            id=str(command.id),
            device=command.device,
            kind=command.kind,
            state=record.state,
            by=command.by,
            why=command.why,
            record=record.record,
            created_at=record.created_at,
            expires=command.expires,
            closed_at=record.closed_at,
            result=record.result,
        )


class DeviceWhole(Device):
    """With the last things that it was asked to do, newest first."""

    commands: tuple[Command, ...]


class Notice(Answer):
    """A message to a person or a post. `to` is masked; the words are in `…/reveal`, since they may hold a code."""

    key: str
    template: str
    language: Literal["zh", "en"]
    channel: str
    to: str
    person: str
    record: str
    severity: core.Severity
    state: core.NoticeState
    attempts: int
    next_at: When
    error: str
    created_at: When
    sent_at: When | None

    @classmethod
    def of(cls, notice: core.Notice) -> Self:
        return cls.model_validate(notice).model_copy(update={"to": mask_address(notice.to)})


class NoticeRevealed(Answer):
    """A notice as its reader gets it, whole."""

    key: str
    to: str
    title: str
    text: str


class KeptFrame(Answer):
    """A frame that couldn't be read, or an event that couldn't be stored."""

    id: str
    device: str
    host: str
    lane: Lane
    topic: str
    received: When
    reason: str
    bytes: int
    sent_again_at: When | None

    @classmethod
    def of(cls, kept: QuarantinedFrame) -> Self:
        return cls(**_quarantined(kept))


class KeptFrameWhole(KeptFrame):
    """With its bytes."""

    hex: str
    traceback: str

    @classmethod
    def of(cls, kept: QuarantinedFrame) -> Self:
        return cls(**_quarantined(kept), hex=kept.frame.hex(), traceback=kept.traceback)


def _quarantined(kept: QuarantinedFrame) -> dict[str, object]:
    same = ("id", "device", "host", "lane", "topic", "received", "reason", "sent_again_at")
    return {name: getattr(kept, name) for name in same} | {"bytes": len(kept.frame)}


class VisitList(Listed[Visit]):
    pass


class ParcelList(Listed[Parcel]):
    pass


class AlertList(Listed[Alert]):
    pass


class IncidentList(Listed[Incident]):
    pass


class DeviceList(Listed[Device]):
    pass


class EventList(Listed[EventRecord]):
    pass


class NoticeList(Listed[Notice]):
    pass


class KeptFrameList(Listed[KeptFrame]):
    pass
