"""How often a device does something: declared or learned; and when it has been quiet for too long."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.host.rhythm import EXPECTED, Busy, Habit, Rhythm, is_activity

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 4, 6, tzinfo=SHANGHAI)
STEP = timedelta(minutes=1)


class Watched:
    """A device's days, a minute at a time; `rate` says how many things an hour it does at a local time."""

    def __init__(self, rhythm: Rhythm, start: datetime = MONDAY) -> None:
        self.rhythm = rhythm
        self.now = start.astimezone(UTC)
        self.idle: list[datetime] = []
        self.over: list[datetime] = []
        self._due = 0.0

    @property
    def local(self) -> datetime:
        return self.now.astimezone(self.rhythm.zone)

    def lives(self, time: timedelta, rate: float | None = None, *, connected: bool = True) -> None:
        """`rate` things an hour all the time; None: as a gate of a residence, quiet at night."""
        until = self.now + time
        while self.now < until:
            self.now += STEP
            if self.rhythm.passes(STEP.total_seconds(), self.now, connected=connected):
                self.idle.append(self.local)
            usual = 40.0 if 7 <= self.local.hour < 22 else 0.0
            self._due += (usual if rate is None else rate) / 60
            if self._due >= 1:
                self._due -= 1
                if self.rhythm.acted():
                    self.over.append(self.local)


def declared(text: str = "06:30-22:00 every 2h") -> Watched:
    return Watched(Rhythm(SHANGHAI, Busy.read(text)))


def learned(weeks: int = 3) -> Watched:
    watched = Watched(Rhythm(SHANGHAI))
    watched.lives(timedelta(weeks=weeks))
    return watched


def test_a_declared_rhythm_is_broken_within_its_hours_alone() -> None:
    watched = declared()
    watched.lives(timedelta(hours=8), rate=0)
    assert watched.idle == [], "it is 08:00: an hour and a half of its hours"
    watched.lives(timedelta(hours=1), rate=0)
    assert [at.strftime("%H:%M") for at in watched.idle] in (["08:29"], ["08:30"])
    watched.lives(timedelta(days=1), rate=0)
    assert len(watched.idle) == 1, "it is said once"
    watched.lives(timedelta(minutes=3), rate=60)
    assert len(watched.over) == 1


def test_a_night_is_quiet_and_a_busy_day_too() -> None:
    watched = declared()
    watched.lives(timedelta(days=14))
    assert watched.idle == []


def test_hours_may_pass_midnight_and_last_all_day() -> None:
    watched = declared("22:00-06:00 every 1h")
    watched.lives(timedelta(hours=1, minutes=1), rate=0)
    assert len(watched.idle) == 1
    assert Busy.read("00:00-24:00 every 30m").holds((MONDAY + timedelta(hours=3)).time())
    assert Busy.read("06:30-24:00 every 30m") == Busy.read("06:30-00:00 every 1800s")


def test_while_the_device_is_away_nothing_is_counted() -> None:
    watched = declared()
    watched.lives(timedelta(hours=8), rate=0)
    watched.lives(timedelta(hours=1), rate=0, connected=False)
    watched.lives(timedelta(hours=1, minutes=59), rate=0)
    assert watched.idle == []
    watched.lives(timedelta(minutes=2), rate=0)
    assert len(watched.idle) == 1


def test_what_is_usual_is_learned_and_a_dead_camera_is_noticed() -> None:
    watched = learned()
    assert watched.idle == []
    watched.lives(timedelta(hours=10), rate=0)
    (idle,) = watched.idle
    assert "07:25" < idle.strftime("%H:%M") <= "07:30", "at forty an hour, and half an hour at least"
    watched.lives(timedelta(minutes=5), rate=60)
    assert len(watched.over) == 1


def test_a_first_week_teaches_and_says_nothing() -> None:
    watched = learned(weeks=1)
    watched.lives(timedelta(days=5), rate=0)
    assert watched.idle == []


def test_an_hour_that_was_quiet_once_is_expected_to_be_quiet() -> None:
    watched = learned(weeks=2)
    watched.lives(timedelta(hours=9))
    watched.lives(timedelta(minutes=25), rate=0)  # a quiet stretch, then people again: nothing was wrong
    watched.lives(timedelta(weeks=1) - timedelta(hours=9, minutes=25))
    assert watched.idle == []
    hours = watched.rhythm.habit.hours
    assert min(hours[9]) < min(hours[10])


def test_the_quiet_of_a_dead_device_teaches_nothing() -> None:
    watched = learned()
    before = {hour: list(weeks) for hour, weeks in watched.rhythm.habit.hours.items()}
    watched.lives(timedelta(days=3), rate=0)
    assert watched.rhythm.habit.hours == before
    watched.lives(timedelta(minutes=5), rate=60)
    assert watched.rhythm.habit.hours == before


def test_a_rare_event_is_missed_only_after_many() -> None:
    watched = Watched(Rhythm(SHANGHAI))
    watched.lives(timedelta(weeks=3), rate=1)
    watched.lives(timedelta(hours=EXPECTED - 1), rate=0)
    assert watched.idle == []
    watched.lives(timedelta(hours=3), rate=0)
    assert len(watched.idle) == 1


def test_a_habit_outlives_a_restart_and_is_bounded() -> None:
    watched = learned(weeks=9)
    body = watched.rhythm.habit.model_dump_json()
    assert len(body) < 6000
    again = Watched(Rhythm(SHANGHAI, habit=Habit.model_validate_json(body)), watched.now)
    again.lives(timedelta(hours=8), rate=0)
    assert len(again.idle) == 1


def test_a_zone_with_summer_time_learns_by_its_own_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    watched = Watched(Rhythm(berlin), datetime(2026, 3, 2, tzinfo=berlin))
    for _ in range(6 * 7):
        watched.lives(timedelta(hours=24))  # over the change on 29 March
    assert watched.idle == []


def test_what_shows_that_a_device_itself_works() -> None:
    assert is_activity("access.denied")
    assert is_activity("parcel.stored")
    assert not is_activity("device.reported")
    assert not is_activity("frame.quarantined")
