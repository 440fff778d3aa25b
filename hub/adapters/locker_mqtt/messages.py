"""What a locker says, as types: docs/locker-protocol.md and schema.json in this folder. Fields that aren't named here
are ignored, so that a later edition can add some."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from hub.core.device_events import CollectedBy, CompartmentCause
from hub.core.text import Text, Word

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> datetime:
    """An RFC 3339 time with offset as UTC; raises ValueError."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 time with offset")
    moment = datetime.fromisoformat(value)
    if not 1900 <= moment.year <= 2200:
        raise ValueError("is not a time between 1900 and 2200")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_instant)]
_LARGEST = 2**63 - 1
Count = Annotated[int, Field(ge=1, le=_LARGEST)]
Compartment = Annotated[Word, Field(pattern=r"^[^\s/\x00]{1,20}$")]
CommandId = Annotated[Word, Field(min_length=1, max_length=64)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Record(_Part):
    """What every numbered record has; the locker sends it again until it is kept."""

    boot: Count
    number: Count
    time: Moment | None = None
    booted: Moment | None = None
    backlog: bool = False


class OtherRecord(Record):
    """A record of a type that this edition doesn't know."""

    type: str


class CompartmentMovedRecord(Record):
    type: Literal["compartment.opened", "compartment.closed"]
    compartment: Compartment
    cause: CompartmentCause
    occupied: bool | None = None


class CompartmentConditionRecord(Record):
    type: Literal["compartment.left_open", "compartment.open_failed", "compartment.forced", "compartment.faulted"]
    compartment: Compartment
    active: bool


class ParcelPart(_Part):
    tracking: Annotated[Word, Field(min_length=1)]
    carrier: Word | None = None


class RecipientPart(_Part):
    phone: Word | None = None
    unit: Word | None = None
    ref: Word | None = None


class ParcelStoredRecord(Record):
    type: Literal["parcel.stored"]
    compartment: Compartment
    parcel: ParcelPart
    recipient: RecipientPart
    size: Word | None = None
    expires: Moment | None = None


class ParcelTakenRecord(Record):
    type: Literal["parcel.collected", "parcel.withdrawn"]
    compartment: Compartment
    parcel: ParcelPart | None = None
    by: CollectedBy


class PickupRefusedRecord(Record):
    type: Literal["pickup.refused"]
    compartment: Compartment | None = None
    attempts: Annotated[int, Field(ge=0, le=1_000_000)]
    locked_out: bool = False


class DeviceConditionRecord(Record):
    type: Literal["device.low_battery", "device.tampered"]
    active: bool
    part: Word = ""


class DeviceTroubleRecord(Record):
    type: Literal["device.trouble"]
    active: bool
    part: Annotated[Word, Field(min_length=1)]


class DeviceReportedRecord(Record):
    type: Literal["device.reported"]
    what: Literal["version", "settings", "clock", "other"]
    text: Text | None = None
    code: Annotated[Word, Field(max_length=100)] | None = None


class CommandDoneRecord(Record):
    type: Literal["command.done"]
    command: CommandId
    result: Literal["opened", "closed", "put", "removed", "set", "replayed"]


class CommandFailedRecord(Record):
    type: Literal["command.failed"]
    command: CommandId
    result: Literal["failed", "timeout", "refused", "expired", "unknown", "full", "unsupported", "interrupted"]


class Hello(_Part):
    type: Literal["hello"]
    boot: Count
    connection: Count
    firmware: Word
    model: Word = ""
    time: Moment | None = None
    booted: Moment | None = None


class CompartmentState(_Part):
    door: Literal["open", "closed", "unknown"]
    occupied: bool | None
    fault: bool


class State(_Part):
    compartments: Annotated[dict[Compartment, CompartmentState], Field(max_length=1000)]
    unkept: Annotated[int, Field(ge=0, le=_LARGEST)] = 0


class Heartbeat(_Part):
    type: Literal["heartbeat"]
    boot: Count
    time: Moment | None = None
    firmware: Word = ""
    state: State | None = None


class Offline(_Part):
    type: Literal["offline"]
    boot: Count
    connection: Count
    booted: Moment | None = None


class CommandAccepted(_Part):
    type: Literal["command.accepted"]
    command: CommandId


Happening = (
    CompartmentMovedRecord | CompartmentConditionRecord | ParcelStoredRecord | ParcelTakenRecord | PickupRefusedRecord
    | DeviceConditionRecord | DeviceTroubleRecord | DeviceReportedRecord | OtherRecord
)  # fmt: skip
Outcome = CommandDoneRecord | CommandFailedRecord
Statement = Hello | Heartbeat | Offline | CommandAccepted

_Known = Annotated[
    CompartmentMovedRecord | CompartmentConditionRecord | ParcelStoredRecord | ParcelTakenRecord | PickupRefusedRecord
    | DeviceConditionRecord | DeviceTroubleRecord | DeviceReportedRecord | Outcome | Statement,
    Field(discriminator="type"),
]  # fmt: skip
_KNOWN: TypeAdapter[_Known] = TypeAdapter(_Known)


def parse(raw: object) -> Happening | Outcome | Statement:
    """One message from its JSON value. Raises pydantic.ValidationError."""
    try:
        return _KNOWN.validate_python(raw)
    except ValidationError as error:
        if not is_numbered(raw) or error.errors(include_url=False)[0]["type"] != "union_tag_invalid":
            raise
        return OtherRecord.model_validate(raw)


def is_numbered(raw: object) -> TypeGuard[dict[str, Any]]:
    """Whether this is a record's JSON, as far as its boot and number go: what `kept` needs. A `kept` that comes back
    to us (a bridge that echoes) is none, or it would be answered for ever."""
    return (
        isinstance(raw, dict)
        and raw.get("type") != "kept"
        and all(type(count := raw.get(name)) is int and 1 <= count <= _LARGEST for name in ("boot", "number"))
    )
