"""Doors and access, in ONVIF's and BACnet's terms."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hub.core.envelope import Data, Envelope, Lane
from hub.core.text import Word

Direction = Literal["entry", "exit", "unknown"]
Method = Literal["card", "face", "pin", "qr", "fingerprint", "plate", "remote", "exit_button", "combined", "other"]
PersonList = Literal["allow", "block", "visitor", "stranger"]
CredentialKind = Literal["card", "face", "pin", "qr", "fingerprint", "plate"]
DeniedReason = Literal[
    "credential_not_found", "credential_not_enabled", "credential_not_active", "credential_expired",
    "invalid_pin", "not_permitted_at_this_time", "unauthorized", "passback", "interlock",
    "blocked_person", "not_alive", "other",
]  # fmt: skip
DoorCause = Literal["grant", "exit_button", "remote", "schedule", "fire", "unknown"]


class PersonSeenAt(Data):
    """Who the device says it saw; `ref` is the id that the hub gave, or "" where the device knows none."""

    ref: Word = ""
    name: Word | None = None
    list: PersonList = "allow"


class CredentialShown(Data):
    kind: CredentialKind
    number: Word | None = None
    bits: Annotated[int, Field(ge=0, le=4096)] | None = None
    facility: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


class Access(Data):
    door: Word
    direction: Direction = "unknown"
    method: Method = "other"
    person: PersonSeenAt | None = None
    credential: CredentialShown | None = None
    similarity: Annotated[float, Field(ge=0, le=100)] | None = None
    temperature: Annotated[float, Field(ge=-100, le=200)] | None = None
    mask: Literal["worn", "not_worn", "unknown"] = "unknown"
    snapshot: Word | None = None


class Denied(Access):
    reason: DeniedReason


class Presented(Data):
    reader: Word
    credential: CredentialShown


class DoorMoved(Data):
    door: Word
    cause: DoorCause = "unknown"


class DoorCondition(Data):
    door: Word
    active: bool


class Sighting(Data):
    door: Word | None = None
    direction: Direction = "unknown"
    person: PersonSeenAt | None = None
    similarity: Annotated[float, Field(ge=0, le=100)] | None = None
    snapshot: Word | None = None


class AccessGranted(Envelope):
    type: Literal["access.granted"] = "access.granted"
    data: Access


class AccessDenied(Envelope):
    type: Literal["access.denied"] = "access.denied"
    data: Denied


class AccessDuress(Envelope):
    usual_lane: ClassVar[Lane | None] = "life"
    type: Literal["access.duress"] = "access.duress"
    data: Access


class CredentialPresented(Envelope):
    type: Literal["credential.presented"] = "credential.presented"
    data: Presented


class DoorOpened(Envelope):
    type: Literal["door.opened"] = "door.opened"
    data: DoorMoved


class DoorClosed(Envelope):
    type: Literal["door.closed"] = "door.closed"
    data: DoorMoved


class DoorLocked(Envelope):
    type: Literal["door.locked"] = "door.locked"
    data: DoorMoved


class DoorUnlocked(Envelope):
    type: Literal["door.unlocked"] = "door.unlocked"
    data: DoorMoved


class DoorForced(Envelope):
    type: Literal["door.forced"] = "door.forced"
    data: DoorCondition


class DoorHeldOpen(Envelope):
    type: Literal["door.held_open"] = "door.held_open"
    data: DoorCondition


class DoorTailgated(Envelope):
    type: Literal["door.tailgated"] = "door.tailgated"
    data: DoorCondition


class PersonSeen(Envelope):
    type: Literal["person.seen"] = "person.seen"
    data: Sighting


AccessEvent = (
    AccessGranted | AccessDenied | AccessDuress | CredentialPresented | DoorOpened | DoorClosed | DoorLocked
    | DoorUnlocked | DoorForced | DoorHeldOpen | DoorTailgated | PersonSeen
)  # fmt: skip
