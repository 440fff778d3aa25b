"""Which moments the intake has passed: when has everything that a host had spooled by then been taken?

An absence may be concluded only beyond that: what was to end it may still be on its way.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

REMEMBERED = 600


class Passing:
    """Hosts say every second `at`, the last `sequence` spooled by then, and the `oldest` still without a receipt."""

    def __init__(self) -> None:
        self._said: dict[str, deque[tuple[datetime, int]]] = {}
        self._passed: dict[str, datetime] = {}

    def host_said(self, host: str, status: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(str(status["at"]))
        said = self._said.setdefault(host, deque(maxlen=REMEMBERED))
        said.append((at, int(status["sequence"])))
        oldest = status.get("oldest")
        while said and (oldest is None or said[0][1] < int(oldest)):
            self._passed[host] = max(said.popleft()[0], self._passed.get(host, at.min.replace(tzinfo=at.tzinfo)))

    def passed(self, moment: datetime) -> bool:
        """Whether every host heard of has been taken up to `moment`. False while none was heard."""
        return bool(self._said) and all(host in self._passed and self._passed[host] >= moment for host in self._said)
