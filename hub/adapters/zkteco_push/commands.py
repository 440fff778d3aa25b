"""Commands as the lines that a reader fetches with its poll: `C:<ID>:<command>`.

One command can be several lines, and the reader answers each by its ID. An ID is the command's number with one more
digit: how many lines are still to come. So the last line ends in 0, and only its good answer means done; any line's
bad answer means failed.
"""

import re
from datetime import datetime

from hub.adapters.zkteco_push.fields import seconds_of
from hub.adapters.zkteco_push.options import Options, options_of
from hub.core.adapter import DeviceContext, Encoded, Outgoing, Unsupported
from hub.core.commands import Command, CommandKind, OpenDoor, PutCredential, RemoveCredential, Replay, SetClock
from hub.core.text import clean

COMMANDS: frozenset[CommandKind] = frozenset(
    {"door.open", "credential.put", "credential.remove", "device.set_clock", "device.replay"}
)

ALL_DOORS = 0b1111
_PIN = re.compile(r"[A-Za-z0-9]{1,24}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_PASSWORD = re.compile(r"[0-9]{1,8}")
_ID = re.compile(r"[0-9]{2,19}")
_PIN_REFUSED = Unsupported("a reader takes only a number of 1 to 24 letters and digits, not 0, for a person")


def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Encoded | Unsupported:
    options = options_of(device)
    match command:
        case OpenDoor():
            lines = _open(command, options)
        case PutCredential():
            lines = _put(command, device, options)
        case RemoveCredential():
            lines = _remove(command, options)
        case SetClock():
            lines = _set_clock(device, options, now)
        case Replay():
            lines = _replay(command, device, options, now)
        case _:
            return Unsupported(f"a reader can't be told {command.kind}")
    return lines if isinstance(lines, Unsupported) else _encoded(lines, number)


def reference_of(line_id: str, *, last_only: bool) -> str | None:
    """The ref of the command that a line belongs to; None for a line in between where only the last one counts."""
    if not _ID.fullmatch(line_id) or (last_only and not line_id.endswith("0")):
        return None
    return line_id[:-1].lstrip("0") or None


def _encoded(lines: list[str], number: int) -> Encoded:
    to_come = range(len(lines) - 1, -1, -1)
    frames = (Outgoing(f"C:{number}{left}:{line}\r\n".encode()) for left, line in zip(to_come, lines, strict=True))
    return Encoded(frames=tuple(frames), ref=str(number))


def _open(command: OpenDoor, options: Options) -> list[str] | Unsupported:
    """`CONTROL DEVICE 01<door>01<seconds>` (Security PUSH 4.8, 12.4); an att terminal has one door and its own time."""
    if options.dialect == "att":
        return ["AC_UNLOCK"] if command.door == "1" else Unsupported("a terminal in the att dialect has one door, 1")
    door = _door(command.door)
    if door is None:
        return Unsupported("a reader's doors are numbered 1 to 16")
    return [f"CONTROL DEVICE 01{door:02X}01{command.seconds:02X}"]


def _put(command: PutCredential, device: DeviceContext, options: Options) -> list[str] | Unsupported:
    if not _is_pin(command.person):
        return _PIN_REFUSED
    secret = _secret(command)
    if isinstance(secret, Unsupported):
        return secret
    name = clean(command.name, 24)
    if options.dialect == "att":
        if command.until is not None or command.from_ is not None:
            return Unsupported("a terminal in the att dialect can't end a credential by itself")
        card = {"CardNo": "Card", "Password": "Passwd"}
        pairs = [("PIN", command.person), ("Name", name), ("Pri", "0"), *((card[key], value) for key, value in secret)]
        return [f"DATA UPDATE USERINFO {_joined(pairs)}"]
    doors = [_door(door) for door in command.doors]
    if not all(door is not None and door <= 8 for door in doors):
        return Unsupported("a credential is given for doors 1 to 8 of a reader")
    window = [("StartTime", command.from_), ("EndTime", command.until)]
    user = [
        ("Pin", command.person), *secret, ("Group", "0"), *((key, _moment(at, device, options)) for key, at in window),
        ("Name", name), ("Privilege", "0"),
    ]  # fmt: skip
    mask = sum(1 << (door - 1) for door in set(doors) if door) or ALL_DOORS
    rights = [("Pin", command.person), ("AuthorizeTimezoneId", "1"), ("AuthorizeDoorId", str(mask))]
    return [f"DATA UPDATE user {_joined(user)}", f"DATA UPDATE userauthorize {_joined(rights)}"]


def _secret(command: PutCredential) -> list[tuple[str, str]] | Unsupported:
    """What the reader compares. A face or a finger is enrolled at the reader itself; the hub sets its window."""
    number = command.number or ""
    match command.credential:
        case "card" if _DIGITS.fullmatch(number):
            return [("CardNo", number)]
        case "card":
            return Unsupported("a reader takes a card's number in decimal digits")
        case "pin" if _PASSWORD.fullmatch(number):
            return [("Password", number)]
        case "pin":
            return Unsupported("a reader takes a PIN of 1 to 8 digits")
        case "face" | "fingerprint":
            return []
        case other:
            return Unsupported(f"a reader can't be given a {other}")


def _remove(command: RemoveCredential, options: Options) -> list[str] | Unsupported:
    """The rights go too: left behind, they would be the next owner's of the same number."""
    if not _is_pin(command.person):
        return _PIN_REFUSED
    if options.dialect == "att":
        return [f"DATA DELETE USERINFO PIN={command.person}"]
    return [f"DATA DELETE userauthorize Pin={command.person}", f"DATA DELETE user Pin={command.person}"]


def _set_clock(device: DeviceContext, options: Options, now: datetime) -> list[str]:
    """A terminal in the att dialect takes the time from the answer's Date and TimeZone, and is only told to ask."""
    if options.dialect == "att":
        return ["CHECK"]
    return [f"SET OPTIONS DateTime={seconds_of(now.astimezone(device.time_zone))}"]


def _replay(command: Replay, device: DeviceContext, options: Options, now: datetime) -> list[str]:
    """The acc dialect has no filter by time that all models know: all records come again, and those that are known
    are dropped by their ids."""
    if options.dialect == "att":
        since, until = (_wall(at, device) for at in (command.since, command.until or now))
        return [f"DATA QUERY ATTLOG StartTime={since}\tEndTime={until}"]
    return ["DATA QUERY tablename=transaction,fielddesc=*,filter=*"]


def _is_pin(person: str) -> bool:
    return _PIN.fullmatch(person) is not None and bool(person.strip("0"))


def _door(number: str) -> int | None:
    return int(number) if re.fullmatch(r"[1-9]|1[0-6]", number) else None


def _moment(at: datetime | None, device: DeviceContext, options: Options) -> str:
    """0 is without a limit. By day, the credential is good on the whole of its last day."""
    if at is None:
        return "0"
    wall = at.astimezone(device.time_zone)
    return f"{wall:%Y%m%d}" if options.validity == "day" else str(seconds_of(wall))


def _wall(at: datetime, device: DeviceContext) -> str:
    return f"{at.astimezone(device.time_zone):%Y-%m-%d %H:%M:%S}"


def _joined(pairs: list[tuple[str, str]]) -> str:
    return "\t".join(f"{key}={value}" for key, value in pairs)
