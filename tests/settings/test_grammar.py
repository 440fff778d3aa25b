"""The small grammars: whatever is written is either meant or refused in plain words."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.settings import grammar

READERS: list[Callable[[object], object]] = [
    grammar.floors,
    grammar.numbers,
    grammar.duration,
    grammar.rate,
    grammar.clock_time,
    grammar.hours,
    grammar.busy,
    grammar.unit_form,
    grammar.address,
    grammar.host_and_port,
    grammar.label,
]

quick = settings(deadline=None, derandomize=True)


@quick
@given(basements=st.integers(0, 9), lowest=st.integers(1, 5), storeys=st.integers(0, 120))
def test_a_range_of_floors_is_every_floor_lowest_first(basements: int, lowest: int, storeys: int) -> None:
    written = f"{lowest}..{lowest + storeys}"
    if basements:
        written = f"B{basements}..B1,{written}"
    expected = [f"B{n}" for n in range(basements, 0, -1)] + [str(n) for n in range(lowest, lowest + storeys + 1)]
    assert grammar.floors(written) == tuple(expected)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-2..-1,1..3", ("-2", "-1", "1", "2", "3")),
        ("B1, 1..3, 3A, 5", ("B1", "1", "2", "3", "3A", "5")),
        ("G,M,1", ("G", "M", "1")),
        ("7", ("7",)),
    ],
)
def test_floors_as_written_on_lift_buttons(written: str, meant: tuple[str, ...]) -> None:
    assert grammar.floors(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "1..", "..3", "3..1", "B1..B2", "1..B2", "1,1", "1..3,2", "1..9999", "七", "1...3", "1;2", "1..2..3"],
)
def test_floors_that_mean_nothing_are_refused(written: str) -> None:
    with pytest.raises(ValueError):
        grammar.floors(written)


@quick
@given(st.sets(st.integers(0, 500), min_size=1))
def test_ranges_of_numbers_give_back_the_set(numbers: set[int]) -> None:
    written = sorted(numbers)
    runs: list[list[int]] = []
    for number in written:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    text = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
    assert grammar.numbers(text) == tuple(str(number) for number in written)


@pytest.mark.parametrize("written", ["", "a", "3-1", "1-3,2", "1--3", "1-2-3", "-1", "1-99999"])
def test_ranges_that_mean_nothing_are_refused(written: str) -> None:
    with pytest.raises(ValueError):
        grammar.numbers(written)


@quick
@given(
    st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()), st.booleans()),
    st.sampled_from(READERS),
)
def test_anything_at_all_is_meant_or_refused_in_words(written: object, read: Callable[[object], object]) -> None:
    refusal: str | None = None
    try:
        read(written)
    except ValueError as error:
        refusal = str(error)
    assert refusal != ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("5y", timedelta(days=1825)),
    ],
)
def test_durations(written: str, meant: timedelta) -> None:
    assert grammar.duration(written) == meant


@pytest.mark.parametrize("written", ["30", "s", "0s", "-5s", "1.5h", "5 minutes", "999999999y", "1h30m", "3０s"])
def test_durations_that_mean_nothing_are_refused(written: str) -> None:
    with pytest.raises(ValueError):
        grammar.duration(written)
