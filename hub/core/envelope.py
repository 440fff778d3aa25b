"""The envelope that every event bears: CloudEvents 1.0 attributes, and the id derived from what the device sent."""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hub.core.text import Identifier, Instant, Integer, Word

Lane = Literal["life", "routine"]
Delivery = Literal["live", "backlog", "snapshot"]
Clock = Literal["device", "hub", "suspect"]

SUSPECT_AFTER = timedelta(minutes=5)
LATE_AFTER = timedelta(seconds=60)


class Data(BaseModel):
    """What an event says; frozen, and no field goes unnoticed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class Envelope(BaseModel):
    """CloudEvents 1.0 (cloudevents.io, spec 1.0.2) with the hub's extension attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, allow_inf_nan=False)

    #: the lane of this type; None where it is the lane of the device's kind
    usual_lane: ClassVar[Lane | None] = "routine"

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    host: Identifier | None = None
    sequence: Annotated[Integer, Field(ge=0)] | None = None
    after: Annotated[Integer, Field(ge=0)] | None = None
    """on the bus: the row of its lane that went out before it; absent where its host begins anew"""
    source: Annotated[str, Field(pattern=r"^/sites/[^/]+/(devices/[^/]+|posts/[^/]+|hub)$", max_length=400)]
    subject: Word | None = None
    time: Instant
    received: Instant
    lane: Lane
    delivery: Delivery = "live"
    clock: Clock = "device"
    vendorcode: Word | None = None

    @property
    def site(self) -> str:
        return self.source.split("/")[2]

    @property
    def device(self) -> str:
        """The device's id, or "" for an event of the hub or of a person at a post."""
        parts = self.source.split("/")
        return parts[4] if parts[3] == "devices" else ""

    @property
    def late(self) -> bool:
        return self.delivery == "backlog" or (self.received - self.time > LATE_AFTER and self.clock != "suspect")

    @property
    def at(self) -> datetime:
        """The one time that a rule sees: `received` when live (or the clock is suspect), `time` when late."""
        return self.time if self.late else self.received


def _counted(part: str) -> bytes:
    raw = part.encode()
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(maxsize=4096)
def _beginning(site: str, device: str, type_name: str, subject: str) -> bytes:
    """The same for each event of a kind at a point."""
    return b"".join(map(_counted, (site, device, type_name, subject)))


def event_id(
    moment: datetime | None, *, site: str, device: str, type_name: str, subject: str | None, record: str, place: int = 0
) -> UUID:
    """UUIDv8 (RFC 9562, 5.8): 48 bits of `moment` in ms (0 where the record has none), then SHA-256.

    `record` is what is equal in a resend and different in another record; `place` tells apart
    events of one frame.
    """
    milliseconds = max(0, round(moment.timestamp() * 1000)) if moment else 0
    told = _beginning(site, device, type_name, subject or "") + _counted(record) + _counted(str(place))
    digest = hashlib.sha256(told).digest()
    tail = int.from_bytes(digest[:10], "big")
    value = (milliseconds & (2**48 - 1)) << 80 | tail
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
