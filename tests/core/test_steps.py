"""The hub's own clock being set is seen, whichever way, and nothing else is taken for it."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.core.steps import ClockSteps, elapsed

T = datetime(2026, 4, 10, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    wall = T
    real = 0.0

    def passes(self, seconds: float, step: timedelta = timedelta()) -> None:
        self.real += seconds
        self.wall += timedelta(seconds=seconds) + step


@pytest.mark.parametrize("step", [DAY, -DAY, timedelta(seconds=5), timedelta(seconds=-5)])
def test_a_step_is_seen_once(step: timedelta) -> None:
    clock = Clock()
    steps = ClockSteps(lambda: clock.wall, lambda: clock.real)
    clock.passes(5)
    assert not steps.since_last_look()
    clock.passes(5, step)
    assert steps.since_last_look() == step
    clock.passes(5)
    assert not steps.since_last_look()


def test_slewing_is_no_step() -> None:
    clock = Clock()
    steps = ClockSteps(lambda: clock.wall, lambda: clock.real)
    for _ in range(100):
        clock.passes(5, timedelta(milliseconds=-300))
        assert not steps.since_last_look()


def test_real_time_passes() -> None:
    before = elapsed()
    assert elapsed() >= before
