"""States that devices tell again and again: one that says what was said last isn't kept a second time.

Only what can wait is held back, in memory: after a restart each state is news once more, and a life event that raises
is always news.
"""

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


class News:
    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str | None], str] = {}

    def is_news(self, event: Event) -> bool:
        """Whether to keep it. Remembers what it says either way."""
        active = getattr(event.data, "active", None)
        if event.type.startswith("fire.") and active:
            self._said.pop((event.device, "fire.normal", event.subject), None)
        if event.lane == "life" and active:
            return True
        if opposite := _OPPOSITE.get(event.type):
            self._said.pop((event.device, opposite, event.subject), None)
        key = (event.device, event.type, event.subject)
        saying = event.data.model_dump_json()
        repeated = self._said.get(key) == saying
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[key] = saying
        return not (repeated and (event.delivery == "snapshot" or isinstance(event, FireNormal | FireModeChanged)))
