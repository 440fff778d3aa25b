"""What an adapter is: a manifest, `decode`, `encode`. Both are pure; the host and the transports do the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from hub.core.commands import Command, CommandKind
from hub.core.envelope import LATE_AFTER, SUSPECT_AFTER, Clock, Data, Delivery, Envelope, Lane, event_id
from hub.core.events import Event


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of an HTTP request. `query` and `headers` keep the last value of a repeated name; header names are
    lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class Frame(NamedTuple):
    """What a device sent, as it sent it: an MQTT payload with its topic, one framed TCP message, or an HTTP body
    with its request's head. `received` is UTC. `peer` is the network address, "" over MQTT."""

    payload: bytes
    received: datetime
    topic: str = ""
    request: RequestHead | None = None
    retained: bool = False
    peer: str = ""


class Outgoing(NamedTuple):
    """Bytes to a device: a reply or a command. `topic` over MQTT, `status` and `content_type` over HTTP."""

    payload: bytes
    topic: str = ""
    status: int = 200
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What a device answered to a command. `ref` is what `encode` named it by; "" where the answer names nothing
    and the one command under way at that device is meant."""

    ref: str
    done: bool
    result: str = ""


UnreadableKind = Literal["broken", "format", "unknown", "identity", "content", "adapter"]
"""what the desk is told in its own words: bytes damaged on the way; not in the protocol's form; a kind of message that
nobody here knows; in another device's name; a value that can't be; the adapter itself failed"""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a frame, or a part of it, can't be read: plain words, what was found where. Never personal data."""

    reason: str
    kind: UnreadableKind = "content"

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class Decoded(NamedTuple):
    """What a frame means.

    `reply` is sent only after the events (and the quarantined frame) are on disk. `takes_commands` is how many
    commands the device's poll may carry away: their frames are then the reply's body instead. `now` is what the
    device's clock reads, in UTC, where the frame says it; `recorded` the time of its newest record, from a device
    that never says `now`.
    """

    events: tuple[Event, ...] = ()
    reply: Outgoing | None = None
    outcomes: tuple[CommandOutcome, ...] = ()
    unreadable: Unreadable | None = None
    takes_commands: int = 0
    now: datetime | None = None
    recorded: datetime | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """A command as frames. `ref` is found again in the device's answer (CommandOutcome.ref)."""

    frames: tuple[Outgoing, ...]
    ref: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why this device can't be told that."""

    reason: str


class NoOptions(BaseModel):
    """The keys an adapter adds to `[device.X]`: none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


E = TypeVar("E", bound=Envelope)

AHEAD = timedelta(seconds=5)
"""what a corrected time may lie ahead of when it was received, for clocks that tell whole seconds: further ahead shows
that the correction isn't right any more, or never was, as with frames that were all sent again after one delay"""


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """What a codec knows of the device whose frame it decodes. `skew` is what its clock was learned to be ahead by."""

    site: str
    id: str
    address: str
    time_zone: tzinfo
    kind_lane: Lane = "routine"
    options: BaseModel = field(default_factory=NoOptions)
    skew: timedelta = timedelta()

    def local_time(self, naive: datetime) -> datetime:
        """The device's wall clock as UTC. A time that the zone skips or repeats is read as its first meaning."""
        return naive.replace(tzinfo=self.time_zone).astimezone(UTC)

    def event(
        self,
        event_class: type[E],
        data: Data,
        *,
        frame: Frame,
        record: str,
        time: datetime | None = None,
        boot: datetime | None = None,
        place: int = 0,
        subject: str | None = None,
        delivery: Delivery | None = "live",
        vendorcode: str | None = None,
        lane: Lane | None = None,
    ) -> E:
        """An event of this device. `record` is the record key; `time` is the device's, in UTC, None where it has
        none; `boot` is the boot or session start that the device names, where a record has no time. `delivery` is
        None where the protocol doesn't say it: what happened over a minute ago then comes from the device's memory.
        An emergency that its protocol calls live is never late for its clock: what is learned of that may be too old,
        or not enough.

        The id is made of the device's time as it is, or a resend would be another event once the skew is learned."""
        type_name = event_class.model_fields["type"].default
        said_live = delivery == "live"
        of_lane = lane or event_class.usual_lane or self.kind_lane
        happened = frame.received if time is None else self._by_our_clock(time, frame.received, said_live)
        if delivery is None:
            delivery = "backlog" if frame.received - happened > LATE_AFTER else "live"
        clock: Clock = "hub" if time is None else "device"
        if time is not None and delivery == "live" and abs(time - frame.received) > SUSPECT_AFTER:
            clock = "suspect"
        if (
            said_live
            and of_lane == "life"
            and getattr(data, "active", False)
            and frame.received - happened > LATE_AFTER
        ):
            clock = "suspect"
        identity = event_id(
            time or boot,
            site=self.site,
            device=self.id,
            type_name=type_name,
            subject=subject,
            record=record,
            place=place,
        )
        return event_class(
            id=identity,
            source=f"/sites/{self.site}/devices/{self.id}",
            subject=subject,
            time=happened,
            received=frame.received,
            lane=of_lane,
            delivery="snapshot" if frame.retained else delivery,
            clock=clock,
            vendorcode=vendorcode,
            data=data,  # type: ignore[call-arg]  # every event class has it; the base has not
        )

    def _by_our_clock(self, time: datetime, received: datetime, said_live: bool) -> datetime:
        """A time that would lie ahead was written while the device's clock was right; one of now, by a protocol that
        says so, when it has just been set right."""
        corrected = time - self.skew
        was_set = said_live and abs(time - received) < abs(corrected - received)
        return time if was_set or corrected - received > AHEAD else corrected


@dataclass(frozen=True, slots=True)
class Split:
    """What a stream's first bytes are: whole frames, and stretches that can't be part of one; `rest` waits for
    more bytes. `junk` pairs the bytes with the reason."""

    frames: tuple[bytes, ...] = ()
    junk: tuple[tuple[bytes, str], ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Tcp:
    """The device connects to us. `split` is pure and keeps the stream in step over any bytes; `refuse` forms the
    protocol's no for bytes that it cut out as junk, where there is one."""

    split: Callable[[bytes], Split]
    default_port: int
    refuse: Callable[[bytes], bytes | None] = lambda junk: None


@dataclass(frozen=True, slots=True)
class Http:
    """The device calls us. `prefix` is the path that all of its requests begin with."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The device's topics. `{site}` stands for the site's id, `{address}` and `{device}` for the device's.

    `up` are what it publishes, `shared` those of them that all devices of the kind share (presence only), `down`
    what it subscribes to.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adapter:
    """One protocol. `address` finds who sent a frame (None where the frame doesn't say); `decode` never raises."""

    name: str
    transport: Tcp | Http | Mqtt
    address: Callable[[Frame, str], str | None]
    """(frame, site) → the device's own address"""
    decode: Callable[[Frame, DeviceContext], Decoded]
    encode: Callable[[Command, DeviceContext, int, datetime], Encoded | Unsupported]
    """(command, device, number, now): `number` rises by one a command of this host and is never used again"""
    commands: frozenset[CommandKind]
    lane: Lane = "routine"
    brings_life: bool = True
    """whether any frame of it can be of the life lane; one that can't be is let fall unread when too many come"""
    options: type[BaseModel] = NoOptions
    keeps: str = "until_acked"
    """what the device does with a record nobody answered: until_acked, window (kept a while), nothing"""
    heartbeat: timedelta = timedelta(seconds=60)
    """how often a healthy device speaks, where building.toml doesn't say"""
