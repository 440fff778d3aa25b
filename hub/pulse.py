"""A worker's pulse: it beats each turn of its loop, so that the watchdog sees who has stopped."""

import time
from collections.abc import Callable

USUAL = 10.0
"""seconds without a beat after which a worker has stopped"""
AT_MOST = 90.0
"""seconds that it may wait for a disk, a database or a server: these have time-outs of their own (5 and 30 s), and
starting the hub anew would mend none of them"""


def _no_disk() -> bool:
    return False


class Pulse:
    """`beat(patience, disk)` says: alive, and again within so many seconds; later only while `disk()` says that there
    is somebody who waits for it. `rest()`: nothing is to be done just now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: float | None = None
        self._disk = _no_disk

    def beat(self, patience: float = USUAL, disk: Callable[[], bool] = _no_disk) -> None:
        self._due, self._disk = self._clock() + patience, disk

    def rest(self) -> None:
        self._due = None

    @property
    def is_due(self) -> bool:
        return self._due is not None

    def overdue(self, now: float) -> float:
        """Seconds; 0 or less while all is well."""
        due = self._due
        if due is None or now <= due or (now <= due + AT_MOST and self._disk()):
            return 0.0
        return now - due
