"""Which posts can sound an alarm: each open page says so with every ping of its stream, while its sound runs."""

import time
from collections import OrderedDict
from collections.abc import Callable

LASTS = 12.0
"""seconds that a page's word holds: two pings, and some"""
LEFT = 3.0
"""seconds that a page has which is left for another one of the desk's"""
_REMEMBERED = 500


class Sounding:
    """At the hub's start nobody has had the time to say anything yet: some page is believed to sound until then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._believed_until = clock() + LASTS

    @property
    def pages(self) -> int:
        """How many can sound."""
        return sum(until > self._clock() for until in self._until.values())

    def possible(self) -> bool:
        """Whether one can, or may for all that is known."""
        return self._clock() < self._believed_until or self.pages > 0

    def heard(self, session: str, page: str, *, sounds: bool) -> None:
        """A page's own word."""
        known = self._until.pop((session, page), 0.0)
        now = self._clock()
        self._until[session, page] = now + LASTS if sounds else min(known, now + LEFT)
        while len(self._until) > _REMEMBERED:
            self._until.popitem(last=False)

    def left(self, session: str) -> None:
        """Somebody has signed out."""
        for key in [key for key in self._until if key[0] == session]:
            del self._until[key]
