"""Frames of GB/T 26875.3-2011, as a user information transmission device (用户信息传输装置) builds and reads them."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

CONTROL, SEND, CONFIRM, REQUEST, REPLY, DENY = 1, 2, 3, 4, 5, 6
_HEAD = 27
_TAIL = 3
_LONGEST = 1024

FIRE, FAULT, SHIELDED, SUPERVISED, STARTED, FEEDBACK = (1 << bit for bit in range(1, 7))
"""bits of a component's status word (table 5); bit 0 is "normal running", which real devices leave clear in an alarm"""
MAIN_POWER, BACKUP_POWER, BUS, MANUAL, CHANGED, RESET = (1 << bit for bit in (8, 9, 10, 11, 12, 13))
"""more bits of a system's status word (table 4)"""

COMPONENTS = {
    "smoke": 40, "heat": 30, "manual_call_point": 23, "hydrant_button": 24, "gas": 10, "co": 10, "flow_switch": 96,
    "pressure_switch": 99, "flame": 69, "multi": 50, "module": 84, "sounder": 121, "pump": 91, "damper": 103,
    "door": 102, "electrical": 16,
}  # fmt: skip
"""what a point list calls a component → component type (table 6); anything else is 0, general"""


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet. `command` is one of CONTROL … DENY; `data` the application data unit, whole."""

    sequence: int
    source: int
    destination: int
    command: int
    data: bytes = b""


def build(frame: Frame, sent: datetime, version: tuple[int, int] = (1, 1)) -> bytes:
    """The packet's bytes. `sent` is the wall clock that goes into the head."""
    control = struct.pack("<HBB", frame.sequence & 0xFFFF, *version) + time_tag(sent)
    control += frame.source.to_bytes(6, "little") + frame.destination.to_bytes(6, "little")
    control += struct.pack("<HB", len(frame.data), frame.command)
    summed = control + frame.data
    return b"@@" + summed + bytes([sum(summed) % 256]) + b"##"


def take(stream: bytearray) -> list[Frame]:
    """Remove whole frames from the front of `stream` and return them. What can't begin a frame, or has a wrong
    checksum or end, is removed and skipped."""
    frames: list[Frame] = []
    while (start := stream.find(b"@@")) >= 0:
        del stream[:start]
        if len(stream) < _HEAD:
            return frames
        length = int.from_bytes(stream[24:26], "little")
        end = _HEAD + length + _TAIL
        if length > _LONGEST:
            del stream[:2]
        elif len(stream) < end:
            return frames
        elif sum(stream[2 : end - _TAIL]) % 256 != stream[end - _TAIL] or stream[end - 2 : end] != b"##":
            del stream[:2]
        else:
            frames.append(_read(bytes(stream[:end])))
            del stream[:end]
    del stream[: len(stream) - (1 if stream.endswith(b"@") else 0)]
    return frames


def objects(type_flag: int, *bodies: bytes) -> bytes:
    """An application data unit: type flag, number of objects, the objects."""
    return bytes([type_flag, len(bodies)]) + b"".join(bodies)


def component_state(system: tuple[int, int], kind: int, address: tuple[int, int], status: int, text: str) -> bytes:
    """A type 2 object without its time tag. `system` is type and address, `address` zone and point."""
    described = text.encode("gb18030")[:31].ljust(31, b"\0")
    return bytes([*system, kind]) + struct.pack("<HHH", *address, status) + described


def time_tag(wall: datetime) -> bytes:
    """Second, minute, hour, day, month, year of the century: plain binary, local time."""
    return bytes([wall.second, wall.minute, wall.hour, wall.day, wall.month, wall.year % 100])


def read_time_tag(tag: Iterable[int]) -> datetime:
    """The wall clock, without a zone. Raises ValueError for what is no time."""
    second, minute, hour, day, month, year = tag
    return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  # the wire has no zone


def _read(whole: bytes) -> Frame:
    return Frame(
        sequence=int.from_bytes(whole[2:4], "little"),
        source=int.from_bytes(whole[12:18], "little"),
        destination=int.from_bytes(whole[18:24], "little"),
        command=whole[26],
        data=whole[_HEAD:-_TAIL],
    )
