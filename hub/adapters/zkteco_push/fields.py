"""The text that readers send: lines of key=value, times, and ZKTeco's own seconds."""

import re
from collections.abc import Mapping
from datetime import datetime

from hub.core.adapter import DeviceContext
from hub.core.text import clean

_LINE_END = re.compile(r"[\r\n]+")
_TABLE_NAME = re.compile(r"\A[A-Za-z]\w{0,39} +(?=[~\w]+=)")
_TIME = re.compile(r"(20\d\d)-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Broken(ValueError):
    """A record that can't be read; says which field, never its value."""


def lines_of(payload: bytes) -> list[str]:
    """The lines that say something. UTF-8, or GB18030 from a terminal whose language is Chinese."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = payload.decode("gb18030", "replace")
    return [line for line in _LINE_END.split(text) if line.strip(" \t\0")]


def fields_of(line: str, separator: str = "\t") -> dict[str, str]:
    """`time=…⇥pin=…` by name, in lower case; a table's name before the first field (`user uid=1`) is left out."""
    fields: dict[str, str] = {}
    for part in _TABLE_NAME.sub("", line.lstrip(), count=1).split(separator):
        name, equals, value = part.partition("=")
        if equals:
            fields[name.strip().lower()] = clean(value, 200)
    return fields


def number_of(fields: Mapping[str, str], *names: str) -> int | None:
    """The first of the named fields that is a whole number."""
    for name in names:
        if _NUMBER.fullmatch(fields.get(name, "")):
            return int(fields[name])
    return None


def time_of(text: str, device: DeviceContext) -> datetime:
    """`2026-01-02 11:04:05` on the device's wall clock, as UTC. Raises Broken."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Broken("its time isn't like 2026-01-02 11:04:05")
    year, month, day, hour, minute, second = (int(group or 0) for group in found.groups())
    return _local(device, year, month, day, hour, minute, second)


def time_of_seconds(seconds: int, device: DeviceContext) -> datetime:
    """ZKTeco's own seconds, which count every month as 31 days, as UTC (Security PUSH 4.8, appendix 6)."""
    rest, second = divmod(seconds, 60)
    rest, minute = divmod(rest, 60)
    rest, hour = divmod(rest, 24)
    rest, day = divmod(rest, 31)
    year, month = divmod(rest, 12)
    if not 0 <= year < 100:
        raise Broken("its time is out of range")
    return _local(device, year + 2000, month + 1, day + 1, hour, minute, second)


def seconds_of(wall: datetime) -> int:
    """A wall clock in ZKTeco's own seconds (Security PUSH 4.8, appendix 5)."""
    days = ((wall.year - 2000) * 12 + wall.month - 1) * 31 + wall.day - 1
    return days * 86_400 + (wall.hour * 60 + wall.minute) * 60 + wall.second


def _local(device: DeviceContext, year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    try:
        return device.local_time(datetime(year, month, day, hour, minute, second))  # noqa: DTZ001  # a wall clock
    except ValueError as error:
        raise Broken("its time names a day or an hour that doesn't exist") from error
