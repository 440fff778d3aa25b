"""What is wrong in the configuration, told all at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file: `line` counts from 1, 0 means the file as a whole; `table` is what the place belongs to."""

    file: str
    line: int
    table: str = ""


Where = Callable[[KeyPath], Spot]
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

    found: list[Mistake] = field(default_factory=list)
    remarks: list[Mistake] = field(default_factory=list)

    def add(self, spot: Spot, what: str, wrong: str = "", names: Iterable[str] = ()) -> None:
        mistake = _mistake(spot, what, nearest(wrong, names))
        if mistake not in self.found:
            self.found.append(mistake)

    def remark(self, spot: Spot, what: str) -> None:
        remark = _mistake(spot, what, "")
        if remark not in self.remarks:
            self.remarks.append(remark)


def _mistake(spot: Spot, what: str, near: str) -> Mistake:
    return Mistake(spot.file, spot.line, f"{spot.table}: {what}" if spot.table else what, near)


def nearest(wrong: str, names: Iterable[str]) -> str:
    """The name that looks most like `wrong`, whatever its case; "" where none looks like it."""
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(wrong.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else ""
