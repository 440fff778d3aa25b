"""What the host learns of a device's clock: a constant error is one, a delay that shrinks is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.core.access_events import Access, AccessGranted
from hub.core.adapter import Decoded, DeviceContext, Frame
from hub.core.device_events import DeviceClockWrong
from hub.core.envelope import Delivery
from hub.core.events import Event
from hub.core.fire_events import FireAlarm, FireCondition
from hub.host.clocks import DeviceClocks, correction

NOW = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
HOUR = 3600.0
GATE = DeviceContext("b1", "gate-e1", "1026801", UTC)


class Learning:
    def __init__(self) -> None:
        self.clocks = DeviceClocks()
        self.passed = 0.0
        self.told: list[float] = []

    def hears(self, *, now: float | None = None, recorded: float | None = None, after: float = 10) -> None:
        """A frame `after` so many seconds; its clock is `now` seconds ahead, its newest record that much."""
        self.passed += after
        received = NOW + timedelta(seconds=self.passed)
        decoded = Decoded(
            now=None if now is None else received + timedelta(seconds=now),
            recorded=None if recorded is None else received + timedelta(seconds=recorded),
        )
        events = self.clocks.heard(GATE, decoded, Frame(b"", received), self.passed)
        self.told += [event.data.skew for event in events if isinstance(event, DeviceClockWrong)]

    @property
    def skew(self) -> float | None:
        return self.clocks.skew(GATE.id)


@pytest.fixture
def learning() -> Learning:
    return Learning()


@pytest.mark.parametrize("skew", [-61.0, 90.0, -HOUR, 12 * HOUR, -9 * 365 * 86_400.0])
def test_a_clock_that_stays_wrong_is_told_once_with_its_skew(learning: Learning, skew: float) -> None:
    for jitter in (0.0, 0.9, 0.3, 0.6):
        learning.hears(now=skew - jitter)
    assert learning.skew == pytest.approx(skew, abs=1)
    assert learning.told == [pytest.approx(skew, abs=1)]


def test_one_word_and_words_at_once_prove_nothing(learning: Learning) -> None:
    learning.hears(now=-HOUR)
    assert learning.skew is None
    for _ in range(20):
        learning.hears(now=-HOUR, after=0.1)
    assert learning.skew is None


def test_beats_that_waited_somewhere_are_a_delay_that_shrinks(learning: Learning) -> None:
    for minutes in range(60, 0, -1):
        learning.hears(now=-60.0 * minutes, after=6)
    learning.hears(now=-0.4)
    learning.hears(now=-0.4)
    assert learning.told == []
    assert learning.skew == pytest.approx(-0.4)


def test_a_clock_set_right_is_told_and_another_error_too(learning: Learning) -> None:
    for skew in (-HOUR, -HOUR, 0.0, 0.0, 0.0, 2 * HOUR, 2 * HOUR, -20.0, -20.0):
        learning.hears(now=skew)
    assert learning.told == [-HOUR, 0.0, 2 * HOUR, -20.0]


def test_after_a_power_cut_with_the_factory_date_the_old_error_is_not_taken_for_the_new(learning: Learning) -> None:
    learning.hears(now=-HOUR)
    learning.hears(now=-HOUR)
    learning.hears(now=-400 * 24 * HOUR)
    assert learning.skew is None
    learning.hears(now=-400 * 24 * HOUR)
    assert learning.skew == -400 * 24 * HOUR


def test_a_device_that_never_speaks_of_now_is_judged_by_records_over_a_minute(learning: Learning) -> None:
    for _ in range(6):
        learning.hears(recorded=-2.5 * HOUR, after=2)
    assert learning.skew is None  # a burst from its memory looks like this
    for _ in range(3):
        learning.hears(recorded=-2.5 * HOUR, after=31)
    assert learning.told == [-2.5 * HOUR]


def test_records_from_its_memory_are_no_error(learning: Learning) -> None:
    for minutes in (300, 240, 200, 100, 90, 20, 4):
        learning.hears(recorded=-60.0 * minutes, after=40)
    assert learning.told == []


def test_after_the_hubs_own_clock_was_set_it_is_learned_anew(learning: Learning) -> None:
    learning.hears(now=-86_400.0)
    learning.hears(now=-86_400.0)
    learning.clocks.begin_again()
    learning.hears(now=0.0)
    learning.hears(now=0.0)
    assert learning.told == [-86_400.0, 0.0]


# what it is good for


def passage(context: DeviceContext, time: datetime, received: datetime, delivery: Delivery | None = None) -> Event:
    frame = Frame(b"", received)
    return context.event(
        AccessGranted, Access(door="1"), frame=frame, record="RecordID:7", time=time, delivery=delivery
    )


def test_with_a_known_error_a_passage_of_now_is_live_and_one_from_memory_is_late() -> None:
    slow = replace(GATE, skew=correction(-HOUR))
    just_now = passage(slow, NOW - timedelta(hours=1, seconds=2), NOW)
    assert (just_now.delivery, just_now.late, just_now.time) == ("live", False, NOW - timedelta(seconds=2))
    old = passage(slow, NOW - timedelta(hours=3), NOW)
    assert (old.delivery, old.late, old.time) == ("backlog", True, NOW - timedelta(hours=2))


def test_a_resend_is_the_same_event_before_and_after_the_error_is_learned() -> None:
    time = NOW - timedelta(hours=1)
    assert passage(GATE, time, NOW).id == passage(replace(GATE, skew=correction(-HOUR)), time, NOW).id


def test_a_clock_two_minutes_slow_makes_nothing_late_once_it_is_known() -> None:
    time = NOW - timedelta(minutes=2)
    assert passage(GATE, time, NOW, "live").late
    assert not passage(replace(GATE, skew=correction(-120.0)), time, NOW, "live").late


def test_a_record_made_while_the_clock_was_right_is_not_moved_into_the_future() -> None:
    factory = replace(GATE, skew=correction(-400 * 24 * HOUR))
    record = passage(factory, NOW - timedelta(hours=5), NOW)
    assert (record.time, record.late) == (NOW - timedelta(hours=5), True)


def alarm(
    context: DeviceContext, time: datetime, received: datetime, delivery: Delivery, *, active: bool = True
) -> Event:
    data = FireCondition(zone="1", point="7", active=active)
    return context.event(FireAlarm, data, frame=Frame(b"", received), record="1", time=time, delivery=delivery)


@pytest.mark.parametrize("skew", [90.0, HOUR, -HOUR])
def test_what_is_told_live_after_its_clock_was_set_right_is_live(skew: float) -> None:
    """Until the device speaks of now once more its old error is all that is known."""
    for just_now in (passage, alarm):
        event = just_now(replace(GATE, skew=correction(skew)), NOW - timedelta(seconds=2), NOW, "live")
        assert (event.late, event.time) == (False, NOW - timedelta(seconds=2))


@pytest.mark.parametrize("slow", [61, 120, 299, 301])
def test_an_alarm_told_live_by_a_slow_clock_nobody_has_learned_is_live(slow: int) -> None:
    told = alarm(GATE, NOW - timedelta(seconds=slow), NOW, "live")
    assert (told.late, told.at, told.clock) == (False, NOW, "suspect")
    assert alarm(GATE, NOW - timedelta(seconds=slow), NOW, "backlog").late
    assert alarm(GATE, NOW - timedelta(seconds=120), NOW, "live", active=False).late, (
        "an end is believed by what is known"
    )


def test_a_correction_learned_from_delays_moves_nothing_of_now_ahead() -> None:
    """Frames sent again, all of them after the same minute, look like a slow clock."""
    fooled = replace(GATE, skew=correction(-55.0))
    assert passage(fooled, NOW - timedelta(seconds=1), NOW).time == NOW - timedelta(seconds=1)


def test_seconds_are_left_as_they_are() -> None:
    assert correction(-29.0) == correction(None) == timedelta()


def test_a_device_that_forgot_the_end_of_summer_time_is_an_hour_fast_like_any_other() -> None:
    """Berlin, 2026-10-25: at 01:00 UTC the clocks go back; this reader stays on summer time."""
    reader = replace(GATE, time_zone=ZoneInfo("Europe/Berlin"))
    learning = Learning()
    for minutes in (40, 50, 60, 70):
        moment = NOW + timedelta(minutes=minutes)
        face = (moment + timedelta(hours=2)).replace(tzinfo=None)
        said = (reader.local_time(face) - moment).total_seconds()
        learning.hears(now=said)
    assert learning.told == [HOUR]
