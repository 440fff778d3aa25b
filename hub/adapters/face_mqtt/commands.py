"""What a gate can be told, and what its answers mean. One command is one message on the gate's own topic."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hub.adapters.face_mqtt.messages import Message
from hub.adapters.face_mqtt.topics import down
from hub.core.adapter import CommandOutcome, DeviceContext, Encoded, Outgoing, Unsupported
from hub.core.commands import Command, CommandKind, OpenDoor, PutCredential, RemoveCredential, Replay, SetClock

COMMANDS: frozenset[CommandKind] = frozenset(
    {"door.open", "credential.put", "credential.remove", "device.set_clock", "device.replay"}
)

LONGEST_ID, LONGEST_NAME, LONGEST_CARD = 48, 32, 10
_EARLIEST, _LATEST = datetime(2000, 1, 2, tzinfo=UTC), datetime(2099, 12, 30, tzinfo=UTC)


class FaceOptions(BaseModel):
    """`family`: a terminal (turnstile, door unit) opens doors and knows cards; a camera only recognises."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Literal["terminal", "camera"] = "terminal"


def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Encoded | Unsupported:
    camera = isinstance(device.options, FaceOptions) and device.options.family == "camera"
    match command:
        case OpenDoor() if camera:
            return Unsupported("a camera of this family has no door to open")
        case OpenDoor():
            return _told(device, command, "Unlock", {"openDoor": 1})
        case PutCredential():
            person = _person(command, device, now, camera=camera)
            return person if isinstance(person, Unsupported) else _told(device, command, "EditPerson", person)
        case RemoveCredential():
            if wrong := _unusable_id(command.person):
                return wrong
            return _told(device, command, "DelPerson", {"customId": command.person})
        case SetClock():
            return _told(device, command, "SetSysTime", {"SysTime": _local(now, device).replace(" ", "T")})
        case Replay():
            span = {"TimeS": _local(command.since, device), "TimeE": _local(command.until or now, device)}
            return _told(device, command, "ManualPushRecords", span)
        case _:
            return Unsupported(f"a face gate can't be told {command.kind}")


def outcome_of(message: Message) -> CommandOutcome:
    """A `…-Ack`. The code beside it says 200 also when a person was refused, so only `result` and the absence of
    errors count. The same error number means different things by operator, so both are named."""
    fields = message.fields
    operator = message.operator.removesuffix("-Ack")
    listed = [*fields.listed("adderrinfo"), *fields.listed("delerrinfo")]
    counts = [fields.text(name) for name in ("adderrnum", "delerrnum")]
    said, code = fields.text("result").lower(), fields.text("code")
    wrong = bool(listed) or any(count not in ("", "0") for count in counts) or code not in ("", "0", "200")
    if said == "ok" and not wrong:
        return CommandOutcome(ref=message.message_id, done=True, result="ok")
    codes = {item.text("errcode", limit=20): None for item in listed} | {fields.text("errcode", limit=20): None}
    named = ",".join(code for code in codes if code) or (code if code not in ("", "0", "200") else said or "no result")
    return CommandOutcome(ref=message.message_id, done=False, result=f"{operator}/{named}"[:100])


def _person(
    command: PutCredential, device: DeviceContext, now: datetime, *, camera: bool
) -> dict[str, str | int] | Unsupported:
    """The person with a window, and the card or code. Never a picture: a face is enrolled at the gate itself, and
    an EditPerson without one leaves it as it is."""
    if wrong := _unusable_id(command.person):
        return wrong
    person: dict[str, str | int] = {"customId": command.person, "personType": 0}
    if command.name:
        person["name"] = command.name[:LONGEST_NAME]
    if command.credential in ("card", "qr"):
        if camera:
            return Unsupported("a camera of this family reads no cards and codes")
        if not command.number or len(command.number) > LONGEST_CARD:
            return Unsupported(f"a gate takes card and code numbers of 1 to {LONGEST_CARD} characters")
        person |= {"RFIDCard": command.number, "RFCardMode": 0 if command.number.isdigit() else 1}
    elif command.credential != "face":
        return Unsupported(f"a face gate knows no credential of kind {command.credential}")
    return person | _window(command, device, now, camera=camera)


def _window(command: PutCredential, device: DeviceContext, now: datetime, *, camera: bool) -> dict[str, str | int]:
    """The two families name the same window differently; a terminal's firmwares know one pair or the other."""
    if command.from_ is None and command.until is None:
        return {"tempValid": 0} if camera else {"tempValid": 0, "tempCardType": 0}
    begin, end = _local(command.from_ or now, device), _local(command.until or _LATEST, device)
    window: dict[str, str | int] = {"tempValid": 1, "validBegin": begin, "validEnd": end}
    return window if camera else window | {"tempCardType": 1, "cardValidBegin": begin, "cardValidEnd": end}


def _unusable_id(person: str) -> Unsupported | None:
    if 1 <= len(person) <= LONGEST_ID:
        return None
    return Unsupported(f"a gate takes personal ids of 1 to {LONGEST_ID} characters")


def _local(moment: datetime, device: DeviceContext) -> str:
    """The gate's wall clock, `YYYY-MM-DD HH:MM:SS`."""
    local = min(max(moment, _EARLIEST), _LATEST).astimezone(device.time_zone)
    return local.replace(tzinfo=None).isoformat(" ", "seconds")


def _told(device: DeviceContext, command: Command, operator: str, info: Mapping[str, str | int]) -> Encoded:
    ref = str(command.id)
    message = {"messageId": ref, "operator": operator, "info": info}
    payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return Encoded(frames=(Outgoing(payload, topic=down(device.address)),), ref=ref)
