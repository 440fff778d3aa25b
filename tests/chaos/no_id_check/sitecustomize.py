"""A hub broken on purpose, by whoever has this folder in PYTHONPATH: the intake doesn't ask whether it has an event
already. Receipts are slow too, which is no fault of a hub but makes sure that some are on their way at a kill."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import uuid4

from hub.core.events import Event
from hub.host.events_out import EventsOut
from hub.store import events
from hub.store.database import Transaction

LATER = 0.5
"""seconds"""

_unseen, _receipt = events.unseen, EventsOut.receipt


def _all_of_them(tx: Transaction, batch: Iterable[Event]) -> list[Event]:
    every = list(batch)
    new = {event.id for event in _unseen(tx, every)}
    return [event if event.id in new else event.model_copy(update={"id": uuid4()}) for event in every]


def _receipt_later(self: EventsOut, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
    if restart:
        _receipt(self, [], restart=True)
    asyncio.get_running_loop().call_later(LATER, _receipt, self, ranges)


events.unseen = _all_of_them  # type: ignore[assignment]
EventsOut.receipt = _receipt_later  # type: ignore[method-assign]
