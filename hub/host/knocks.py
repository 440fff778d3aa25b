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
from hub.core.events import Event
from hub.core.fire_events import FirePoint
from hub.core.text import clean, rfc3339

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
    frames: "deque[dict[str, Any]]" = field(default_factory=lambda: deque(maxlen=FRAMES))


class Knocks:
    """Bounded: the source that was silent longest makes room. What is new is taken once a second, together."""

    def __init__(self) -> None:
        self._sources: OrderedDict[tuple[str, str, str], Knock] = OrderedDict()
        self._news: dict[str, Knock] = {}
        self._told: set[str] = set()
        self._forgotten: set[str] = set()

    def heard(self, adapter: str, address: str, frame: Frame, decoded: Decoded) -> Knock:
        source = (adapter, address, frame.peer)
        knock = self._sources.pop(source, None)
        if knock is None:
            if len(self._sources) >= SOURCES:
                self._forget(self._sources.popitem(last=False)[1])
            device = knock_id(adapter, address, frame.peer)
            knock = Knock(device, adapter, clean(address, 200), frame.peer, frame.received, frame.received)
        self._sources[source] = knock
        knock.last = frame.received
        knock.frames.append(_seen(frame, decoded))
        self._news[knock.device] = knock
        self._forgotten.discard(knock.device)
        return knock

    def news(self) -> tuple[list[Knock], list[str]]:
        """Who was heard since the last time, and the devices told of before that made room."""
        heard, self._news = list(self._news.values()), {}
        forgotten, self._forgotten = sorted(self._forgotten), set()
        self._told |= {knock.device for knock in heard}
        self._told -= set(forgotten)
        return heard, forgotten

    def new(self) -> list[Knock]:
        """Those of the news that nobody was told of yet."""
        return [knock for knock in self._news.values() if knock.device not in self._told]

    def tell_all_again(self) -> None:
        self._news |= {knock.device: knock for knock in self._sources.values()}

    def _forget(self, knock: Knock) -> None:
        self._news.pop(knock.device, None)
        if knock.device in self._told:
            self._forgotten.add(knock.device)


def knock_id(adapter: str, address: str, peer: str) -> str:
    """A device id for an undeclared source, safe in a topic: readable where it can be, and never two for one."""
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", f"{address}@{peer}" if peer else address)[:60]
    source = f"{adapter}\x1f{address}\x1f{peer}".encode("utf-8", "surrogatepass")
    return f"unknown.{adapter}.{readable}.{hashlib.sha256(source).hexdigest()[:8]}"


def frame_topic(frame: Frame) -> str:
    """What the frame was sent to: its topic, or its request's method and path. Storable, "" over TCP."""
    return clean(frame.topic or (f"{frame.request.method} {frame.request.path}" if frame.request else ""), 200)


def _seen(frame: Frame, decoded: Decoded) -> dict[str, Any]:
    return {
        "at": rfc3339(frame.received),
        "hex": frame.payload[:SHOWN_BYTES].hex(),
        "topic": frame_topic(frame),
        "meaning": [event.type for event in decoded.events][:20],
        "about": [_about(event) for event in decoded.events][:20],
        "reason": clean(str(decoded.unreadable), 500) if decoded.unreadable else "",
    }


def _about(event: Event) -> str:
    """The point of a panel in its own words, 1-2-037 电梯厅; else what the event names as its subject. "" for none."""
    if isinstance(event.data, FirePoint):
        point = event.data.shown or "/".join(part for part in (event.data.zone, event.data.point) if part)
        return clean(f"{point} {event.data.panel_label or ''}".strip(), 200)
    return clean(event.subject or "", 200)
