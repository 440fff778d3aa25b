"""Which devices do what they are there for: each one's rhythm, kept over the hub's own restarts, told as an event when
it is broken (`device.trouble`, part `activity`) and when the device is at work again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from hub.core.adapter import DeviceContext, Frame
from hub.core.building import Device
from hub.core.device_events import ACTIVITY, DeviceCondition, DeviceTrouble
from hub.core.events import Event
from hub.core.text import Instant, rfc3339
from hub.host.rhythm import Busy, Habit, Rhythm, is_activity
from hub.host.supervision import Supervision
from hub.store.spool import Spool, SpoolAway

log = structlog.get_logger()

LOOK_EVERY = 5.0
SAVE_EVERY = 300.0
HELD = 60.0
"""seconds between two looks after which the time between them counts for nobody: the process was held"""
SHORT_AWAY = timedelta(minutes=10)
"""a hub that was away for longer knows too little of the quiet before it"""


class _Kept(BaseModel):
    """A device's row: its habit as of `at`."""

    model_config = ConfigDict(extra="ignore")

    at: Instant
    habit: Habit


class Activity:
    """`contexts` and `devices` by id. A fire panel has no rhythm: it is quiet while all is well."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        contexts: Mapping[str, DeviceContext],
        supervision: Supervision,
        spool: Spool,
        monotonic: float,
    ) -> None:
        self._contexts = contexts
        self._supervision = supervision
        self._spool = spool
        self._looked = self._saved = monotonic
        self._unsaved = False
        self._rhythms = {
            device.id: Rhythm(contexts[device.id].time_zone, Busy.read(device.busy) if device.busy else None)
            for device in devices.values()
            if contexts[device.id].kind_lane != "life"
        }

    async def open(self, now: datetime) -> None:
        """What was known before the hub's last end. Raises SpoolAway."""
        for device, body in (await self._spool.habits()).items():
            try:
                kept = _Kept.model_validate_json(body)
            except ValidationError as error:
                log.error("habit_unreadable", device=device, problems=error.error_count())
                continue
            if rhythm := self._rhythms.get(device):
                rhythm.habit = kept.habit
                if not timedelta(0) <= now - kept.at <= SHORT_AWAY:
                    rhythm.habit.quiet = rhythm.habit.missed = 0.0

    def heard(self, device: str, frame: Frame, events: tuple[Event, ...]) -> list[Event]:
        """What a frame's events say of its device's activity: that it is at work again, where that is news."""
        rhythm = self._rhythms.get(device)
        if rhythm is None or not any(is_activity(event.type) and event.delivery != "snapshot" for event in events):
            return []
        if not rhythm.acted():
            return []
        self._unsaved = True
        return [self._trouble(device, frame, active=False)]

    def fell_quiet(self, now: datetime, monotonic: float) -> list[Event]:
        """Those that have just been quiet for too long."""
        passed = monotonic - self._looked
        if passed < LOOK_EVERY:
            return []
        self._looked = monotonic
        seconds = passed if passed < HELD else 0.0
        idle = [
            device
            for device, rhythm in self._rhythms.items()
            if rhythm.passes(seconds, now, connected=self._supervision.watches[device].link == "online")
        ]
        for device in idle:
            log.warning("device_idle", device=device)
        self._unsaved = self._unsaved or bool(idle)
        return [self._trouble(device, Frame(b"", now), active=True) for device in idle]

    async def save(self, now: datetime, monotonic: float) -> None:
        """Now and then, and when one begins or ends to be idle. Raises SpoolAway."""
        if not self._unsaved and monotonic - self._saved < SAVE_EVERY:
            return
        rows = {device: _Kept(at=now, habit=rhythm.habit).model_dump_json() for device, rhythm in self._rhythms.items()}
        self._unsaved, self._saved = False, monotonic
        try:
            await self._spool.keep_habits(rows)
        except SpoolAway:
            self._unsaved = True
            raise

    def _trouble(self, device: str, frame: Frame, *, active: bool) -> Event:
        data = DeviceCondition(active=active, part=ACTIVITY)
        record = f"activity/{active}/{rfc3339(frame.received)}"
        return self._contexts[device].event(DeviceTrouble, data, frame=frame, record=record, boot=frame.received)
