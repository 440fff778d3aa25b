"""What one access record means: `rtlog` (pushed), `transaction` (asked for), and the state lines of `rtstate`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.adapters.zkteco_push import vocabulary
from hub.adapters.zkteco_push.fields import Broken, fields_of, number_of, time_of, time_of_seconds
from hub.core.access_events import (
    Access,
    AccessDenied,
    AccessDuress,
    AccessGranted,
    CredentialShown,
    Denied,
    DoorClosed,
    DoorCondition,
    DoorForced,
    DoorHeldOpen,
    DoorLocked,
    DoorMoved,
    DoorOpened,
    DoorUnlocked,
    Method,
    PersonSeenAt,
)
from hub.core.adapter import DeviceContext, E, Frame
from hub.core.device_events import (
    DeviceCondition,
    DeviceLowBattery,
    DeviceReported,
    DeviceTampered,
    DeviceTrouble,
    Reported,
)
from hub.core.envelope import Data
from hub.core.events import Event
from hub.core.fire_events import InputChanged, InputState

_DOOR_EVENTS: dict[str, type[DoorOpened | DoorClosed | DoorLocked | DoorUnlocked]] = {
    "door.opened": DoorOpened,
    "door.closed": DoorClosed,
    "door.locked": DoorLocked,
    "door.unlocked": DoorUnlocked,
}
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,16}")
_TEMPERATURE = re.compile(r"\d{1,2}(?:\.\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of `rtlog` or `transaction`, by field name; `key` is the record key of events.md."""

    code: int
    time: datetime
    door: str
    pin: str
    card: str
    key: str
    fields: Mapping[str, str]

    @property
    def names_someone(self) -> bool:
        return bool(self.pin or self.card)


def access_events(line: str, frame: Frame, device: DeviceContext) -> list[Event]:
    """The events of one record line; raises Broken where it can't be read."""
    record = _record(line, device)
    return [_Telling(record, frame, device).event()]


def state_events(line: str, frame: Frame, device: DeviceContext) -> list[Event]:
    """A state line: two bits a door in `sensor` (1 closed, 2 open, 0 has no sensor), a byte a door in `alarm`
    (bit 0 forced, bit 1 tampered, bit 4 held open). Duress is raised by its record, not by the state's bit."""
    fields = fields_of(line)
    time = time_of(fields.get("time", ""), device)
    sensor, alarm = fields.get("sensor", ""), fields.get("alarm", "") or "00"
    if not _HEX.fullmatch(sensor) or not _HEX.fullmatch(alarm):
        raise Broken("its sensor or alarm bytes aren't hexadecimal")

    def told(event_class: type[E], data: Data, door: str = "") -> E:
        return device.event(
            event_class, data, frame=frame, record=f"rtstate {line.strip()}", time=time,
            subject=f"door/{door}" if door else None, delivery="snapshot", vendorcode="zk:rtstate",
        )  # fmt: skip

    events: list[Event] = []
    alarms = bytes.fromhex(alarm)
    for index, state in enumerate(_sensors(bytes.fromhex(sensor))):
        bits = alarms[index] if index < len(alarms) else 0
        door = str(index + 1)
        if state == 1:
            events.append(told(DoorClosed, DoorMoved(door=door), door))
        elif state == 2:
            events.append(told(DoorOpened, DoorMoved(door=door), door))
        if state or bits & 0x01:
            events.append(told(DoorForced, DoorCondition(door=door, active=bool(bits & 0x01)), door))
        if bits & 0x10:
            events.append(told(DoorHeldOpen, DoorCondition(door=door, active=True), door))
    events.append(told(DeviceTampered, DeviceCondition(active=any(byte & 0x02 for byte in alarms))))
    return events


def _sensors(sensor: bytes) -> Iterator[int]:
    for byte in sensor:
        yield from (byte >> shift & 0b11 for shift in (0, 2, 4, 6))


def _record(line: str, device: DeviceContext) -> Record:
    fields = fields_of(line)
    code = number_of(fields, "event", "eventtype")
    if code is None:
        raise Broken("it has no event code")
    seconds = number_of(fields, "time_second")
    time = time_of(fields.get("time", ""), device) if seconds is None else time_of_seconds(seconds, device)
    index = number_of(fields, "index")
    return Record(
        code=code,
        time=time,
        door=fields.get("eventaddr") or fields.get("doorid") or "",
        pin=_given(fields.get("pin", "")),
        card=_given(fields.get("cardno", "")),
        # the number restarts when the memory is cleared, so the time is always with it
        key=f"record {index} {time:%Y%m%d%H%M%S}" if index else f"line {line.strip()}",
        fields=fields,
    )


def _given(number: str) -> str:
    return "" if not number.strip("0") else number


@dataclass(frozen=True, slots=True)
class _Telling:
    """A record on its way to becoming the one event that it is."""

    record: Record
    frame: Frame
    device: DeviceContext

    def event(self) -> Event:
        code = self.record.code
        band = vocabulary.band_of(code)
        return (
            self._device_event() or self._access_event(code, band) or self._told(DeviceReported, Reported(what="other"))
        )

    def _access_event(self, code: int, band: vocabulary.Band) -> Event | None:
        if code in vocabulary.DURESS:
            return self._told(AccessDuress, Access.model_validate(self._access()), at_door=True)
        if code in vocabulary.OPENED_BY:
            access = self._access() | {"method": vocabulary.OPENED_BY[code], "credential": None}
            return self._told(AccessGranted, Access.model_validate(access), at_door=True)
        if self._is_refusal(code, band):
            reason = vocabulary.REASONS.get(code, "other")
            return self._told(AccessDenied, Denied.model_validate(self._access() | {"reason": reason}), at_door=True)
        if self._is_passage(code, band):
            return self._told(AccessGranted, Access.model_validate(self._access()), at_door=True)
        return None

    def _is_refusal(self, code: int, band: vocabulary.Band) -> bool:
        if code in vocabulary.REASONS:
            return True
        if band != "refused":
            return False
        return self.record.names_someone or (code < 100 and code not in vocabulary.NO_CREDENTIAL)

    def _is_passage(self, code: int, band: vocabulary.Band) -> bool:
        if band != "normal" or code in vocabulary.NO_PASSAGE:
            return False
        return self.record.names_someone or code in vocabulary.NO_PERSON

    def _device_event(self) -> Event | None:
        code, door = self.record.code, self.record.door
        if code in vocabulary.DUTIES:
            kind, cause = vocabulary.DUTIES[code]
            return self._told(_DOOR_EVENTS[kind], DoorMoved(door=door, cause=cause), at_door=True)
        if code == vocabulary.FORCED:
            return self._told(DoorForced, DoorCondition(door=door, active=True), at_door=True)
        if code == vocabulary.HELD_OPEN:
            return self._told(DoorHeldOpen, DoorCondition(door=door, active=True), at_door=True)
        if code in vocabulary.TAMPERED:
            part, active = vocabulary.TAMPERED[code]
            return self._told(DeviceTampered, DeviceCondition(active=active, part=part))
        if code in vocabulary.TROUBLES:
            part, active = vocabulary.TROUBLES[code]
            return self._told(DeviceTrouble, DeviceCondition(active=active, part=part))
        if code in vocabulary.LOW_BATTERY:
            return self._told(DeviceLowBattery, DeviceCondition(active=True))
        if code in vocabulary.INPUTS:
            return self._told(InputChanged, InputState(input=door, active=vocabulary.INPUTS[code]))
        if code == vocabulary.STARTED:
            return self._told(DeviceReported, Reported(what="started"))
        return None

    def _access(self) -> dict[str, object]:
        record = self.record
        fields = record.fields
        verified = fields.get("verifytype") or fields.get("verified") or ""
        method = vocabulary.method_of(verified, card_shown=bool(record.card))
        temperature = fields.get("temperature", "")
        return {
            "door": record.door,
            "direction": vocabulary.direction_of(fields.get("inoutstatus") or fields.get("inoutstate") or ""),
            "method": method,
            "person": _person(record),
            "credential": _credential(record, method),
            "mask": "worn" if fields.get("maskflag") == "1" else "unknown",
            "temperature": float(temperature) if _TEMPERATURE.fullmatch(temperature) and float(temperature) else None,
        }

    def _told(self, event_class: type[E], data: Data, *, at_door: bool = False) -> E:
        record = self.record
        return self.device.event(
            event_class,
            data,
            frame=self.frame,
            record=record.key,
            time=record.time,
            subject=f"door/{record.door}" if at_door and record.door else None,
            delivery=None,
            vendorcode=f"zk:{record.code}",
        )


def _person(record: Record) -> PersonSeenAt | None:
    if not record.pin:
        return None
    return PersonSeenAt(
        ref=record.pin, list="block" if vocabulary.REASONS.get(record.code) == "blocked_person" else "allow"
    )


def _credential(record: Record, method: Method) -> CredentialShown | None:
    if record.card:
        bits = number_of(record.fields, "bitcount")
        facility = number_of(record.fields, "sitecode")
        return CredentialShown(
            kind="card",
            number=record.card,
            bits=bits if bits and 0 < bits <= 4096 else None,
            facility=facility if facility and facility > 0 else None,
        )
    kind = vocabulary.kind_of(method)
    return CredentialShown(kind=kind) if kind else None
