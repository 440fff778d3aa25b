"""The small grammars inside values: each function takes what is written, and raises ValueError in plain words."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import ip_address
from string import Formatter
from typing import TypeVar

T = TypeVar("T")

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "y": timedelta(days=365),
}
_LONGEST = timedelta(days=100 * 365)
_MOST_IN_A_RANGE = 1000
_FLOOR = re.compile(r"(?P<prefix>[A-Za-z]*|-)(?P<number>[0-9]{1,4})")
_FLOOR_LABEL = re.compile(r"-?[A-Za-z0-9]{1,6}")


def text(written: object) -> str:
    if not isinstance(written, str):
        raise ValueError(f"{written!r} must be text in quotes")
    return written


def duration(written: object) -> timedelta:
    """`30s`, `5m`, `24h`, `7d`, `5y` (a year is 365 days)."""
    match = re.fullmatch(r"([0-9]{1,9})\s*([smhdy])", text(written).strip())
    if match is None:
        raise ValueError(f'"{written}" is not a duration such as 30s, 5m, 24h, 7d or 5y')
    number, unit = int(match[1]), _UNITS[match[2]]
    if number == 0:
        raise ValueError(f'"{written}" must be longer than nothing')
    if number > _LONGEST / unit:
        raise ValueError(f'"{written}" is longer than 100 years')
    return number * unit


def rate(written: object) -> tuple[int, timedelta]:
    """`3 in 1m`: so often in so long."""
    match = re.fullmatch(r"([0-9]{1,6}) in ([0-9a-z]+)", text(written).strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f'"{written}" is not a rate such as "3 in 1m"')
    return int(match[1]), duration(match[2])


def clock_time(written: object) -> str:
    """`22:00`; 24:00 is the end of the day."""
    match = re.fullmatch(r"([0-9]{2}):([0-9]{2})", text(written))
    if match is None or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > 24 * 60:
        raise ValueError(f'"{written}" is not a time of day such as 22:00')
    return match[0]


def hours(written: object) -> str:
    """`08:00-16:00`; may pass midnight."""
    start, dash, end = text(written).partition("-")
    if not dash:
        raise ValueError(f'"{written}" is not a span of hours such as 08:00-16:00')
    if clock_time(start.strip()) == clock_time(end.strip()):
        raise ValueError(f'"{written}" begins when it ends')
    return text(written)


def busy(written: object) -> str:
    """`06:30-22:00 every 2h`: within these hours somebody passes at least so often."""
    span, every, often = text(written).partition(" every ")
    if not every:
        raise ValueError(f'"{written}" is not such as "06:30-22:00 every 2h"')
    hours(span)
    opens, closes = (int(at[:2]) * 60 + int(at[3:]) for at in (part.strip() for part in span.split("-")))
    if duration(often) >= timedelta(minutes=closes - opens if opens < closes else 1440 - opens + closes):
        raise ValueError(f'"{written}" says more than its hours: it would never be noticed')
    return text(written)


def floors(written: object) -> tuple[str, ...]:
    """`B2..B1,1..33` → every label as on the lift buttons, lowest first. A range counts down where it begins with
    B or -, up otherwise; a label of its own (`3A`, `M`) stands alone."""
    found: list[str] = []
    for part in text(written).split(","):
        found += _floor_range(part.strip())
    _refuse_repeats(found)
    return tuple(found)


def _floor_range(part: str) -> list[str]:
    first, dots, last = (piece.strip() for piece in part.partition(".."))
    if not dots:
        if not _FLOOR_LABEL.fullmatch(first):
            raise ValueError(f'"{first}" is not a floor such as 7, B1 or 3A')
        return [first]
    low, high = _FLOOR.fullmatch(first), _FLOOR.fullmatch(last)
    if low is None or high is None or low["prefix"] != high["prefix"]:
        raise ValueError(f'"{part}" is not a range of floors such as B2..B1 or 1..33')
    prefix, below = low["prefix"], low["prefix"] in {"B", "b", "-"}
    start, end = int(low["number"]), int(high["number"])
    if (start < end) if below else (start > end):
        raise ValueError(f'"{part}" must begin with the lowest floor')
    if abs(end - start) >= _MOST_IN_A_RANGE:
        raise ValueError(f'"{part}" is more than {_MOST_IN_A_RANGE} floors')
    numbers = range(start, end - 1, -1) if below else range(start, end + 1)
    return [f"{prefix}{number}" for number in numbers]


def numbers(written: object) -> tuple[str, ...]:
    """`1-12,15` → each number as text."""
    found: list[str] = []
    for part in text(written).split(","):
        match = re.fullmatch(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?", part)
        if match is None:
            raise ValueError(f'"{part.strip()}" is not a number or a range such as 1-12')
        start, end = int(match[1]), int(match[2] or match[1])
        if start > end:
            raise ValueError(f'"{part.strip()}" must begin with the smaller number')
        if end - start >= _MOST_IN_A_RANGE:
            raise ValueError(f'"{part.strip()}" is more than {_MOST_IN_A_RANGE} numbers')
        found += [str(number) for number in range(start, end + 1)]
    _refuse_repeats(found)
    return tuple(found)


def _refuse_repeats(found: Sequence[str]) -> None:
    repeated = sorted({item for item in found if found.count(item) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} stands there twice")


def list_of(of: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    def convert(written: object) -> tuple[T, ...]:
        if not isinstance(written, list):
            raise ValueError(f"{written!r} must be a list in [ ]")
        return tuple(of(item) for item in written)

    return convert


def label(written: object) -> str:
    """A floor or an entrance: 7 and "7" are the same."""
    if isinstance(written, bool) or not isinstance(written, int | str):
        raise ValueError(f"{written!r} is not a number or text")
    return str(written)


def unit_form(written: object) -> str:
    """`{building}-{entrance}-{room}`, and {floor}."""
    known = {"building", "entrance", "room", "floor"}
    try:
        fields = {name for _, name, spec, conversion in Formatter().parse(text(written)) if name is not None}
    except ValueError:
        raise ValueError(f'"{written}" has a brace that isn\'t closed') from None
    if not fields or fields - known:
        raise ValueError(f'"{written}" is not such as {{building}}-{{entrance}}-{{room}}')
    return text(written)


def address(written: object) -> str:
    """A network address, in its usual form."""
    try:
        return str(ip_address(text(written)))
    except ValueError:
        raise ValueError(f'"{written}" is not a network address such as 10.20.1.31') from None


def number_within(least: int, most: int) -> Callable[[object], int]:
    def convert(written: object) -> int:
        if isinstance(written, bool) or not isinstance(written, int) or not least <= written <= most:
            raise ValueError(f"{written!r} must be a whole number from {least} to {most}")
        return written

    return convert


port = number_within(1, 65535)


def host_and_port(written: object) -> tuple[str, int]:
    """`mail.example:587`, `[::1]:8080`."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", text(written))
    if match is None or not 0 < int(match[3]) < 65536:
        raise ValueError(f'"{written}" is not an address and port such as 127.0.0.1:8080')
    return match[1] or match[2], int(match[3])
