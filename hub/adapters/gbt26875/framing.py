"""Frames of GB/T 26875.3-2011, chapter 8: finding them in a stream, reading their header, building them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from hub.core.adapter import Split

CONTROL, SEND, CONFIRM, REQUEST, REPLY, DENY = 1, 2, 3, 4, 5, 6
ANSWERS = frozenset({CONFIRM, REPLY, DENY})

START, END = b"@@", b"##"
HEADER, OVERHEAD, MAX_DATA = 27, 30, 1024

_POSSIBLE_START = re.compile(rb"@(?=@|\Z)")


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame's fields. Addresses are as on the wire: six bytes, least first; `version` is main and user version;
    `sent` is the time tag of sending."""

    sequence: int
    version: bytes
    sent: bytes
    source: bytes
    destination: bytes
    command: int
    data: bytes = b""

    def encode(self) -> bytes:
        body = (
            self.sequence.to_bytes(2, "little")
            + self.version
            + self.sent
            + self.source
            + self.destination
            + len(self.data).to_bytes(2, "little")
            + bytes([self.command])
            + self.data
        )
        return START + body + bytes([sum(body) & 0xFF]) + END

    def answer(self, command: int, sent: bytes, data: bytes = b"") -> "Packet":
        """To whoever sent this, with its own sequence number (clause 6.5)."""
        return replace(self, command=command, sent=sent, data=data, source=self.destination, destination=self.source)


def parse(raw: bytes) -> Packet:
    """The fields of bytes in which `fault` finds nothing wrong (or of which only the header is used)."""
    return Packet(
        sequence=int.from_bytes(raw[2:4], "little"),
        version=raw[4:6],
        sent=raw[6:12],
        source=raw[12:18],
        destination=raw[18:24],
        command=raw[26],
        data=raw[HEADER:-3],
    )


def fault(raw: bytes) -> str | None:
    """Why these bytes aren't exactly one frame; None if they are."""
    if not raw.startswith(START):
        return f"{len(raw)} bytes outside any frame: no start bytes 40 40"
    if len(raw) < HEADER:
        return f"frame cut short in its header: {len(raw)} of {HEADER} bytes"
    length = _data_length(raw, 0)
    if length > MAX_DATA:
        return f"length field says {length} bytes of data, the most allowed is {MAX_DATA}"
    end = OVERHEAD + length
    if len(raw) < end:
        return f"frame cut short: {len(raw)} bytes, by its length field {end}"
    if raw[end - 2 : end] != END:
        return f"no end bytes 23 23 at byte {end - 2}, where the length field puts them"
    total = sum(raw[2 : end - 3]) & 0xFF
    if raw[end - 3] != total:
        return f"wrong checksum: {raw[end - 3]:02X} in the frame, {total:02X} by its bytes"
    if len(raw) > end:
        return f"{len(raw) - end} bytes after the frame's end"
    return None


def split(data: bytes) -> Split:
    """Cut a stream's first bytes into frames, junk, and a rest of at most 1053 bytes.

    Of all stretches that are a whole good frame the one that ends first is taken. So a header that promises bytes
    which never come holds back nothing that follows it, and the frames are the same however the stream was cut.
    """
    spans = sorted((end, m.start()) for m in _POSSIBLE_START.finditer(data) if (end := _span_end(data, m.start())))
    frames: list[bytes] = []
    junk: list[tuple[bytes, str]] = []
    done = 0
    for end, start in spans:
        if start < done or end > len(data) or fault(data[start:end]) is not None:
            continue
        junk += _junk(data[done:start])
        frames.append(data[start:end])
        done = end
    waiting = min((start for end, start in spans if start >= done and end > len(data)), default=len(data))
    junk += _junk(data[done:waiting])
    return Split(frames=tuple(frames), junk=tuple(junk), rest=data[waiting:])


def refuse(junk: bytes) -> bytes | None:
    """The deny (command 6) for broken bytes with a readable header; None for noise, and for a broken answer, which
    is never answered. Its time tag is the refused frame's own: nothing here has a clock."""
    if not junk.startswith(START) or len(junk) < HEADER:
        return None
    packet = parse(junk)
    return None if packet.command in ANSWERS else packet.answer(DENY, packet.sent).encode()


def time_tag(moment: datetime) -> bytes:
    """A wall-clock time as second, minute, hour, day, month, year of the century (clause 8.2.2)."""
    return bytes([moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.year % 100])


def read_time(tag: bytes) -> datetime | None:
    """The wall-clock time of a tag, without a zone; None where there is no such time (all zeros, month 13)."""
    if len(tag) != 6 or tag[5] > 99:
        return None
    second, minute, hour, day, month, year = tag
    try:
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  # the zone is the device's
    except ValueError:
        return None


def _data_length(data: bytes, start: int) -> int:
    return int.from_bytes(data[start + 24 : start + 26], "little")


def _span_end(data: bytes, start: int) -> int | None:
    """Where a frame that starts here ends, or at the earliest could; None if its length can't be right."""
    if len(data) < start + 26:
        return start + OVERHEAD
    length = _data_length(data, start)
    return start + OVERHEAD + length if length <= MAX_DATA else None


def _junk(data: bytes) -> Iterator[tuple[bytes, str]]:
    """A stretch without a good frame, cut where headers begin, each piece with what is wrong with it."""
    while data:
        cut = _first_piece(data)
        yield data[:cut], fault(data[:cut]) or "part of no frame"
        data = data[cut:]


def _first_piece(data: bytes) -> int:
    end = _span_end(data, 0) if data.startswith(START) else None
    if end and end <= len(data) and data[end - 2 : end] == END:
        return end
    for possible in _POSSIBLE_START.finditer(data, 1):
        start = possible.start()
        if len(data) >= start + HEADER and _span_end(data, start):
            return start
    return len(data)
