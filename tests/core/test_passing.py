"""An absence may be concluded only when all that was spooled by then has been taken."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from hub.core.passing import HostStatus, Passing

T = datetime(2026, 4, 10, tzinfo=UTC)


def said(second: float, sequence: int, oldest: int | None) -> HostStatus:
    return HostStatus(at=T + timedelta(seconds=second), sequence=sequence, oldest=oldest)


def at(second: float) -> datetime:
    return T + timedelta(seconds=second)


def test_nothing_is_passed_before_any_host_was_heard() -> None:
    assert not Passing().passed(T)


def test_a_moment_is_passed_when_no_row_of_that_time_waits() -> None:
    passing = Passing()
    passing.host_said("hub-1", said(0, 10, oldest=8))
    assert not passing.passed(at(0))
    passing.host_said("hub-1", said(1, 12, oldest=11))
    assert passing.passed(at(0))
    assert not passing.passed(at(1))
    passing.host_said("hub-1", said(2, 12, oldest=None))
    assert passing.passed(at(2))
    assert not passing.passed(at(2.5))


def test_every_host_must_have_passed_it() -> None:
    passing = Passing()
    passing.host_said("hub-1", said(5, 1, oldest=None))
    passing.host_said("hub-2", said(5, 9, oldest=3))
    assert not passing.passed(at(1))
    passing.host_said("hub-2", said(6, 9, oldest=None))
    assert passing.passed(at(5))


def test_a_copy_that_comes_late_changes_nothing() -> None:
    passing = Passing()
    passing.host_said("hub-1", said(5, 9, oldest=None))
    passing.host_said("hub-1", said(3, 9, oldest=4))
    assert passing.passed(at(5))


def test_a_clock_set_back_takes_back_what_it_had_passed() -> None:
    passing = Passing()
    passing.host_said("hub-1", said(7200, 9, oldest=None))
    passing.host_said("hub-1", said(0, 10, oldest=10))
    assert not passing.passed(at(0))
    passing.host_said("hub-1", said(1, 10, oldest=None))
    assert passing.passed(at(1))
    assert not passing.passed(at(2))


def test_a_long_silence_of_receipts_is_remembered_within_bounds() -> None:
    passing = Passing()
    for second in range(2000):
        passing.host_said("hub-1", said(second, second + 1, oldest=1))
    assert not passing.passed(at(0))
    passing.host_said("hub-1", said(2000, 2000, oldest=1900))
    assert passing.passed(at(1890))
    assert not passing.passed(at(1950))


@pytest.mark.parametrize(
    "word",
    [
        b"[]",
        b'{"at": "2026-04-10T00:00:00", "sequence": 1}',
        b'{"at": "2026-04-10T00:00:00Z", "sequence": -1}',
        b'{"at": "2026-04-10T00:00:00Z", "sequence": 99999999999999999999}',
        b'{"at": "2026-04-10T00:00:00Z"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_word_of_a_host_is_refused(word: bytes) -> None:
    with pytest.raises(ValidationError):
        HostStatus.model_validate_json(word)
