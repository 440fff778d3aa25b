"""How often a device does something, declared or learned, and when it has been quiet for too long.

A heartbeat says that the link is there. A gate whose camera is dead beats for ever; that nobody passes shows it.

Declared (`busy = "06:30-22:00 every 2h"`): within these hours something happens at least so often. Learned, where
nothing is declared: what happened in each hour of the week, in the device's time zone, for the last WEEKS that it was
watched in; an hour counts by its quietest week, so what was quiet once is expected to be quiet. A device is idle when
it should by that have done EXPECTED things and did none, in half an hour or more of such hours.
Only time in which it was connected and the hub ran counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict, Field

WEEKS = 4
FEWEST_WEEKS = 2
EXPECTED = 10
"""by chance alone that many are missed once in twenty thousand times (e^-10)"""
AT_LEAST = timedelta(minutes=30).total_seconds()
WATCHED_HOUR = 3500.0
"""seconds: an hour that was watched for less teaches nothing"""
_HOURS = 7 * 24


class Habit(BaseModel):
    """What outlives the hub's own restart. `hours`: hour of the week → what happened in it, the last weeks; `quiet`
    seconds and `missed` things up to now; `unproven`: quiet hours of which it isn't known yet whether all was well."""

    model_config = ConfigDict(extra="ignore")

    hours: dict[int, list[int]] = Field(default_factory=dict)
    unproven: list[int] = Field(default_factory=list)
    quiet: float = 0.0
    missed: float = 0.0
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """Between `opens` and `closes` (it may pass midnight) something happens `every` so many seconds."""

    opens: time
    closes: time
    every: float

    @staticmethod
    def read(written: str) -> "Busy":
        """As settings let it through: `06:30-22:00 every 2h`."""
        span, _, often = written.partition(" every ")
        opens, _, closes = span.partition("-")
        often = often.strip()
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}[often[-1]]
        return Busy(_time(opens), _time(closes), float(often[:-1]) * unit)

    def holds(self, now: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes


@dataclass(slots=True)
class Rhythm:
    """Of one device. `acted` and `passes` say when it begins and ends to be idle."""

    zone: tzinfo
    busy: Busy | None = None
    habit: Habit = field(default_factory=Habit)
    _hour: int = -1
    _counted: int = 0
    _watched: float = 0.0

    def acted(self) -> bool:
        """It did something. True when it was idle until now."""
        was_idle = self.habit.idle
        for hour in () if was_idle else self.habit.unproven:
            self._learn(hour, 0)
        self.habit.unproven.clear()
        self._counted += 1
        self.habit.quiet = self.habit.missed = 0.0
        self.habit.idle = False
        return was_idle

    def passes(self, seconds: float, now: datetime, *, connected: bool) -> bool:
        """So much time has passed. True when it is idle from now on."""
        there = now.astimezone(self.zone)
        self._turn(there.weekday() * 24 + there.hour)
        if not connected:
            self.habit.quiet = self.habit.missed = 0.0
            return False
        self._watched += seconds
        if self.habit.idle:
            return False
        self.habit.idle = self._too_quiet(seconds, there.time()) if self.busy else self._against_habit(seconds)
        return self.habit.idle

    def _too_quiet(self, seconds: float, now: time) -> bool:
        assert self.busy is not None  # noqa: S101  # asked by passes
        self.habit.quiet = self.habit.quiet + seconds if self.busy.holds(now) else 0.0
        return self.habit.quiet >= self.busy.every

    def _against_habit(self, seconds: float) -> bool:
        if expected := self._expected(self._hour):
            self.habit.quiet += seconds
            self.habit.missed += seconds / 3600 * expected
        return self.habit.missed >= EXPECTED and self.habit.quiet >= AT_LEAST

    def _expected(self, hour: int) -> int:
        """Things in an hour."""
        weeks = self.habit.hours.get(hour, [])
        return min(weeks) if len(weeks) >= FEWEST_WEEKS else 0

    def _turn(self, hour: int) -> None:
        """The next hour has begun: what was seen in the last one is learned."""
        if hour == self._hour:
            return
        if self.busy is None and self._watched >= WATCHED_HOUR and not self.habit.idle:
            if self._counted:
                self._learn(self._hour, self._counted)
            else:
                self.habit.unproven = [*self.habit.unproven, self._hour][-_HOURS:]
        self._hour, self._counted, self._watched = hour, 0, 0.0

    def _learn(self, hour: int, number: int) -> None:
        self.habit.hours[hour] = [*self.habit.hours.get(hour, []), number][-WEEKS:]


def _time(written: str) -> time:
    hours, _, minutes = written.strip().partition(":")
    return time(int(hours) % 24, int(minutes))


def is_activity(type_name: str) -> bool:
    """Whether an event of this type shows that the device itself works, not its link alone."""
    return type_name.partition(".")[0] in _ACTIVE


_ACTIVE: Mapping[str, None] = dict.fromkeys(
    ("access", "person", "credential", "door", "compartment", "parcel", "pickup")
)
