"""What is wrong in the configuration, told all at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A place in a file: `line` counts from 1, 0 means the file as a whole; `table` is what the place belongs to."""

    file: str
    line: int
    table: str = ""


Where = Callable[[KeyPath], SourceLine]
"""the place of a key within one table"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """`file` is relative to the configuration's folder; `nearest` is the right name that looks most like the wrong
    one, "" where none does."""

    file: str
    line: int
    what: str
    nearest: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.what}" + (f", nearest: {self.nearest}" if self.nearest else "")


@dataclass(slots=True)
class Mistakes:
    """Collects mistakes, and remarks that stop nothing. The same thing said twice is kept once."""

    _found: dict[Mistake, None] = field(default_factory=dict)
    _remarks: dict[Mistake, None] = field(default_factory=dict)

    @property
    def found(self) -> tuple[Mistake, ...]:
        return tuple(self._found)

    @property
    def remarks(self) -> tuple[Mistake, ...]:
        return tuple(self._remarks)

    def add(self, spot: SourceLine, what: str, wrong: str = "", names: Iterable[str] = ()) -> None:
        self._found[_mistake(spot, what, nearest(wrong, names))] = None

    def remark(self, spot: SourceLine, what: str) -> None:
        self._remarks[_mistake(spot, what, "")] = None


def _mistake(spot: SourceLine, what: str, near: str) -> Mistake:
    return Mistake(spot.file, spot.line, f"{spot.table}: {what}" if spot.table else what, near)


def nearest(wrong: str, names: Iterable[str]) -> str:
    """The name that looks most like `wrong`, whatever its case; "" where none looks like it."""
    return _nearest(wrong.lower()[:60], tuple(sorted(names))) if wrong else ""


@lru_cache(maxsize=256)  # one wrong word may stand in thousands of rows
def _nearest(wrong: str, names: tuple[str, ...]) -> str:
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(wrong, by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else ""
