"""Who comes and who goes, told as events: `device.online` when a device is heard again, `device.offline` when it says
goodbye, when its last will does, or when it falls silent.

The device's state has changed even where the disk didn't take the event; so what isn't kept is owed, and said later.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog

from hub.core.adapter import DeviceContext, Frame
from hub.core.device_events import ACTIVITY, DeviceOffline, DeviceOnline, DeviceTrouble, Link
from hub.core.events import Event
from hub.core.text import rfc3339
from hub.host.supervision import Supervision, Watch

log = structlog.get_logger()


class Presence:
    def __init__(self, contexts: Mapping[str, DeviceContext], supervision: Supervision) -> None:
        self._contexts = contexts
        self._supervision = supervision
        self._owed: dict[tuple[str, type[Event]], Event] = {}
        """by device and kind, the last word of each, in the order of the last words: a device that comes and goes
        all night while the disk is away owes no more than one that went once"""

    def heard(self, device: str, frame: Frame, monotonic: float, connection: int, *, proof: bool = True) -> list[Event]:
        """What a sign of life brings: what is owed of this device, and that it is online where that is news. Without
        `proof`, on a topic that other devices share, it holds off the silence and clears nothing."""
        events = [event for event in self._owed.values() if event.device == device]
        self._owed = {owed: event for owed, event in self._owed.items() if event.device != device}
        if self._supervision.heard(
            device, frame.received, monotonic, peer=frame.peer, connection=connection, proof=proof
        ):
            link = Link(cause="connect")
            record = f"heard/{frame.received.isoformat()}"
            context = self._contexts[device]
            events.append(context.event(DeviceOnline, link, frame=frame, record=record, boot=frame.received))
        return events

    def left(self, event: DeviceOffline, at: datetime) -> list[Event]:
        """A device's own word, or its will's. Nothing when that was known."""
        return [event] if self._supervision.left(event.device, at) else []

    def fell_silent(self, now: datetime, monotonic: float) -> list[Event]:
        """Those whose silence has just become too long, and all that is owed."""
        owed, self._owed = list(self._owed.values()), {}
        return owed + [self._silent(watch, now) for watch in self._supervision.fell_silent(now, monotonic)]

    def owe(self, events: Iterable[Event]) -> None:
        """These were not kept; of them, who came, who went and who is at work is said again."""
        for event in events:
            if isinstance(event, DeviceOnline | DeviceOffline) or _of_work(event):
                self._owed.pop((event.device, type(event)), None)
                self._owed[event.device, type(event)] = event

    def _silent(self, watch: Watch, now: datetime) -> Event:
        log.warning("device_silent", device=watch.device.id)
        record = f"silence/{rfc3339(watch.last_heard) if watch.last_heard else 'since start ' + rfc3339(now)}"
        link = Link(cause="silence", last_heard=watch.last_heard)
        return self._contexts[watch.device.id].event(
            DeviceOffline, link, frame=Frame(b"", now), record=record, boot=watch.last_heard or now
        )


def _of_work(event: Event) -> bool:
    return isinstance(event, DeviceTrouble) and event.data.part == ACTIVITY
