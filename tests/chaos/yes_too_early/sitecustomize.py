"""A hub broken on purpose, by whoever has this folder in PYTHONPATH: yes is told before the spool's commit."""

import asyncio
from collections.abc import Sequence

from hub.core.events import Event
from hub.host.events_out import EventsOut
from hub.store.spool import SpooledRow

LATER = 0.5
"""seconds"""

_keep = EventsOut.keep


def _keep_later(self: EventsOut, events: Sequence[Event]) -> "asyncio.Future[list[SpooledRow]]":
    loop = asyncio.get_running_loop()
    loop.call_later(LATER, _keep, self, events)
    kept: asyncio.Future[list[SpooledRow]] = loop.create_future()
    kept.set_result([])
    return kept


EventsOut.keep = _keep_later  # type: ignore[method-assign]
