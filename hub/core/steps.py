"""The hub's own clock being set: seen as the difference between what it says passed and what really passed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP = timedelta(seconds=2)
"""less than this between two looks is a clock being slewed, or a busy machine"""


def elapsed() -> float:
    """Seconds that really passed, sleep of the machine included where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ClockSteps:
    def __init__(
        self, clock: Callable[[], datetime] = lambda: datetime.now(UTC), elapsed: Callable[[], float] = elapsed
    ) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._seen = clock(), elapsed()

    def since_last_look(self) -> timedelta:
        """How far forward the clock was set since the last look; negative is back, zero is not at all."""
        wall, real = self._clock(), self._elapsed()
        step = (wall - self._seen[0]) - timedelta(seconds=real - self._seen[1])
        self._seen = wall, real
        return step if abs(step) >= STEP else timedelta()
