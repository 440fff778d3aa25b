"""With a promise broken the simulation is red, in a few lives that go where it hurts; unbroken they are green."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import pytest
import structlog.testing

from tests.simulation import sabotage
from tests.simulation.machine import Building
from tests.simulation.world import Moment

LIVES = 12
ROUTINE = "intake-b1-routine"


def _killed_just_after(moment: Moment, slow: str, which: int, commits: int, state: Building, number: int) -> None:
    state.a_parcel_comes_or_goes(locker="locker-1", compartment="2", ago=400, turns=0)
    state.time_passes(seconds=2.0)
    state.a_process_is_killed_just_after(moment=moment, slow=slow, which=which, commits=commits, turns=number % 4)


def _comes_twice(state: Building, turns: int) -> None:
    _parcels(state, turns)
    state.messages_come_twice(which=_number_of(state, ROUTINE), count=8, turns=turns)


def _loses_one(state: Building, turns: int) -> None:
    state.a_connection_stalls_or_goes_on(which=_number_of(state, ROUTINE))
    _parcels(state, 100)
    state.a_message_is_dropped(which=_number_of(state, ROUTINE), turns=turns)
    state.a_connection_stalls_or_goes_on(which=_number_of(state, ROUTINE))


def _parcels(state: Building, turns: int) -> None:
    for compartment in ("1", "2", "3"):
        state.a_parcel_comes_or_goes(locker="locker-1", compartment=compartment, ago=0, turns=turns)


def _number_of(state: Building, session: str) -> int:
    return sorted(state.world.broker.sessions).index(session)


HOST, DESK = 0, 1


@pytest.mark.parametrize(
    ("broken", "life"),
    [
        (sabotage.yes_before_the_commit, partial(_killed_just_after, "yes", "spool", HOST, 0)),
        (sabotage.a_receipt_before_the_commit, partial(_killed_just_after, "receipt", "store-writer", DESK, 1)),
        (sabotage.a_command_marked_after_it_is_written, partial(_killed_just_after, "command", "", HOST, 0)),
        (sabotage.a_deadline_cleared_outside_its_transaction, partial(_killed_just_after, "deadline", "", DESK, 1)),
        (sabotage.the_id_unchecked, _comes_twice),
        (sabotage.a_gap_unnoticed, _loses_one),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_promise_is_found(broken: sabotage.Sabotage, life: Callable[[Building, int], None]) -> None:
    """In the same life, all is well where it is kept."""
    red = next((number for number in range(LIVES) if _fails(life, number, broken())), None)
    assert red is not None
    assert not _fails(life, red, nullcontext())


def _fails(life: Callable[[Building, int], None], number: int, broken: AbstractContextManager[object]) -> str:
    state = Building()
    with structlog.testing.capture_logs(), broken:
        state.begins(split=number % 3 == 2, seed=number)
        life(state, number)
        try:
            state.teardown()
        except AssertionError as error:
            return str(error)
    return ""
