"""Each device's share of the spool: frames a second with a burst, and rows waiting; one that floods takes no other's.

Over it HTTP and TCP aren't read, and of MQTT, and of a fire panel, routine frames are let fall: counted, and told.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

log = structlog.get_logger()

RATE = 500.0
"""frames a second: a hundred times what a busy gate says, a fraction of what the machine takes"""
BURST = 10_000.0
"""frames at once: what a gate has kept in a day without us"""
ROWS = 50_000
"""a device's rows without a receipt: more than it says in a day that the broker or the store is away"""
PIECE = 4096
"""bytes of a frame that count as one"""
UNDER_WAY = 2000
UNDER_WAY_BYTES = 32 * 1024 * 1024
"""frames of all devices that aren't on disk yet"""
CALM = 60.0
"""seconds without a frame over its share until a device floods no more"""

Reason = Literal["rate", "rows", "busy"]
"""over its rate; too many of its rows wait; too much of all devices is under way"""
STRANGERS = ""
"""the share that all undeclared devices have together"""


@dataclass(slots=True)
class Share:
    """One device's. `over_at` is monotonic seconds."""

    device: str
    left: float
    counted_at: float
    let_fall: Counter[Reason] = field(default_factory=Counter)
    since: datetime | None = None
    """when the first of them fell"""
    over_at: float | None = None
    """when it was last over its share, while it floods"""
    told: bool = False
    """whether its flood was told of"""


class Shares:
    """`rows_of(device)` are its rows in the spool; `monotonic` and `clock` say the time."""

    def __init__(
        self, rows_of: Callable[[str], int], monotonic: Callable[[], float], clock: Callable[[], datetime]
    ) -> None:
        self._rows_of = rows_of
        self._monotonic = monotonic
        self._clock = clock
        self._shares: dict[str, Share] = {}
        self._frames = 0
        self._bytes = 0
        self.let_fall: Counter[Reason] = Counter()

    def of(self, device: str) -> Share:
        share = self._shares.get(device)
        if share is None:
            share = self._shares[device] = Share(device, BURST, self._monotonic())
        return share

    def over(self, device: str) -> Reason | None:
        """Why the next frame of it is too much; None when there is room."""
        if self._frames >= UNDER_WAY or self._bytes >= UNDER_WAY_BYTES:
            return "busy"
        share = self.of(device)
        now = self._monotonic()
        share.left = min(BURST, share.left + (now - share.counted_at) * RATE)
        share.counted_at = now
        if share.left < 1:
            return "rate"
        return "rows" if self._rows_of(device) >= ROWS else None

    def begun(self, device: str, size: int, events: int) -> None:
        """A frame is on its way to the disk, of so many bytes, with so many events."""
        self.of(device).left -= max(1, events, size / PIECE)
        self._frames += 1
        self._bytes += size

    def ended(self, size: int) -> None:
        """It is there, or couldn't be kept."""
        self._frames -= 1
        self._bytes -= size

    def fell(self, device: str, reason: Reason) -> None:
        """A frame was let fall without a yes."""
        share = self.of(device)
        self.let_fall[reason] += 1
        share.let_fall[reason] += 1
        share.since = share.since or self._clock()
        self.held_back(device, reason)

    def held_back(self, device: str, reason: Reason) -> None:
        """It is over its share. When all are (`busy`), that is no device's flood."""
        share = self.of(device)
        if reason == "busy" or not device:
            return
        if share.over_at is None:
            log.warning("device_flooding", device=device, reason=reason)
        share.over_at = self._monotonic()

    def floods(self) -> Iterator[tuple[Share, bool]]:
        """Whose flood has begun (True) or ended since it was last told of; told with that."""
        for share in self._shares.values():
            if share.over_at is not None and self._monotonic() - share.over_at > CALM:
                share.over_at = None
                log.info("device_calm", device=share.device, let_fall=share.let_fall.total())
            flooding = share.over_at is not None
            if flooding != share.told:
                share.told = flooding
                yield share, flooding
