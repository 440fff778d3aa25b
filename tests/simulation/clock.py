"""Time in the simulation: it stands still until it is moved, and the hub's wall clock can be wrong."""

from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 4, 10, 2, 0, 0, tzinfo=UTC)


class Clock:
    """`true` is what devices go by, `now` what the hub's machine shows, `monotonic` what passed since its start."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self.wrong_by = timedelta()

    def monotonic(self) -> float:
        return 1000.0 + self._seconds

    def true(self) -> datetime:
        return BEGIN + timedelta(seconds=self._seconds)

    def now(self) -> datetime:
        return self.true() + self.wrong_by

    def pass_to(self, monotonic: float) -> None:
        self._seconds = max(self._seconds, monotonic - 1000.0)
