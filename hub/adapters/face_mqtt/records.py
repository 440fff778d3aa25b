"""A gate's records as events: who was let in, who wasn't, who was only seen, which card or code was read."""

import re
from datetime import datetime
from typing import Any, Literal, TypeVar

from hub.adapters.face_mqtt.messages import Fields, Message, time_of
from hub.adapters.face_mqtt.topics import CREDENTIALS
from hub.core.access_events import (
    Access,
    AccessDenied,
    AccessGranted,
    CredentialPresented,
    CredentialShown,
    Denied,
    DeniedReason,
    Direction,
    Method,
    PersonSeen,
    PersonSeenAt,
    Presented,
    Sighting,
)
from hub.core.adapter import DeviceContext, Frame, Unreadable
from hub.core.device_events import DeviceReported, Reported
from hub.core.envelope import Data, Delivery, Envelope
from hub.core.events import Event
from hub.core.pictures import MARKER

DOOR = "1"
SUBJECT = f"door/{DOOR}"
LONGEST_READ = 200

CARD_FIELDS = ("rfidcard", "mjcardno", "cardnum2")
READ_FIELDS: dict[str, tuple[str, ...]] = {
    "qr": ("qrcodeinfo", "qrcode", "szqrcodedata"),
    "card": ("cardnum", "cardno", "iccardnum", *CARD_FIELDS),
}
"""where a bare read has its number, by what was read"""

_DIRECTIONS: dict[str, Direction] = {"entr": "entry", "entry": "entry", "exit": "exit"}
_MASKS: dict[int, Literal["not_worn"]] = {1: "not_worn", 2: "not_worn"}
_TIME_FIELDS = ("time", "createtime", "snaptime")
# 0 and 1 are what a terminal writes into its card fields when no card is known.
_NO_CARD = ("", "0", "1")
_CITIZEN = re.compile(r"[0-9]{17}[0-9Xx]")

E = TypeVar("E", bound=Envelope)


def passage(message: Message, frame: Frame, device: DeviceContext) -> Event | Unreadable:
    """RecPush: a face (or card, or code) that the gate compared with its list."""
    fields = message.fields
    status = fields.number("verifystatus")
    if status is None and fields.text("verifystatus"):
        return Unreadable("VerifyStatus isn't a number")
    vendorcode = "face:RecPush" if status is None else f"face:{status}"
    similarity = _similarity(fields)
    seen: dict[str, Any] = {
        "door": DOOR,
        "direction": _direction(fields),
        "person": _person(fields, status),
        "similarity": similarity,
        "snapshot": _snapshot(fields),
    }
    if not status:
        return _event(PersonSeen, Sighting(**seen), message, frame, device, series="RecordID", vendorcode=vendorcode)
    credential = _credential(fields)
    passed: dict[str, Any] = {
        **seen,
        "method": _method(credential, similarity),
        "credential": credential,
        "temperature": _within(fields.real("temperature"), 1, 200),
        "mask": _MASKS.get(fields.number("isnomask") or 0, "unknown"),
    }
    if status == 1:
        return _event(AccessGranted, Access(**passed), message, frame, device, series="RecordID", vendorcode=vendorcode)
    moment = fields.time(*_TIME_FIELDS) or frame.received.astimezone(device.time_zone).replace(tzinfo=None)
    refused = Denied(**passed, reason=_reason(status, fields, moment))
    return _event(AccessDenied, refused, message, frame, device, series="RecordID", vendorcode=vendorcode)


def stranger(message: Message, frame: Frame, device: DeviceContext) -> Event:
    """StrSnapPush: a face that nobody knows, without a door decision."""
    fields = message.fields
    seen = Sighting(
        door=DOOR,
        direction=_direction(fields),
        person=PersonSeenAt(list="stranger"),
        similarity=_similarity(fields),
        snapshot=_snapshot(fields),
    )
    return _event(PersonSeen, seen, message, frame, device, series="SnapID", vendorcode="face:StrSnapPush")


def unknown(message: Message, frame: Frame, device: DeviceContext) -> Event:
    """An alarm of the camera's own, or an operator that nobody told us of: kept under its vendor's name."""
    vendorcode = f"face:{message.operator}"
    series = next((name for name in ("RecordID", "SnapID") if message.fields.text(name.lower())), "ID")
    data = Reported(what="other")
    return _event(DeviceReported, data, message, frame, device, series=series, vendorcode=vendorcode, subject=None)


def presented(
    message: Message | None, payload: bytes, channel: str, frame: Frame, device: DeviceContext
) -> Event | Unreadable:
    """A card or code that the gate only read: raw text, or JSON with the number in one of several places."""
    kind = CREDENTIALS[channel]
    number = _raw_read(payload) if message is None else _read_in(message.fields, kind)
    if isinstance(number, Unreadable):
        return number
    identity = channel == "IDCard" and bool(_CITIZEN.fullmatch(number))
    if message and not number and channel == "IDCard":
        number, identity = message.fields.text("idcard"), True
    if not number:
        return Unreadable(f"there is no number in this read on topic {channel}")
    if len(number) > LONGEST_READ:
        return Unreadable(f"the read on topic {channel} is longer than {LONGEST_READ} characters")
    # a citizen's number is an identity, not a credential of ours: that something was read is all that is kept
    shown = None if identity else number
    data = Presented(reader=DOOR, credential=CredentialShown.model_validate({"kind": kind, "number": shown}))
    return _event(
        CredentialPresented,
        data,
        message or Message(channel, "", Fields({})),
        frame,
        device,
        series=channel,
        number=number,
        vendorcode=f"face:{channel}",
        subject=f"reader/{DOOR}",
    )


def _event(
    event_class: type[E],
    data: Data,
    message: Message,
    frame: Frame,
    device: DeviceContext,
    *,
    series: str,
    vendorcode: str,
    subject: str | None = SUBJECT,
    number: str | None = None,
) -> E:
    """The record key is the kind of number, the number, and the record's time as the gate wrote it: numbers begin
    again at 1 after a factory reset."""
    fields = message.fields
    counted = fields.number(series.lower())
    number = number or (fields.text(series.lower()) if counted is None else str(counted))
    said = fields.text(*_TIME_FIELDS)
    wall_clock = time_of(said)
    record = f"{series}:{number}:{said}"
    # Where nothing of the gate's own tells this record from the next one, two copies are two events.
    nameless = wall_clock is None and (not number or series in CREDENTIALS)
    return device.event(
        event_class,
        data,
        frame=frame,
        record=f"{record}:{frame.received.isoformat()}" if nameless else record,
        time=device.local_time(wall_clock) if wall_clock else None,
        boot=frame.received if nameless else None,
        subject=subject,
        delivery=_delivery(fields),
        vendorcode=vendorcode,
    )


def _delivery(fields: Fields) -> Delivery | None:
    """Pushed again by hand, or made more than 10 s before it was sent: from the gate's memory. Some say neither."""
    if fields.number("pushtype") == 2:
        return "backlog"
    match fields.number("sendintime"):
        case 0:
            return "backlog"
        case 1:
            return "live"
        case _:
            return None


def _person(fields: Fields, status: int | None) -> PersonSeenAt:
    ref = fields.text("customid")
    name = fields.text("personname", "persionname") or None
    if status == 3 or (not status and not ref and not name):
        return PersonSeenAt(ref=ref, name=name, list="stranger")
    return PersonSeenAt(ref=ref, name=name, list="block" if fields.number("persontype") == 1 else "allow")


def _reason(status: int, fields: Fields, moment: datetime) -> DeniedReason:
    if status == 3:
        return "credential_not_found"
    if status != 2:
        return "other"
    if fields.number("persontype") == 1:
        return "blocked_person"
    begin = fields.time("validbegin", "cardvalidbegin")
    end = fields.time("validend", "cardvalidend")
    if end and moment > end:
        return "credential_expired"
    if begin and moment < begin:
        return "credential_not_active"
    return "unauthorized"


def _credential(fields: Fields) -> CredentialShown | None:
    if code := fields.text("szqrcodedata"):
        return CredentialShown(kind="qr", number=code)
    for name in CARD_FIELDS:
        if (card := fields.text(name)) not in _NO_CARD:
            return CredentialShown(kind="card", number=card)
    return None


def _method(credential: CredentialShown | None, similarity: float | None) -> Method:
    """OpendoorWay and otype have no published table, so this goes by what the record holds: a code was scanned; a
    card without a face comparison was a card; a card beside one may only be the card that the person has."""
    if credential and credential.kind == "qr":
        return "qr"
    return "card" if credential and similarity is None else "face"


def _direction(fields: Fields) -> Direction:
    return _DIRECTIONS.get(fields.text("direction").lower(), "unknown")


def _snapshot(fields: Fields) -> str | None:
    cut = MARKER.fullmatch(fields.text("pic"))
    return f"sha256:{cut[2]}" if cut else None


def _similarity(fields: Fields) -> float | None:
    """0–100; a gate writes 0 where it compared no face."""
    return _within(fields.real("similarity1"), 0, 100) or None


def _within(value: float | None, lowest: float, highest: float) -> float | None:
    return value if value is not None and lowest <= value <= highest else None


def _read_in(fields: Fields, kind: str) -> str:
    names = READ_FIELDS[kind]
    limit = LONGEST_READ + 1
    return fields.text(*names, limit=limit) or fields.inside("cardinfo").text(*names, limit=limit)


def _raw_read(payload: bytes) -> str | Unreadable:
    try:
        text = payload.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        return Unreadable(f"the payload isn't UTF-8: byte {error.start}")
    if not text.isprintable() or MARKER.search(text):
        return Unreadable("the read isn't plain text")
    return text
