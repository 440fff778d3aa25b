"""Frames of GB/T 26875.3 as a transmission device makes them: an encoder of the tests' own, and what a frame means."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hub.adapters.gbt26875 import ADAPTER
from hub.adapters.gbt26875.codec import Options
from hub.core.adapter import Decoded, DeviceContext, Frame
from hub.core.events import Event

T = datetime(2026, 3, 5, 6, 7, 8, tzinfo=UTC)
CHINA = ZoneInfo("Asia/Shanghai")
PANEL, CENTRE = 51, 700
LABEL = "7层电梯厅烟感"


def tag(moment: datetime) -> bytes:
    local = moment.astimezone(CHINA)
    return bytes([local.second, local.minute, local.hour, local.day, local.month, local.year - 2000])


def framed(
    data: bytes,
    *,
    command: int = 2,
    sequence: int = 9,
    sent: bytes | None = None,
    source: int = PANEL,
    destination: int = CENTRE,
    version: bytes = b"\x01\x00",
) -> bytes:
    body = sequence.to_bytes(2, "little") + version + (tag(T) if sent is None else sent)
    body += source.to_bytes(6, "little") + destination.to_bytes(6, "little")
    body += len(data).to_bytes(2, "little") + bytes([command]) + data
    return b"@@" + body + bytes([sum(body) % 256]) + b"##"


def objects(kind: int, *bodies: bytes) -> bytes:
    return bytes([kind, len(bodies)]) + b"".join(bodies)


def component(
    status: int,
    *,
    zone: int = 12,
    point: int = 34,
    kind: int = 42,
    at: datetime | None = None,
    label: bytes | None = None,
    time: bytes | None = None,
) -> bytes:
    text = (LABEL.encode("gb18030") if label is None else label).ljust(31, b"\0")
    where = bytes([1, 3, kind]) + zone.to_bytes(2, "little") + point.to_bytes(2, "little")
    return where + status.to_bytes(2, "little") + text + (time if time is not None else tag(at or T))


def system(status: int, *, at: datetime = T) -> bytes:
    return bytes([1, 3]) + status.to_bytes(2, "little") + tag(at)


def device(*, test_bit: bool = False, centre: int = 0) -> DeviceContext:
    return DeviceContext(
        site="site",
        id="fire-b3",
        address=str(PANEL),
        time_zone=CHINA,
        kind_lane="life",
        options=Options(test_bit=test_bit, centre=centre),
    )


def decode(raw: bytes, received: datetime = T, *, test_bit: bool = False) -> Decoded:
    return ADAPTER.decode(Frame(payload=raw, received=received), device(test_bit=test_bit))


def events(kind: int, *bodies: bytes, test_bit: bool = False) -> tuple[Event, ...]:
    return decode(framed(objects(kind, *bodies)), test_bit=test_bit).events


def said(found: tuple[Event, ...]) -> list[tuple[str, str | None]]:
    return [(event.type, event.vendorcode) for event in found]


def yes(data: bytes = b"", *, command: int = 3, sequence: int = 9) -> bytes:
    """What the centre answers a frame of the device."""
    return framed(data, command=command, sequence=sequence, source=CENTRE, destination=PANEL)
