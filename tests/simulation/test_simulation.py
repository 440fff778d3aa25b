"""The whole hub under every fault at once, and what must be true of it all the same. The same steps each time, and the
steps that break it are printed: they break it again."""

import structlog.testing
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Building

STEPS = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_nothing_is_lost_and_nothing_comes_twice() -> None:
    with structlog.testing.capture_logs():
        run_state_machine_as_test(Building, settings=STEPS)
