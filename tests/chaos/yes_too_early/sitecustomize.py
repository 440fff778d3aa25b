"""A hub broken on purpose, by whoever has this folder in PYTHONPATH: yes is told before the spool's commit."""

import asyncio
from collections.abc import Sequence

from hub.core.events import Event
from hub.host.events_out import EventsOut

LATER = 0.5
"""seconds"""

_keep = EventsOut.keep
_under_way: set[asyncio.Task[None]] = set()


async def _keep_later(self: EventsOut, events: Sequence[Event]) -> None:
    async def later() -> None:
        await asyncio.sleep(LATER)
        await _keep(self, events)

    task = asyncio.create_task(later())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


EventsOut.keep = _keep_later  # type: ignore[method-assign]
