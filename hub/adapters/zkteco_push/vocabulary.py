"""ZKTeco's event codes and verification types in the hub's words.

Codes: Security PUSH protocol 4.8 (PUSH 3.1.2), appendices 2, 3 and 19. Terminals use the codes of the normal band
loosely (a SenseFace reports one person's face as 3, "several persons"): the band says granted or refused, the table
only gives the reason.
"""

from typing import Literal

from hub.core.access_events import CredentialKind, DeniedReason, Direction, DoorCause, Method

Band = Literal["normal", "refused", "alarm", "unknown"]


def band_of(code: int) -> Band:
    if 0 <= code <= 19 or 200 <= code <= 255 or 4000 <= code <= 4999:
        return "normal"
    if 20 <= code <= 99 or 5000 <= code <= 5999:
        return "refused"
    if 100 <= code <= 199 or 6000 <= code <= 6999:
        return "alarm"
    return "unknown"


REASONS: dict[int, DeniedReason] = {
    21: "not_permitted_at_this_time",
    22: "not_permitted_at_this_time",
    23: "unauthorized",
    24: "passback",
    25: "interlock",
    27: "credential_not_found",
    29: "credential_expired",
    30: "invalid_pin",
    33: "credential_expired",
    34: "credential_not_found",
    35: "not_permitted_at_this_time",
    36: "not_permitted_at_this_time",
    38: "credential_not_enabled",  # a card reported lost
    39: "blocked_person",
    43: "credential_not_enabled",  # a person locked out
    49: "not_permitted_at_this_time",
    53: "credential_expired",
    62: "credential_not_enabled",
    64: "not_permitted_at_this_time",
    74: "credential_expired",
    104: "credential_not_found",  # an alarm for the unknown card that was shown
}

NO_CREDENTIAL = frozenset({37, 47, 56, 57, 58, 59, 60, 63, 65, 66, 70, 71, 72, 76, 77, 78, 79})
"""codes of the refused band that a device also sends about itself: without a person and a card nobody was refused"""

NO_PERSON = frozenset({4, 207})
"""the door was opened with a password that belongs to nobody"""

NO_PASSAGE = frozenset({6, 7, 12, 13, *range(209, 215), 217, *range(220, 222), *range(224, 232), *range(233, 256)})
"""codes of the normal band that let nobody in, whoever they name"""

DUTIES: dict[int, tuple[Literal["door.opened", "door.closed", "door.locked", "door.unlocked"], DoorCause]] = {
    5: ("door.unlocked", "schedule"),
    9: ("door.locked", "remote"),
    200: ("door.opened", "unknown"),
    201: ("door.closed", "unknown"),
    204: ("door.locked", "schedule"),  # the end of the time in which the door stands unlocked
    205: ("door.unlocked", "remote"),
    210: ("door.unlocked", "fire"),
    4000: ("door.locked", "fire"),
    6000: ("door.unlocked", "fire"),
}

OPENED_BY: dict[int, Method] = {8: "remote", 202: "exit_button"}

FORCED, HELD_OPEN = 102, 28
DURESS = frozenset({101, 103})
TAMPERED: dict[int, tuple[str, bool]] = {100: ("", True), 109: ("reader", True), 236: ("reader", False)}
TROUBLES: dict[int, tuple[str, bool]] = {
    106: ("battery", True),
    107: ("main_power", True),
    4008: ("main_power", False),
    110: ("reader", True),
    237: ("reader", False),
    112: ("expansion_board", True),
    247: ("expansion_board", False),
}
LOW_BATTERY = frozenset({54, 55, 6010})
INPUTS = {220: False, 221: True, 225: False, 226: True}
STARTED = 206

_METHODS: dict[int, Method] = {
    0: "pin", 1: "fingerprint", 2: "pin", 3: "pin", 4: "card", 8: "combined", 9: "combined", 10: "combined",
    11: "combined", 12: "combined", 13: "combined", 14: "combined", 15: "face", 16: "combined", 17: "combined",
    18: "combined", 19: "combined", 20: "combined", 22: "combined", 23: "combined", 24: "combined",
    26: "combined", 27: "combined", 28: "combined", 29: "combined",
}  # fmt: skip
_EITHER_OR_CARD = frozenset({0, 5, 6, 7, 200})
_MASK_BITS: dict[int, Method] = {1: "face", 4: "fingerprint", 9: "pin", 10: "pin", 11: "card", 12: "qr"}
_KINDS: dict[Method, CredentialKind] = {"face": "face", "fingerprint": "fingerprint", "pin": "pin", "qr": "qr"}
_DIRECTIONS: dict[str, Direction] = {"0": "entry", "1": "exit"}


def method_of(verified: str, *, card_shown: bool) -> Method:
    """From `verifytype`: a number (appendix 3), or since 3.1.2 a mask of 16 bits, bit 0 (the last) for "all of
    these". A number that leaves it open (card or password) is a card where one was read."""
    if len(verified) >= 12 and not verified.strip("01"):
        shown = {_MASK_BITS.get(bit, "other") for bit, digit in enumerate(reversed(verified)) if digit == "1" and bit}
        return "combined" if len(shown) > 1 else next(iter(shown), "other")
    if not verified.isascii() or not verified.isdigit() or len(verified) > 9:
        return "card" if card_shown else "other"
    number = int(verified)
    return "card" if card_shown and number in _EITHER_OR_CARD else _METHODS.get(number, "other")


def kind_of(method: Method) -> CredentialKind | None:
    """The credential that was shown where no card's number is in the record."""
    return _KINDS.get(method)


def direction_of(status: str) -> Direction:
    return _DIRECTIONS.get(status, "unknown")
