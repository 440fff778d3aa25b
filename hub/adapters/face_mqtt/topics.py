"""The gate's topics: `mqtt/face/{id}/…` is its own, `mqtt/face/basic` and `…/heartbeat` belong to all gates; one that
can be set to `mqtt/face/{id}/basic` and `…/heartbeat` has those of its own too."""

from hub.adapters.face_mqtt.messages import Message, parse_message
from hub.core.adapter import Frame
from hub.core.text import clean

BASIC = "mqtt/face/basic"
SHARED = (BASIC, "mqtt/face/heartbeat")
OWN = ("Rec", "rec/AttendanceRecord", "Snap", "Ack", "ack", "QRCode", "IDCard", "Card", "Alarm", "basic", "heartbeat")
CREDENTIALS = {"QRCode": "qr", "IDCard": "card", "Card": "card"}
"""topics that carry a bare read, and what was read"""


def down(address: str) -> str:
    """Where a gate hears commands and answers."""
    return f"mqtt/face/{address}"


def own_topic(topic: str) -> tuple[str, str] | None:
    """(the gate's id, what it says there), or None for a topic that isn't one gate's own."""
    parts = topic.split("/", 3)
    if len(parts) < 4 or parts[:2] != ["mqtt", "face"] or not parts[2] or parts[3] not in OWN:
        return None
    return parts[2], parts[3]


def address(frame: Frame, site: str) -> str | None:
    """Who sent this: the topic says it, or on a shared topic the payload's facesluiceId."""
    if own := own_topic(frame.topic):
        return own[0]
    if frame.topic not in SHARED:
        return None
    message = parse_message(frame.payload)
    return gate_id(message) or None if isinstance(message, Message) else None


def gate_id(message: Message) -> str:
    """The facesluiceId that the payload names; "" where it names none."""
    return clean(message.fields.text("facesluiceid"), 100)
