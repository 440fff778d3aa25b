"""The hub's own parts that are away, as the desk has to know them: what can't come in, be kept or go out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.console.desk import Desk

_NAMES: Mapping[str, str] = {
    "intake.host": "host",
    "intake.broker": "broker",
    "host.broker": "broker",
    "host.devices_broker": "broker",
    "intake.store": "store",
    "host.receipts": "receipts",
    "disk.room": "disk",
    "intake.hosts_room": "disk",
}
"""what a part says of itself in /readyz → the words that the desk has for it; two that mean the same are one line"""

LASTS = timedelta(seconds=3)
"""shorter than this is a start, or a connection made anew: nobody need get up for it"""


@dataclass(frozen=True, slots=True)
class PartAway:
    """`named` says whether the catalogues have words of its own for it."""

    name: str
    since: datetime
    named: bool


def parts_away(desk: Desk, *, readable: bool = True) -> list[PartAway]:
    """Every part that has said False of something for a while, in the order that they fell away. `readable`: whether
    the store could be read just now."""
    now = set(_false(desk.health())) | (set() if readable else {"store"})
    known = desk.away_since
    for name in known.keys() - now:
        del known[name]
    for name in sorted(now - known.keys()):
        known[name] = desk.clock()
    lasting = [(name, since) for name, since in known.items() if desk.clock() - since >= LASTS]
    return [PartAway(name, since, name in _NAMES.values()) for name, since in lasting]


def _false(health: Mapping[str, object]) -> Iterator[str]:
    for part, told in health.items():
        for what, value in told.items() if isinstance(told, Mapping) else ():
            if value is False:
                yield _NAMES.get(f"{part}.{what}", f"{part}.{what}")
