"""What a face gate says: JSON whose numbers come as strings, ints or floats, whose empty text is " ", and whose field
names differ between the two product families (`personName`/`persionName`, `RecordID`/`recordId`)."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, NoReturn

from pydantic_core import from_json

from hub.core.adapter import Unreadable
from hub.core.text import clean

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

LARGEST = 2**63 - 1
DEEPEST = 32

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_LONGEST_NUMBER = 18
"""digits that are within 64 bits whatever they are"""
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?", re.ASCII)
_RECORD_ID = re.compile(rb'"(?P<kind>RecordID|SnapID)"\s{0,9}:\s{0,9}"?\s{0,9}(?P<number>[0-9]{1,19})(?=[^0-9])')


class Fields(NamedTuple):
    """The fields of a message by lower-case name; each may be missing, and be of any type."""

    values: Mapping[str, JsonValue]

    def text(self, *names: str, limit: int = 200) -> str:
        """The first of these fields that says something, as text; "" where none does."""
        for name in names:
            value = self.values.get(name)
            if type(value) is str:
                plain = len(value) <= limit and value.isprintable()  # as nearly all are, and there are many
                if found := value.strip() if plain else clean(value, limit):
                    return found
            elif type(value) is int or type(value) is float:  # which a bool isn't
                return str(value)
        return ""

    def real(self, *names: str) -> float | None:
        found = self.text(*names)
        return float(found) if _NUMBER.fullmatch(found) else None

    def number(self, *names: str) -> int | None:
        """A whole number from 0 to 2^63 - 1, also where it is written as "83.000000"."""
        first = self.values.get(names[0])
        if type(first) is int:
            return first if 0 <= first <= LARGEST else None
        found = self.text(*names)
        if not found:
            return None
        if found.isascii() and found.isdigit():
            whole = int(found) if len(found) < 20 else LARGEST + 1
        else:
            value = self.real(*names)
            if value is None or not value.is_integer():
                return None
            whole = int(value)
        return whole if 0 <= whole <= LARGEST else None

    def time(self, *names: str) -> datetime | None:
        return time_of(self.text(*names))

    def inside(self, name: str) -> "Fields":
        """A nested object's fields; none where it isn't one."""
        return Fields(_lowered(self.values.get(name)))

    def listed(self, name: str) -> list["Fields"]:
        """A list's objects; one that isn't an object counts with no fields."""
        value = self.values.get(name)
        return [Fields(_lowered(item)) for item in value] if isinstance(value, list) else []


class Message(NamedTuple):
    """One payload. `fields` are those of `info`, and beside it what only stands at the top."""

    operator: str
    message_id: str
    fields: Fields


def parse_message(payload: bytes) -> Message | Unreadable:
    """A payload as a message, or the reason why it isn't one, in plain words without anything personal."""
    try:
        value = _json(payload)
    except UnicodeDecodeError as error:
        return Unreadable(f"the payload isn't UTF-8: byte {error.start}", "format")
    except json.JSONDecodeError as error:
        return Unreadable(f"the payload isn't JSON: {error.msg} at character {error.pos}", "format")
    except ValueError:
        return Unreadable("a number in the payload is NaN, infinite or far too long")
    except RecursionError:
        return Unreadable("the payload is nested too deeply", "format")
    if not isinstance(value, dict):
        return Unreadable("the payload is JSON, but not an object", "format")
    top = _lowered(value)
    fields = Fields({**top, **_lowered(top.get("info"))})
    if not _is_plain(payload, fields) and (wrong := _unstorable(value)):
        return Unreadable(wrong)
    operator = Fields(top).text("operator", limit=60)
    if not operator:
        return Unreadable("the payload has no operator")
    return Message(operator, Fields(top).text("messageid"), fields)


def time_of(said: str) -> datetime | None:
    """The device's wall clock, without a zone; None where it isn't a time (0000-00-00 is how it says "unset")."""
    found = _TIME.fullmatch(said)
    if not found:
        return None
    year, month, day, hour, minute, second = [int(part or 0) for part in found.groups()]
    try:
        return datetime(year, month, day, hour, minute, second) if 1970 <= year <= 2199 else None  # noqa: DTZ001
    except ValueError:
        return None


def numbers_in(payload: bytes) -> tuple[tuple[str, int], ...]:
    """The record numbers in a payload that isn't JSON, so that a gate that waits for their yes isn't stuck."""
    found = ((match["kind"].decode(), int(match["number"])) for match in _RECORD_ID.finditer(payload))
    return tuple((kind, number) for kind, number in found if number <= LARGEST)


def _json(payload: bytes) -> JsonValue:
    """By the fast reader; what that refuses, and the reason of the refusal, is the other one's."""
    try:
        value: JsonValue = from_json(payload, allow_inf_nan=False)
    except ValueError:
        value = json.loads(payload.decode("utf-8-sig"), parse_constant=_refuse_constant)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _lowered(value: JsonValue) -> dict[str, JsonValue]:
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _is_plain(payload: bytes, fields: Fields) -> bool:
    """An object in an object, no escaped letter, no long number, as nearly all are: every database keeps its values."""
    return (
        payload.count(b"{") + payload.count(b"[") <= 2
        and b"\\u" not in payload
        and b"0" * (_LONGEST_NUMBER + 1) not in payload.translate(_ANY_DIGIT)
        and math.inf not in fields.values.values()
        and -math.inf not in fields.values.values()
    )


def _unstorable(value: JsonValue) -> str:
    """Why no database could keep this; "" where it could."""
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEEPEST:
            return "the payload is nested too deeply"
        if isinstance(item, str):
            if "\x00" in item:
                return "a text in the payload contains U+0000"
            if not item.isascii() and _HALF_PAIR.search(item):
                return "a text in the payload contains half a surrogate pair"
        elif isinstance(item, float):
            if not math.isfinite(item):
                return "a number in the payload is NaN, infinite or far too long"
        elif isinstance(item, int):
            if abs(item) > LARGEST:
                return "a number in the payload has more than 64 bits"
        elif isinstance(item, list):
            waiting += [(part, depth + 1) for part in item]
        elif isinstance(item, dict):
            waiting += [(part, depth + 1) for pair in item.items() for part in pair]
    return ""
