"""How wrong each device's clock is, learned from what the device says of now: heartbeats, states, a frame's own time.

One word proves nothing, for it may have waited on its way. Two that came some seconds apart and agree do: while a
backlog catches up its delay shrinks, and a wrong clock stays as wrong as it is. A device that never speaks of now is
judged by its newest records, by more of them over a longer time.
"""

from collections import deque
from datetime import timedelta

from hub.core.adapter import Decoded, DeviceContext, Frame
from hub.core.device_events import CLOCK_RIGHT, CLOCK_WRONG, DeviceClockWrong, Skew
from hub.core.events import Event

AGREE = 3.0
"""seconds: clocks tell whole ones, and a network delays"""
APART = 5.0
"""seconds between two words of now that confirm each other"""
_NOTHING = timedelta()
RECORDS, RECORDS_APART = 3, 60.0
"""newest records that must agree, and the seconds they must span"""


class Offset:
    """What one clock reads more than the hub's, in seconds. `known` is None while that isn't sure."""

    def __init__(self) -> None:
        self.known: float | None = None
        self._now: tuple[float, float] | None = None
        self._records: deque[tuple[float, float]] = deque(maxlen=RECORDS)

    def said_now(self, offset: float, monotonic: float) -> None:
        if self._now is None or abs(self._now[1] - offset) > AGREE:
            self._now = (monotonic, offset)
            self.known = None
        elif monotonic - self._now[0] >= APART:
            self.known = max(self._now[1], offset)  # the one that waited less
            self._now = (monotonic, offset)

    def recorded(self, offset: float, monotonic: float) -> None:
        """A new record's time: when it was made, which may be long ago."""
        if self._now is not None:
            return
        self._records.append((monotonic, offset))
        offsets = [each for _, each in self._records]
        if max(offsets) - min(offsets) > AGREE:
            self.known = None
        elif len(offsets) == RECORDS and monotonic - self._records[0][0] >= RECORDS_APART:
            self.known = max(offsets)


class DeviceClocks:
    """All devices' clocks, and what was told of them: wrong, more or less wrong than told, right again."""

    def __init__(self) -> None:
        self._offsets: dict[str, Offset] = {}
        self._told: dict[str, float] = {}

    def skew(self, device: str) -> float | None:
        """Seconds that its clock reads more than ours; None while that isn't sure."""
        offset = self._offsets.get(device)
        return offset.known if offset else None

    def heard(self, context: DeviceContext, decoded: Decoded, frame: Frame, monotonic: float) -> list[Event]:
        """Learn from what a frame says of the time. Returns what is to be told of the clock."""
        if decoded.now is None and decoded.recorded is None:
            return []
        offset = self._offsets.setdefault(context.id, Offset())
        if decoded.now is not None:
            offset.said_now((decoded.now - frame.received).total_seconds(), monotonic)
        elif decoded.recorded is not None:
            offset.recorded((decoded.recorded - frame.received).total_seconds(), monotonic)
        if offset.known is None or not _is_news(offset.known, self._told.get(context.id, 0.0)):
            return []
        self._told[context.id] = offset.known
        record = f"clock/{frame.received.isoformat()}"
        skew = Skew(skew=round(offset.known, 1))
        return [context.event(DeviceClockWrong, skew, frame=frame, record=record, boot=frame.received)]

    def begin_again(self) -> None:
        """The hub's own clock was set: what was learned compared the devices' with another one."""
        self._offsets.clear()


def correction(skew: float | None) -> timedelta:
    """What a device's times are off by; nothing for what a clock may well be off by."""
    return timedelta(seconds=skew) if skew is not None and abs(skew) >= CLOCK_RIGHT else _NOTHING


def _is_news(skew: float, told: float) -> bool:
    if abs(skew) < CLOCK_RIGHT:
        return abs(told) >= CLOCK_RIGHT
    return abs(skew) >= CLOCK_WRONG and abs(skew - told) >= CLOCK_WRONG
