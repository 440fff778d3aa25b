"""What a device can be asked to do. Each has an id, an expiry, who asked and why; an event answers it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from hub.core.access_events import CredentialKind
from hub.core.text import Identifier, Instant, Text, Word


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    id: UUID
    site: Identifier
    device: Identifier
    expires: Instant
    by: Word
    why: Text = ""


OPENINGS = ("door.open", "door.release", "compartment.open")
"""kinds that open something: never later than they were meant for"""


class OpenDoor(_Command):
    kind: Literal["door.open"] = "door.open"
    door: Word
    seconds: Annotated[int, Field(ge=1, le=254)] = 5


class ReleaseDoor(_Command):
    kind: Literal["door.release"] = "door.release"
    door: Word


class PutCredential(_Command):
    """A credential and its window at a device; never a picture: a face is enrolled at the gate itself."""

    kind: Literal["credential.put"] = "credential.put"
    person: Word
    name: Word = ""
    credential: CredentialKind
    number: Word | None = None
    doors: tuple[Word, ...] = ()
    from_: Instant | None = Field(default=None, alias="from")
    until: Instant | None = None


class RemoveCredential(_Command):
    kind: Literal["credential.remove"] = "credential.remove"
    person: Word


class PutPickup(_Command):
    kind: Literal["pickup.put"] = "pickup.put"
    parcel: Word
    compartment: Word
    code: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
    code_expires: Instant | None = None


class RemovePickup(_Command):
    kind: Literal["pickup.remove"] = "pickup.remove"
    parcel: Word
    compartment: Word


class OpenCompartment(_Command):
    kind: Literal["compartment.open"] = "compartment.open"
    compartment: Word


class SetClock(_Command):
    kind: Literal["device.set_clock"] = "device.set_clock"


class Replay(_Command):
    kind: Literal["device.replay"] = "device.replay"
    since: Instant
    until: Instant | None = None


class DutyCheck(_Command):
    kind: Literal["panel.duty_check"] = "panel.duty_check"
    minutes: Annotated[int, Field(ge=1, le=255)] = 10


class GuideRobot(_Command):
    kind: Literal["robot.guide"] = "robot.guide"
    to: Word


class Display(_Command):
    kind: Literal["display.show"] = "display.show"
    text: Text


class Announce(_Command):
    kind: Literal["announce.say"] = "announce.say"
    text: Text


Command = Annotated[
    OpenDoor
    | ReleaseDoor
    | PutCredential
    | RemoveCredential
    | PutPickup
    | RemovePickup
    | OpenCompartment
    | SetClock
    | Replay
    | DutyCheck
    | GuideRobot
    | Display
    | Announce,
    Field(discriminator="kind"),
]
CommandKind = Literal[
    "door.open", "door.release", "credential.put", "credential.remove", "pickup.put", "pickup.remove",
    "compartment.open", "device.set_clock", "device.replay", "panel.duty_check", "robot.guide",
    "display.show", "announce.say",
]  # fmt: skip

COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
