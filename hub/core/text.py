"""Text, numbers and times that every database and every page can take."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer

_STORABLE = r"^[^\x00]*$"
"""pydantic itself refuses half a surrogate pair"""


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is before year 1 or after year 9999 in UTC") from error


def rfc3339(value: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, `2026-04-10T02:00:07.000Z`."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat("T", "milliseconds")[: -len("+00:00")] + "Z"


def clean(raw: str, limit: int = 500) -> str:
    """Device text made storable: control characters and half surrogates out, cut to `limit` characters."""
    if raw.isprintable():
        return raw[:limit].strip()
    return "".join(c for c in raw if (c.isprintable() or c == " ") and not "\ud800" <= c <= "\udfff")[:limit].strip()


Text = Annotated[str, Field(max_length=4000, pattern=_STORABLE)]
Word = Annotated[str, Field(max_length=200, pattern=_STORABLE)]
Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:@-]+$")]
Integer = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Instant = Annotated[
    AwareDatetime,
    AfterValidator(_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
