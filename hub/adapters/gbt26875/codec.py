"""What a GB/T 26875.3-2011 frame means, what the device is answered, and the two commands it can be given.

No command here silences, resets, shields or initialises anything, and none may be added.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.adapters.gbt26875.framing import (
    ANSWERS,
    CONFIRM,
    CONTROL,
    DENY,
    REPLY,
    REQUEST,
    SEND,
    Packet,
    fault,
    parse,
    read_time,
    refuse,
    time_tag,
)
from hub.adapters.gbt26875.objects import Item, Meaning, meanings, read_items
from hub.core.adapter import (
    CommandOutcome,
    Decoded,
    DeviceContext,
    Encoded,
    Frame,
    Outgoing,
    Unreadable,
    Unsupported,
)
from hub.core.commands import Command, DutyCheck, SetClock
from hub.core.device_events import DeviceReported, Reported
from hub.core.envelope import Delivery
from hub.core.events import Event

BACKLOG_AFTER = timedelta(seconds=60)
HEARTBEAT, HEARTBEAT_ANSWER = b"\x16", b"\x17"
SET_CLOCK, DUTY_CHECK = 90, 91
MAX_ADDRESS = 2**48 - 1


class Options(BaseModel):
    """What the integrator knows of one panel. `test_bit`: bit 0 clear means test there. `restores`: whether a point's
    quiet is sent for it, or only by the system's reset. `centre`: the address that the device knows this hub by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_bit: bool = False
    restores: Literal["point", "reset"] = "point"
    centre: Annotated[int, Field(ge=0, le=MAX_ADDRESS)] = 0


def address(frame: Frame, site: str) -> str | None:
    """The source address in decimal; None where the bytes are no frame."""
    return None if fault(frame.payload) else str(int.from_bytes(parse(frame.payload).source, "little"))


def decode(frame: Frame, device: DeviceContext) -> Decoded:
    reason = fault(frame.payload)
    if reason is not None:
        no = refuse(frame.payload)
        return Decoded(unreadable=Unreadable(reason, "broken"), reply=Outgoing(no) if no else None)
    packet = parse(frame.payload)
    if packet.command == SEND:
        return _sent(packet, frame, device)
    if packet.command in ANSWERS:
        return _answered(packet, frame, device)
    if packet.command in (CONTROL, REQUEST):
        return _overheard(packet, frame, device)
    return Decoded(
        unreadable=Unreadable(f"command byte {packet.command} isn't known", "unknown"),
        reply=_answer(packet, DENY, frame, device),
    )


def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Encoded | Unsupported:
    """`number` modulo 65536 is the sequence number, and in decimal the `ref` that the answer is found by."""
    tag = time_tag(now.astimezone(device.time_zone))
    match command:
        case DutyCheck():
            data = bytes([DUTY_CHECK, 1, command.minutes])
        case SetClock():
            data = bytes([SET_CLOCK, 1]) + tag
        case _:
            return Unsupported(f"a fire panel's transmission device takes no {command.kind}")
    if not device.address.isdecimal() or int(device.address) > MAX_ADDRESS:
        return Unsupported(f"its address {device.address!r} isn't a whole number from 0 to {MAX_ADDRESS}")
    centre = device.options.centre if isinstance(device.options, Options) else 0
    packet = Packet(
        sequence=number % 65536,
        version=b"\1\1",
        sent=tag,
        source=centre.to_bytes(6, "little"),
        destination=int(device.address).to_bytes(6, "little"),
        command=CONTROL,
        data=data,
    )
    return Encoded(frames=(Outgoing(packet.encode()),), ref=str(packet.sequence))


def _sent(packet: Packet, frame: Frame, device: DeviceContext) -> Decoded:
    sent = read_time(packet.sent)
    now = device.local_time(sent) if sent else None
    if packet.data == HEARTBEAT:
        return Decoded(reply=_answer(packet, CONFIRM, frame, device, HEARTBEAT_ANSWER), now=now)
    events, reason = _read(packet, frame, device)
    return Decoded(
        events=events,
        reply=_answer(packet, CONFIRM, frame, device),
        unreadable=Unreadable(reason) if reason else None,
        now=now,
    )


def _overheard(packet: Packet, frame: Frame, device: DeviceContext) -> Decoded:
    """What a centre tells a device, heard on our side (a second centre on one line, a looped wire): it is kept, and
    nothing is done."""
    kind = packet.data[0] if packet.data else None
    words = {SET_CLOCK: "set clock", DUTY_CHECK: "duty check"}.get(kind or 0, "")
    if kind == DUTY_CHECK and len(packet.data) > 2:
        words = f"{words}, {packet.data[2]} minutes"
    sent = read_time(packet.sent)
    event = device.event(
        DeviceReported,
        Reported(what="other", text=f"a centre's command{f': {words}' if words else ''}"),
        frame=frame,
        record=f"command/{packet.command}/{packet.sequence}/{packet.data.hex()}",
        time=device.local_time(sent) if sent else None,
        vendorcode=f"gb:command {packet.command}" + ("" if kind is None else f"/{kind}"),
    )
    return Decoded(events=(event,), reply=_answer(packet, CONFIRM, frame, device))


def _answer(packet: Packet, command: int, frame: Frame, device: DeviceContext, data: bytes = b"") -> Outgoing:
    return Outgoing(packet.answer(command, time_tag(frame.received.astimezone(device.time_zone)), data).encode())


def _answered(packet: Packet, frame: Frame, device: DeviceContext) -> Decoded:
    """The device's yes, no or data to a command of ours. Nothing asks for data, but what it says isn't dropped."""
    done = packet.command != DENY
    outcome = CommandOutcome(ref=str(packet.sequence), done=done, result="" if done else "denied")
    events, reason = _read(packet, frame, device) if packet.command == REPLY else ((), "")
    return Decoded(events=events, outcomes=(outcome,), unreadable=Unreadable(reason) if reason else None)


def _read(packet: Packet, frame: Frame, device: DeviceContext) -> tuple[tuple[Event, ...], str]:
    """The events of all objects that can be read, and why the others can't ("" where there are none)."""
    if not packet.data:
        return (), ""
    if len(packet.data) == 1:
        return (), f"one byte of data, {packet.data[0]:02X}: neither a heartbeat (16) nor an object"
    items, reason = read_items(packet.data)
    test_bit = isinstance(device.options, Options) and device.options.test_bit
    events: list[Event] = []
    before: Counter[Item] = Counter()
    for item in items:
        found = meanings(item, test_bit=test_bit)
        events += [_event(meaning, item, before[item], packet, frame, device) for meaning in found]
        before[item] += 1
    return tuple(events), reason


def _event(meaning: Meaning, item: Item, place: int, packet: Packet, frame: Frame, device: DeviceContext) -> Event:
    happened = read_time(item.time_tag)
    return device.event(
        meaning.event,
        meaning.data,
        frame=frame,
        record=_record(meaning, item, packet, frame, timed=happened is not None),
        time=device.local_time(happened) if happened else None,
        place=place,
        subject=meaning.subject,
        delivery=_delivery(packet, happened),
        vendorcode=meaning.code,
    )


def _delivery(packet: Packet, happened: datetime | None) -> Delivery:
    """Both times are of the device's own clock, so a wrong clock makes no backlog."""
    if packet.command == REPLY:
        return "snapshot"
    sent = read_time(packet.sent)
    return "backlog" if happened and sent and sent - happened > BACKLOG_AFTER else "live"


def _record(meaning: Meaning, item: Item, packet: Packet, frame: Frame, *, timed: bool) -> str:
    """What is equal in a resend only. An object with a time of its own is known by its bytes. One without is known
    by its frame too: the standard's resend is the same frame; and where that has no time either, by when it came,
    because a second line is harmless and a missing fire isn't."""
    record = f"{meaning.code} {item.body.hex()} {item.tag.hex()}"
    if timed:
        return record
    frame_time = packet.sent.hex() if read_time(packet.sent) else frame.received.isoformat()
    return f"{record} {packet.sequence} {frame_time}"
