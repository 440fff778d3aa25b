"""Names and numbers of people as lists show them. Who needs one whole reveals that record, which is written down."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from hub.console.text import mask_email, mask_name, mask_phone
from hub.core.events import Event


def mask_address(to: str) -> str:
    """A notice's address: a mail address or a phone number."""
    return mask_email(to) if "@" in to else mask_phone(to)


def mask_number(number: str) -> str:
    """****4821: the last four of a card, a code, a plate or a tracking number, and of a short one fewer."""
    shown = min(4, len(number) // 2)
    return f"****{number[-shown:]}" if shown else "****" if number else ""


_MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "reporter": mask_name,
    "phone": mask_phone,
    "number": mask_number,
    "tracking": mask_number,
}
"""fields of event data that name a person or let someone pass for one"""


def masked_data(event: Event) -> dict[str, JsonValue]:
    """What an event says, in its canonical JSON form, without personal values."""
    said = event.data.model_dump(mode="json", exclude_none=True)
    return {name: _masked(name, value) for name, value in said.items()}


def masked_details(details: Mapping[str, str]) -> dict[str, str]:
    """What an alert says besides, without personal values."""
    return {name: _MASKS[name](value) if name in _MASKS else value for name, value in details.items()}


def _masked(name: str, value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {inner: _masked(inner, one) for inner, one in value.items()}
        case list():
            return [_masked(name, one) for one in value]
        case str() if name in _MASKS:
            return _MASKS[name](value)
        case _:
            return value
