"""Lockers and parcels; devices, commands and deadlines."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hub.core.envelope import Data, Envelope, Lane
from hub.core.text import Instant, Integer, Text, Word

CompartmentCause = Literal["courier", "recipient", "staff", "unknown"]
CollectedBy = Literal["recipient", "proxy", "courier", "staff"]


class CompartmentMoved(Data):
    compartment: Word
    cause: CompartmentCause = "unknown"
    occupied: bool | None = None


class CompartmentCondition(Data):
    compartment: Word
    active: bool


class ParcelLabel(Data):
    tracking: Word
    carrier: Word | None = None


class Recipient(Data):
    phone: Word | None = None
    unit: Word | None = None
    ref: Word | None = None


class Stored(Data):
    compartment: Word | None = None
    shelf: Word | None = None
    parcel: ParcelLabel
    recipient: Recipient
    size: Word | None = None
    expires: Instant | None = None


class Taken(Data):
    compartment: Word | None = None
    shelf: Word | None = None
    parcel: ParcelLabel | None = None
    by: CollectedBy = "recipient"


class Refused(Data):
    compartment: Word | None = None
    attempts: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    locked_out: bool = False


class Link(Data):
    cause: Literal["connect", "lwt", "silence"]
    last_heard: Instant | None = None


ACTIVITY = "activity"
"""the part of a device that is in trouble when its link is there and it does nothing: a gate whose camera is dead"""


class DeviceCondition(Data):
    active: bool
    part: Word = ""


class Reported(Data):
    what: Literal["started", "version", "settings", "clock", "other"]
    text: Text | None = None


CLOCK_WRONG, CLOCK_RIGHT = 60.0, 30.0
"""seconds: a clock that is off by more is wrong, and by less is right again"""


class Skew(Data):
    """What the device's clock reads more than the hub's, in seconds."""

    skew: Annotated[float, Field(allow_inf_nan=False)]


class Flooding(Data):
    """`let_fall` are the frames of it that were let fall since the host's start."""

    active: bool
    let_fall: Annotated[Integer, Field(ge=0)] = 0


class Quarantined(Data):
    """`frame` carries the kept bytes (base64) from the host to the store, which moves them to its quarantine."""

    reason: Text
    quarantine: Word
    frame: Annotated[str, Field(max_length=400_000)] | None = None
    topic: Word | None = None


class Outcome(Data):
    command: Word
    result: Word = ""


class Reached(Data):
    deadline: Word
    due: Instant
    unsure: bool = False


class CompartmentOpened(Envelope):
    type: Literal["compartment.opened"] = "compartment.opened"
    data: CompartmentMoved


class CompartmentClosed(Envelope):
    type: Literal["compartment.closed"] = "compartment.closed"
    data: CompartmentMoved


class CompartmentLeftOpen(Envelope):
    type: Literal["compartment.left_open"] = "compartment.left_open"
    data: CompartmentCondition


class CompartmentOpenFailed(Envelope):
    type: Literal["compartment.open_failed"] = "compartment.open_failed"
    data: CompartmentCondition


class CompartmentForced(Envelope):
    type: Literal["compartment.forced"] = "compartment.forced"
    data: CompartmentCondition


class CompartmentFaulted(Envelope):
    type: Literal["compartment.faulted"] = "compartment.faulted"
    data: CompartmentCondition


class ParcelStored(Envelope):
    type: Literal["parcel.stored"] = "parcel.stored"
    data: Stored


class ParcelCollected(Envelope):
    type: Literal["parcel.collected"] = "parcel.collected"
    data: Taken


class ParcelWithdrawn(Envelope):
    type: Literal["parcel.withdrawn"] = "parcel.withdrawn"
    data: Taken


class PickupRefused(Envelope):
    type: Literal["pickup.refused"] = "pickup.refused"
    data: Refused


class _OfItsKind(Envelope):
    usual_lane: ClassVar[Lane | None] = None


class DeviceOnline(_OfItsKind):
    type: Literal["device.online"] = "device.online"
    data: Link


class DeviceOffline(_OfItsKind):
    type: Literal["device.offline"] = "device.offline"
    data: Link


class DeviceTrouble(_OfItsKind):
    type: Literal["device.trouble"] = "device.trouble"
    data: DeviceCondition


class DeviceTampered(_OfItsKind):
    type: Literal["device.tampered"] = "device.tampered"
    data: DeviceCondition


class DeviceLowBattery(_OfItsKind):
    type: Literal["device.low_battery"] = "device.low_battery"
    data: DeviceCondition


class DeviceReported(_OfItsKind):
    type: Literal["device.reported"] = "device.reported"
    data: Reported


class DeviceClockWrong(Envelope):
    type: Literal["device.clock_wrong"] = "device.clock_wrong"
    data: Skew


class DeviceFlooding(_OfItsKind):
    type: Literal["device.flooding"] = "device.flooding"
    data: Flooding


class FrameQuarantined(_OfItsKind):
    type: Literal["frame.quarantined"] = "frame.quarantined"
    data: Quarantined


class CommandDone(Envelope):
    type: Literal["command.done"] = "command.done"
    data: Outcome


class CommandFailed(Envelope):
    type: Literal["command.failed"] = "command.failed"
    data: Outcome


class DeadlineReached(_OfItsKind):
    type: Literal["deadline.reached"] = "deadline.reached"
    data: Reached


LockerEvent = (
    CompartmentOpened | CompartmentClosed | CompartmentLeftOpen | CompartmentOpenFailed | CompartmentForced
    | CompartmentFaulted | ParcelStored | ParcelCollected | ParcelWithdrawn | PickupRefused
)  # fmt: skip
DeviceEvent = (
    DeviceOnline | DeviceOffline | DeviceTrouble | DeviceTampered | DeviceLowBattery | DeviceReported
    | DeviceClockWrong | DeviceFlooding | FrameQuarantined | CommandDone | CommandFailed | DeadlineReached
)  # fmt: skip
