"""Which devices are there: when each was last heard, when silence becomes `device.offline`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.core.building import Device

STARTING = 60.0
"""seconds that devices have to come back after the hub's own start"""

LinkState = Literal["online", "offline", "never"]


@dataclass(slots=True)
class Watch:
    """One declared device. `heard_at` is monotonic seconds: a stepped wall clock makes nobody silent. `proven` once it
    has spoken where no other device can."""

    device: Device
    heard_at: float
    last_heard: datetime | None = None
    since: datetime | None = None
    link: LinkState = "never"
    proven: bool = False
    peer: str = ""
    connection: int = 0
    changed: bool = True


class Supervision:
    def __init__(self, devices: Iterable[Device], started: float) -> None:
        self.watches = {device.id: Watch(device, started) for device in devices}

    def heard(
        self, device: str, at: datetime, monotonic: float, *, peer: str, connection: int, proof: bool = True
    ) -> bool:
        """True when this proves that it is there, and that was in doubt: it was silent, or is heard for the first
        time. Without `proof` it may have been another device that spoke in its name."""
        watch = self.watches[device]
        watch.heard_at, watch.last_heard = monotonic, at
        watch.peer, watch.connection = peer, connection
        watch.changed = True
        if watch.link != "online":
            watch.link, watch.since, watch.proven = "online", at, False
        news = proof and not watch.proven
        watch.proven = watch.proven or proof
        return news

    def left(self, device: str, at: datetime) -> bool:
        """It said so itself, or its will did. False when that was known."""
        watch = self.watches[device]
        if watch.link == "offline":
            return False
        watch.link, watch.since, watch.changed = "offline", at, True
        return True

    def fell_silent(self, at: datetime, monotonic: float) -> list[Watch]:
        """Those whose silence has just become too long."""
        silent = [
            watch
            for watch in self.watches.values()
            if watch.link != "offline" and monotonic - watch.heard_at > _patience(watch)
        ]
        for watch in silent:
            watch.link, watch.since, watch.changed = "offline", at, True
        return silent


def _patience(watch: Watch) -> float:
    silence = watch.device.silence.total_seconds()
    return max(silence, STARTING) if watch.link == "never" else silence
