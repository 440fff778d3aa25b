"""What a locker's message means in the hub's own words."""

import re
import unicodedata
from datetime import datetime
from typing import assert_never

from hub.adapters.locker_mqtt.messages import (
    CommandAccepted,
    CommandDoneRecord,
    CompartmentConditionRecord,
    CompartmentMovedRecord,
    DeviceConditionRecord,
    DeviceReportedRecord,
    DeviceTroubleRecord,
    Happening,
    Heartbeat,
    Hello,
    Offline,
    OtherRecord,
    Outcome,
    ParcelPart,
    ParcelStoredRecord,
    ParcelTakenRecord,
    PickupRefusedRecord,
    Statement,
)
from hub.core.adapter import CommandOutcome, DeviceContext, Frame, Unreadable
from hub.core.device_events import (
    CompartmentCondition,
    CompartmentFaulted,
    CompartmentMoved,
    DeviceCondition,
    DeviceOffline,
    DeviceOnline,
    DeviceReported,
    Link,
    ParcelLabel,
    Recipient,
    Refused,
    Reported,
    Stored,
    Taken,
)
from hub.core.envelope import LATE_AFTER, SUSPECT_AFTER, Data
from hub.core.events import EVENT_CLASSES, Event
from hub.core.text import clean, rfc3339

_FIRST_YEAR = 2020
_TELEPHONE = re.compile(r"\+?[0-9]{4,20}")
_CHINESE_MOBILE = re.compile(r"(?:\+|00)?86(1[0-9]{10})")

Meaning = tuple[tuple[Event, ...], tuple[CommandOutcome, ...], Unreadable | None]


def read_record(record: Happening | Outcome, frame: Frame, device: DeviceContext) -> Meaning:
    """The events and command outcomes of a numbered record, and what of it could not be read."""
    if isinstance(record, Outcome):
        done = isinstance(record, CommandDoneRecord)
        return (), (CommandOutcome(ref=record.command, done=done, result=record.result),), None
    data, unreadable = _data(record)
    compartment = getattr(data, "compartment", None)
    event: Event = device.event(
        DeviceReported if isinstance(record, OtherRecord) else EVENT_CLASSES[record.type],
        data,
        frame=frame,
        record=f"{record.boot}/{record.number}/{rfc3339(record.time) if record.time else ''}",
        time=_believable(record.time, frame.received) if record.backlog else record.time,
        boot=record.time or record.booted,
        subject=f"compartment/{compartment}" if compartment else None,
        delivery="backlog" if record.backlog else "live",
        vendorcode=_vendor_code(record),
    )
    return (event,), (), unreadable


def read_statement(statement: Statement, frame: Frame, device: DeviceContext) -> tuple[Event, ...]:
    """The events of a message without a number: what is, rather than what happened."""
    match statement:
        case Hello():
            return _hello(statement, frame, device)
        case Heartbeat():
            return _heartbeat(statement, frame, device)
        case Offline(boot=boot, connection=connection, booted=booted):
            record = f"offline/{boot}/{connection}"
            return (device.event(DeviceOffline, Link(cause="lwt"), frame=frame, record=record, boot=booted),)
        case CommandAccepted():
            return ()
        case _:
            assert_never(statement)


def _believable(time: datetime | None, received: datetime) -> datetime | None:
    """A time that nothing compares with ours (only a live one is marked as suspect), unless the locker's clock was
    never set (most begin at 1970 or 2000) or runs ahead."""
    return time if time and time.year >= _FIRST_YEAR and time - received <= SUSPECT_AFTER else None


def _hello(hello: Hello, frame: Frame, device: DeviceContext) -> tuple[Event, ...]:
    """One `online` a connection, and one `started` a boot: on later connections it is the same event again."""
    online = device.event(
        DeviceOnline,
        Link(cause="connect"),
        frame=frame,
        record=f"hello/{hello.boot}/{hello.connection}",
        time=hello.time,
        boot=hello.booted,
    )
    began = _believable(hello.booted, frame.received)
    started = device.event(
        DeviceReported,
        Reported(what="started", text=clean(f"{hello.model} {hello.firmware}") or None),
        frame=frame,
        record=f"started/{hello.boot}",
        time=began,
        boot=hello.booted,
        delivery="backlog" if began and frame.received - began > LATE_AFTER else "live",
    )
    return online, started


def _heartbeat(heartbeat: Heartbeat, frame: Frame, device: DeviceContext) -> tuple[Event, ...]:
    """Which compartments are out of use: the one lasting condition that a lost record could leave wrong for ever."""
    compartments = heartbeat.state.compartments if heartbeat.state else {}
    return tuple(
        device.event(
            CompartmentFaulted,
            CompartmentCondition(compartment=compartment, active=state.fault),
            frame=frame,
            record=f"heartbeat/{heartbeat.boot}/{rfc3339(heartbeat.time or frame.received)}",
            time=_believable(heartbeat.time, frame.received),
            boot=heartbeat.time or frame.received,
            subject=f"compartment/{compartment}",
            delivery="snapshot",
        )
        for compartment, state in compartments.items()
    )


def _data(record: Happening) -> tuple[Data, Unreadable | None]:
    match record:
        case CompartmentMovedRecord(compartment=compartment, cause=cause, occupied=occupied):
            return CompartmentMoved(compartment=compartment, cause=cause, occupied=occupied), None
        case CompartmentConditionRecord(compartment=compartment, active=active):
            return CompartmentCondition(compartment=compartment, active=active), None
        case ParcelStoredRecord():
            return _stored(record)
        case ParcelTakenRecord(compartment=compartment, parcel=parcel, by=by):
            return Taken(compartment=compartment, parcel=_label(parcel) if parcel else None, by=by), None
        case PickupRefusedRecord(compartment=compartment, attempts=attempts, locked_out=locked_out):
            return Refused(compartment=compartment, attempts=attempts, locked_out=locked_out), None
        case DeviceConditionRecord(active=active, part=part) | DeviceTroubleRecord(active=active, part=part):
            return DeviceCondition(active=active, part=part), None
        case DeviceReportedRecord(what=what, text=text):
            return Reported(what=what, text=text), None
        case OtherRecord():
            return Reported(what="other"), None
        case _:
            assert_never(record)


def _stored(record: ParcelStoredRecord) -> tuple[Stored, Unreadable | None]:
    """A parcel whose telephone number is none is stored all the same, and the desk is told why it has no number."""
    raw = record.recipient.phone or ""
    phone = telephone(raw)
    stored = Stored(
        compartment=record.compartment,
        parcel=_label(record.parcel),
        recipient=Recipient(phone=phone, unit=record.recipient.unit, ref=record.recipient.ref),
        size=record.size,
        expires=record.expires,
    )
    if raw and not phone:
        return stored, Unreadable("parcel.stored: `recipient.phone` isn't a telephone number; the rest was read")
    return stored, None


def telephone(raw: str) -> str | None:
    """Digits alone; a Chinese mobile number without its country code. None for what can't be rung (masked, a name).

    "+86 138-0000-0000" → "13800000000", "+852 5100 0000" → "85251000000".
    """
    plain = re.sub(r"[\s()./-]", "", unicodedata.normalize("NFKC", raw))
    if not _TELEPHONE.fullmatch(plain):
        return None
    mobile = _CHINESE_MOBILE.fullmatch(plain)
    return mobile[1] if mobile else plain.removeprefix("+")


def _label(parcel: ParcelPart) -> ParcelLabel:
    return ParcelLabel(tracking=parcel.tracking, carrier=parcel.carrier)


def _vendor_code(record: Happening) -> str | None:
    match record:
        case OtherRecord(type=type_name):
            return f"locker:{clean(type_name, 100)}"
        case DeviceReportedRecord(code=str(code)):
            return f"locker:{clean(code, 100)}"
        case _:
            return None
