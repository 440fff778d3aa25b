"""Which moments the intake has passed: when has everything that a host had spooled by then been taken?

An absence may be concluded only beyond that: what was to end it may still be on its way.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hub.core.text import Instant, Integer, Word

REMEMBERED = 600
STEPPED = timedelta(seconds=60)
"""a word that is older than the last one by more: the host's clock was set back; by less, it came late"""

RowNumber = Annotated[Integer, Field(ge=0)]


class HostStatus(BaseModel):
    """A host's word of the second: everything it had spooled by `at` is in rows up to `sequence`; `oldest` is its
    first row without a receipt, None when it has none. `waiting` are its rows, `kept` the ids of commands on its disk,
    `let_fall` the frames that it had no room for since its start, by reason, `low` whether its disk is
    nearly full: then it keeps matters of life alone. `session` is another one whenever its connections to the broker
    are new: then it waits to be asked before it sends its rows again."""

    model_config = ConfigDict(frozen=True)

    at: Instant
    sequence: RowNumber
    oldest: RowNumber | None = None
    waiting: RowNumber = 0
    kept: tuple[UUID, ...] = ()
    let_fall: dict[Word, RowNumber] = {}
    low: bool = False
    session: UUID | None = None


class Passing:
    """`at` and `sequence` of each host's words are remembered until no row up to that sequence waits there."""

    def __init__(self) -> None:
        self._said: dict[str, deque[tuple[datetime, int]]] = {}
        self._last: dict[str, datetime] = {}
        self._passed: dict[str, datetime] = {}

    def host_said(self, host: str, status: HostStatus) -> None:
        last = self._last.get(host, status.at)
        if last - status.at > STEPPED:
            self._said.pop(host, None)
            self._passed.pop(host, None)
        elif status.at < last:
            return
        self._last[host] = status.at
        said = self._said.setdefault(host, deque(maxlen=REMEMBERED))
        said.append((status.at, status.sequence))
        while said and (status.oldest is None or said[0][1] < status.oldest):
            self._passed[host] = said.popleft()[0]

    def passed(self, moment: datetime) -> bool:
        """Whether every host heard of has been taken up to `moment`. False while none was heard."""
        return bool(self._last) and all(host in self._passed and self._passed[host] >= moment for host in self._last)
