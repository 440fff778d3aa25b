"""Devices that knock without being declared: who, from where, their last frames and what those would mean.

They get no yes and no command, so that a device that keeps its records loses none until someone declares it.
"""

import hashlib
import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.core.adapter import Decoded, Frame
from hub.core.text import rfc3339

SOURCES = 100
FRAMES = 8
SHOWN_BYTES = 2048


@dataclass(slots=True)
class Knock:
    """One source. `device` names it in topics until it is declared."""

    device: str
    adapter: str
    address: str
    peer: str
    first: datetime
    last: datetime
    count: int = 0
    frames: "deque[dict[str, Any]]" = field(default_factory=lambda: deque(maxlen=FRAMES))


class Knocks:
    """Bounded: the source that was silent longest makes room."""

    def __init__(self) -> None:
        self._sources: OrderedDict[tuple[str, str, str], Knock] = OrderedDict()

    def heard(self, adapter: str, address: str, frame: Frame, decoded: Decoded) -> Knock:
        source = (adapter, address, frame.peer)
        knock = self._sources.pop(source, None)
        if knock is None:
            if len(self._sources) >= SOURCES:
                self._sources.popitem(last=False)
            device = knock_id(adapter, address, frame.peer)
            knock = Knock(device, adapter, address, frame.peer, frame.received, frame.received)
        self._sources[source] = knock
        knock.last = frame.received
        knock.count += 1
        knock.frames.append(_seen(frame, decoded))
        return knock


def knock_id(adapter: str, address: str, peer: str) -> str:
    """A device id for an undeclared source, safe in a topic: readable where it can be, and never two for one."""
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", f"{address}@{peer}" if peer else address)[:60]
    mark = hashlib.sha256(f"{adapter}\x1f{address}\x1f{peer}".encode()).hexdigest()[:8]
    return f"unknown.{adapter}.{readable}.{mark}"


def _seen(frame: Frame, decoded: Decoded) -> dict[str, Any]:
    return {
        "at": rfc3339(frame.received),
        "hex": frame.payload[:SHOWN_BYTES].hex(),
        "topic": frame.topic or (f"{frame.request.method} {frame.request.path}" if frame.request else ""),
        "meaning": [event.type for event in decoded.events][:20],
        "reason": decoded.unreadable.reason if decoded.unreadable else "",
    }
