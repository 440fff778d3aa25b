"""The whole hub under every fault at once, and what must be true of it all the same. The same steps each time, and the
steps that break it are printed: they break it again."""

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Building
from tests.simulation.sabotage import ALL, Sabotage

STEPS = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def test_two_thousand_steps() -> None:
    run_state_machine_as_test(Building, settings=STEPS)


@pytest.mark.parametrize("sabotage", ALL, ids=lambda sabotage: sabotage.__name__)
def test_a_broken_promise_is_found(sabotage: Sabotage) -> None:
    with sabotage(), pytest.raises(AssertionError):
        run_state_machine_as_test(Building, settings=settings(STEPS, phases=[Phase.generate]))
