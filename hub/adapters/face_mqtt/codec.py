"""A gate's payload as events, the answer that the gate waits for, and what it says to a command."""

from datetime import datetime

from pydantic_core import to_json

from hub.adapters.face_mqtt import records, topics
from hub.adapters.face_mqtt.commands import FaceOptions, outcome_of
from hub.adapters.face_mqtt.messages import Message, numbers_in, parse_message
from hub.core.adapter import Decoded, DeviceContext, Frame, Outgoing, Unreadable
from hub.core.device_events import DeviceOffline, DeviceOnline, Link
from hub.core.events import Event
from hub.core.pictures import cut_pictures

PUSH_ACK_TYPES = {"SnapID": 1, "RecordID": 2, "ID": 3}
"""what a PushAck answers, by the name of the number it repeats: a stranger, a recognition, anything else"""


def decode(frame: Frame, device: DeviceContext) -> Decoded:
    """Any bytes on any topic; never raises. The answer is formed also for a frame that is quarantined: a gate sends
    its records one by one and would otherwise be stuck at this one for ever."""
    payload = cut_pictures(frame.payload)
    own = topics.own_topic(frame.topic)
    if own is None and frame.topic not in topics.SHARED:
        return Decoded(unreadable=Unreadable("the topic isn't one that a face gate speaks on", "unknown"))
    if own and own[1] in topics.CREDENTIALS and not payload.lstrip().startswith(b"{"):
        return _decoded(records.presented(None, payload, own[1], frame, device), None)
    message = parse_message(payload)
    if isinstance(message, Unreadable):
        return Decoded(unreadable=message, reply=_yes_to_broken(payload, own))
    if wrong := _wrong_sender(message, own, device):
        return Decoded(unreadable=wrong, reply=_yes(message, own))
    if own is None:
        return _presence(message, own, frame, device) or Decoded(
            unreadable=Unreadable("only Online, Offline and HeartBeat belong on a topic that all gates share")
        )
    return _presence(message, own, frame, device) or _own(message, payload, own, frame, device)


def _own(message: Message, payload: bytes, own: tuple[str, str], frame: Frame, device: DeviceContext) -> Decoded:
    if message.operator.endswith("-Ack"):
        answered = message.operator not in ("PushAck-Ack", "Online-Ack", "GetSysTime-Ack")
        return Decoded(outcomes=(outcome_of(message),) if answered else (), now=_now(message, device))
    reply = _yes(message, own)
    match message.operator:
        case "RecPush":
            return _decoded(records.passage(message, frame, device), reply)
        case "StrSnapPush":
            return _decoded(records.stranger(message, frame, device), reply)
        case _ if own[1] in topics.CREDENTIALS:
            return _decoded(records.presented(message, payload, own[1], frame, device), None)
        case _:
            return _decoded(records.unknown(message, frame, device), reply)


def _decoded(found: Event | Unreadable, reply: Outgoing | None) -> Decoded:
    if isinstance(found, Unreadable):
        return Decoded(unreadable=found, reply=reply)
    return Decoded(events=(found,), reply=reply)


def _wrong_sender(message: Message, own: tuple[str, str] | None, device: DeviceContext) -> Unreadable | None:
    """No gate speaks for another one."""
    named = topics.gate_id(message)
    if own:
        return (
            Unreadable("the facesluiceId isn't the id in the topic", "identity") if named and named != own[0] else None
        )
    return None if named == device.address else Unreadable("the facesluiceId isn't this gate's", "identity")


def _presence(message: Message, own: tuple[str, str] | None, frame: Frame, device: DeviceContext) -> Decoded | None:
    """Online, Offline (the gate's last will) and HeartBeat; None for anything else."""
    match message.operator.lower():
        case "online":
            wall_clock = message.fields.time("time")
            said = message.fields.text("time")
            online = device.event(
                DeviceOnline,
                Link(cause="connect"),
                frame=frame,
                record=f"Online:{said}" if wall_clock else f"Online:{frame.received.isoformat()}",
                time=device.local_time(wall_clock) if wall_clock else None,
                boot=frame.received,
            )
            return Decoded(events=(online,), reply=_online_ack(device, own), now=_now(message, device))
        case "offline":
            # a will is written when the gate connects, so a time in it is not when it went away
            offline = device.event(
                DeviceOffline,
                Link(cause="lwt"),
                frame=frame,
                record=f"Offline:{frame.received.isoformat()}",
                boot=frame.received,
            )
            return Decoded(events=(offline,))
        case "heartbeat":
            return Decoded(reply=None if own else _ask_itself(device), now=_now(message, device))
        case "online-ack":  # our own, heard again on the shared topic
            return Decoded()
        case _:
            return None


def _now(message: Message, device: DeviceContext) -> datetime | None:
    """What the gate's clock reads: a beat's `time`, or `SysTime` in the answer to GetSysTime (a simulator's word for
    it: the manuals name no field)."""
    wall_clock = message.fields.time("systime", "time")
    return device.local_time(wall_clock) if wall_clock else None


def _ask_itself(device: DeviceContext) -> Outgoing:
    """A beat on the shared topic may be anybody's; what the gate answers comes on a topic of its own."""
    return _outgoing({"operator": "GetSysTime", "messageId": "beat", "info": {}}, topics.down(device.address))


def _online_ack(device: DeviceContext, own: tuple[str, str] | None) -> Outgoing:
    """A camera's manual (V1.25) wants it on the shared topic, a terminal's on the terminal's own."""
    camera = isinstance(device.options, FaceOptions) and device.options.family == "camera"
    answer = {"operator": "Online-Ack", "info": {"facesluiceId": device.address, "result": "ok"}}
    return _outgoing(answer, topics.BASIC if camera and own is None else topics.down(device.address))


def _yes(message: Message, own: tuple[str, str] | None) -> Outgoing | None:
    """PushAck for the number that the message bears, if it bears one."""
    for name in PUSH_ACK_TYPES:
        number = message.fields.number(name.lower())
        if own and number is not None:
            return _push_ack(own[0], name, number, message.message_id)
    return None


def _yes_to_broken(payload: bytes, own: tuple[str, str] | None) -> Outgoing | None:
    if own is None or own[1] in ("Ack", "ack"):
        return None
    found = numbers_in(payload)
    return _push_ack(own[0], *found[0], message_id="") if found else None


def _push_ack(address: str, name: str, number: int, message_id: str) -> Outgoing:
    answer = {
        "operator": "PushAck",
        "messageId": message_id or f"{name}-{number}",
        "info": {"PushAckType": PUSH_ACK_TYPES[name], "SnapOrRecordID": number},
    }
    return _outgoing(answer, topics.down(address))


def _outgoing(answer: object, topic: str) -> Outgoing:
    return Outgoing(to_json(answer), topic=topic)
