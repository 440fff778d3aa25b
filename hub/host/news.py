"""States that devices tell again and again: one that says what was said last isn't kept a second time.

Only what can wait is held back, in memory: after a restart each state is news once more, and a life event that raises
is always news. What isn't on disk yet holds nothing back: its repeat is answered only when one of them is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.core.envelope import Data
from hub.core.events import Event
from hub.core.fire_events import FireModeChanged, FireNormal

REMEMBERED = 100_000

_OPPOSITE = {
    "door.opened": "door.closed",
    "door.closed": "door.opened",
    "door.locked": "door.unlocked",
    "door.unlocked": "door.locked",
    "compartment.opened": "compartment.closed",
    "compartment.closed": "compartment.opened",
}

_Key = tuple[str, str, str | None]


@dataclass(slots=True)
class _Said:
    data: Data
    kept: bool = False


class News:
    def __init__(self) -> None:
        self._said: dict[_Key, _Said] = {}

    def is_news(self, event: Event) -> bool:
        """Whether to keep it. Remembers what it says either way; `kept` tells that it stands on disk."""
        fire = event.type.startswith("fire.")
        if (fire or event.lane == "life") and getattr(event.data, "active", False):
            if fire:
                self._said.pop((event.device, "fire.normal", event.subject), None)
            if event.lane == "life":
                return True
        if opposite := _OPPOSITE.get(event.type):
            self._said.pop((event.device, opposite, event.subject), None)
        key = _key(event)
        if event.delivery == "snapshot" or isinstance(event, FireNormal | FireModeChanged):
            last = self._said.get(key)
            if last is not None and last.kept and last.data == event.data:
                return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[key] = _Said(event.data)
        return True

    def kept(self, events: Iterable[Event]) -> None:
        """These stand on disk."""
        for event in events:
            said = self._said.get(_key(event))
            if said is not None and not said.kept and (said.data is event.data or said.data == event.data):
                said.kept = True


def _key(event: Event) -> _Key:
    return event.device, event.type, event.subject
