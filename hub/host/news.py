"""States that devices tell again and again: one that says what was said last isn't kept a second time.

Only what can wait is held back, in memory: after a restart each state is news once more, and a life event that raises
is always news. What isn't on disk yet holds nothing back: its repeat is answered only when one of them is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
    saying: str
    kept: bool = False


class News:
    def __init__(self) -> None:
        self._said: dict[_Key, _Said] = {}

    def is_news(self, event: Event) -> bool:
        """Whether to keep it. Remembers what it says either way; `kept` tells that it stands on disk."""
        active = getattr(event.data, "active", None)
        if event.type.startswith("fire.") and active:
            self._said.pop((event.device, "fire.normal", event.subject), None)
        if event.lane == "life" and active:
            return True
        if opposite := _OPPOSITE.get(event.type):
            self._said.pop((event.device, opposite, event.subject), None)
        saying = event.data.model_dump_json()
        last = self._said.get(_key(event))
        repeated = last is not None and last.kept and last.saying == saying
        if not repeated:
            if len(self._said) >= REMEMBERED:
                self._said.clear()
            self._said[_key(event)] = _Said(saying)
        return not (repeated and (event.delivery == "snapshot" or isinstance(event, FireNormal | FireModeChanged)))

    def kept(self, events: Iterable[Event]) -> None:
        """These stand on disk."""
        for event in events:
            said = self._said.get(_key(event))
            if said is not None and not said.kept and said.saying == event.data.model_dump_json():
                said.kept = True


def _key(event: Event) -> _Key:
    return event.device, event.type, event.subject
