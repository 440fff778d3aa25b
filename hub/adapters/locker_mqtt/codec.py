"""A locker's messages in, `kept` and commands out. The protocol: docs/locker-protocol.md."""

import json
import re
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from hub.adapters.locker_mqtt.messages import Heartbeat, Hello, Statement, is_numbered, parse
from hub.adapters.locker_mqtt.vocabulary import read_record, read_statement
from hub.core.adapter import Decoded, DeviceContext, Encoded, Frame, Outgoing, Unreadable, Unsupported
from hub.core.commands import Command, OpenCompartment, PutPickup, RemovePickup, Replay, SetClock
from hub.core.text import clean, rfc3339

_UP = re.compile(r"locker/v1/([^/]+)/([^/]+)/up")
_COMPARTMENT = re.compile(r"[^\s/]{1,20}")
_ABOUT_THE_WHOLE = {
    "union_tag_not_found": "`type` is missing",
    "union_tag_invalid": "`type` is none that a locker sends, and it is no record with boot and number",
}
_PLAIN = {
    "missing": "is missing",
    "model_type": "isn't a JSON object",
    "int_type": "isn't a whole number",
    "string_type": "isn't text",
    "bool_type": "isn't true or false",
    "string_pattern_mismatch": "holds a character that can't stand there, or is too long",
}


def address(frame: Frame, site: str) -> str | None:
    """The locker's address, from the topic that the broker let it use."""
    found = _UP.fullmatch(frame.topic)
    return found[2] if found and found[1] == site else None


def decode(frame: Frame, device: DeviceContext) -> Decoded:
    """One message of a locker. Every record whose boot and number can be found is answered `kept`, readable or not."""
    try:
        raw = from_json(frame.payload)
    except ValueError as error:
        reason = f"this isn't JSON in UTF-8: {clean(str(error), 100)}"
        return Decoded(reply=_kept(_broken_json(frame.payload), frame, device), unreadable=Unreadable(reason, "format"))
    try:
        message = parse(raw)
    except ValidationError as error:
        return Decoded(reply=_kept(raw, frame, device), unreadable=Unreadable(_what_is_wrong(error)))
    if isinstance(message, Statement):
        return Decoded(events=read_statement(message, frame, device), now=_now(message))
    events, outcomes, unreadable = read_record(message, frame, device)
    return Decoded(events, _kept(raw, frame, device), outcomes, unreadable)


def _now(message: Statement) -> datetime | None:
    """What the locker's clock reads; a will was written long before it is sent."""
    match message:
        case Hello(time=time) | Heartbeat(time=time):
            return time
        case _:
            return None


def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Encoded | Unsupported:
    """A command as the locker's message; its id is the hub's own, so `number` isn't needed."""
    order: dict[str, str] = {
        "type": command.kind,
        "command": str(command.id),
        "now": rfc3339(now),
        "expires": rfc3339(command.expires),
    }
    match command:
        case OpenCompartment():
            order |= {"compartment": command.compartment}
        case PutPickup():
            order |= {"parcel": command.parcel, "compartment": command.compartment, "code": command.code}
            if command.code_expires:
                order["code_expires"] = rfc3339(command.code_expires)
        case RemovePickup():
            order |= {"parcel": command.parcel, "compartment": command.compartment}
        case SetClock():
            order["time"] = rfc3339(now)
        case Replay():
            order["since"] = rfc3339(command.since)
            if command.until:
                order["until"] = rfc3339(command.until)
        case _:
            return Unsupported(f"a locker can't be told {command.kind}")
    if "compartment" in order and not _COMPARTMENT.fullmatch(order["compartment"]):
        return Unsupported(f"{clean(order['compartment'], 40)!r} can't be the number of a compartment")
    topic = f"locker/v1/{device.site}/{device.address}/down"
    return Encoded((Outgoing(_json(order), topic=topic),), ref=str(command.id))


def _kept(raw: object, frame: Frame, device: DeviceContext) -> Outgoing | None:
    """The answer to the record with this boot and number; None where they can't be found."""
    if not is_numbered(raw):
        return None
    topic = frame.topic[: -len("up")] + "down" if _UP.fullmatch(frame.topic) else ""
    return Outgoing(
        _json({"type": "kept", "boot": raw["boot"], "number": raw["number"]}),
        topic=topic or f"locker/v1/{device.site}/{device.address}/down",
    )


def _broken_json(payload: bytes) -> object:
    """What a lenient reader makes of a message with wrong letters in it (GB18030 text, half a character)."""
    for encoding in ("gb18030", "utf-8"):
        try:
            return json.loads(payload.decode(encoding, errors="replace"))
        except (ValueError, RecursionError):
            continue
    return None


def _what_is_wrong(error: ValidationError) -> str:
    """Which fields are wrong, and why; never what they held."""
    wrong = [_field_and_reason(each) for each in error.errors(include_url=False, include_input=False)]
    return "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")


def _field_and_reason(error: ErrorDetails) -> str:
    if not error["loc"]:
        return _ABOUT_THE_WHOLE.get(error["type"], "this isn't a JSON object")
    path = ".".join(clean(str(part), 40) for part in error["loc"])
    return f"`{path}` {_PLAIN.get(error['type'], error['msg'].removeprefix('Value error, '))}"


def _json(message: dict[str, Any]) -> bytes:
    return to_json(message)
