"""Every event type, as one union discriminated on `type`. The vocabulary's tables are in the docs."""

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from hub.core.access_events import AccessEvent
from hub.core.device_events import DeviceEvent, LockerEvent
from hub.core.fire_events import EmergencyEvent, FireEvent
from hub.core.record_events import RecordEvent

Event = Annotated[
    AccessEvent | FireEvent | EmergencyEvent | LockerEvent | DeviceEvent | RecordEvent,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

EVENT_CLASSES = {member.model_fields["type"].default: member for member in get_args(get_args(Event)[0])}


def parse_event(raw: bytes | str) -> Event:
    """One canonical event from its JSON. Raises pydantic.ValidationError."""
    return EVENT.validate_json(raw)


def dump_event(event: Event) -> bytes:
    """The canonical JSON: absent attributes left out, times in UTC."""
    return event.model_dump_json(exclude_none=True).encode()
