"""Frames that couldn't be read, and events that couldn't be stored: kept whole and sealed, with the reason."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update

from hub.core.envelope import Lane
from hub.core.events import Event, dump_event
from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout
from hub.store.paging import Page, page
from hub.store.upsert import put_new

EVENT_FAILED = "event_failed"
"""the reason of an event that couldn't be decided or stored; what is wrong with it is the hub's own or its rules'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFrame:
    """`frame` is the bytes as received, or an event's JSON where its storing failed. `reason` is plain words without
    personal values; `traceback` may quote some, and is sealed like the frame."""

    id: str
    site: str
    device: str
    received: datetime
    reason: str
    frame: bytes
    host: str = ""
    lane: Lane = "routine"
    topic: str = ""
    traceback: str = ""
    sent_again_at: datetime | None = None

    @property
    def is_event(self) -> bool:
        """Whether it can be sent again: an event of ours that failed. A device's frame is for its adapter to read."""
        return self.reason == EVENT_FAILED


_LAYOUT = Layout(tables.quarantine, QuarantinedFrame, row_id=("site", "id"))


def add(tx: Transaction, *frames: QuarantinedFrame) -> None:
    """Keep frames; one that is there under its id stays as it is."""
    put_new(tx.connection, tables.quarantine, [_LAYOUT.row(tx, f, frame=_seal(tx, f)) for f in frames])
    tx.touch("quarantine", life=any(frame.lane == "life" for frame in frames))


def add_event(tx: Transaction, site: str, event: Event, *, traceback: str = "") -> None:
    """Keep an event that couldn't be decided or stored, as its JSON."""
    add(
        tx,
        QuarantinedFrame(
            id=str(event.id),
            site=site,
            device=event.device,
            host=event.host or "",
            lane=event.lane,
            received=event.received,
            reason=EVENT_FAILED,
            frame=dump_event(event),
            traceback=traceback,
        ),
    )


def add_bytes(tx: Transaction, site: str, payload: bytes, *, reason: str, traceback: str = "") -> str:
    """Keep a message on the hub's own topics that is no event. The same bytes are kept once; returns their id."""
    mark = hashlib.sha256(payload).hexdigest()[:32]
    frame = QuarantinedFrame(
        id=mark, site=site, device="", received=tx.now, reason=reason, frame=payload, traceback=traceback
    )
    add(tx, frame)
    return mark


def get(tx: Transaction, site: str, frame: str) -> QuarantinedFrame | None:
    table = tables.quarantine.c
    row = tx.connection.execute(_LAYOUT.select().where(table.site == site, table.id == frame)).first()
    return None if row is None else _frame(tx, row)


def listing(
    tx: Transaction, site: str, *, device: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[QuarantinedFrame]:
    table = tables.quarantine.c
    query = _LAYOUT.select().where(table.site == site)
    if device is not None:
        query = query.where(table.device == device)
    return page(tx, query, [table.n], lambda row: _frame(tx, row), cursor=cursor, limit=limit, count=True)


def sent_again(tx: Transaction, site: str, frame: str) -> None:
    """Mark that the frame was offered to its adapter once more."""
    table = tables.quarantine.c
    tx.connection.execute(
        update(tables.quarantine).where(table.site == site, table.id == frame).values(sent_again_at=tx.now)
    )
    tx.touch("quarantine")


def frame_bytes(text: str) -> bytes:
    """The bytes that an event carries as base64; text that isn't base64 is kept as it stands."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _seal(tx: Transaction, frame: QuarantinedFrame) -> bytes:
    return tx.keys.seal(frame.frame, table="quarantine", column="frame", row=f"{frame.site}/{frame.id}")


def _frame(tx: Transaction, row: Row[Any]) -> QuarantinedFrame:
    frame = _LAYOUT.record(tx, row)
    plain = tx.keys.unseal(frame.frame, table="quarantine", column="frame", row=f"{frame.site}/{frame.id}")
    return replace(frame, frame=plain)
