"""Durable timers. The scheduler makes those that fall due into events; deciding one deletes it, in one commit.

After a restore, routine ones that fell due before it are held: the hub that was lost may have acted on them already.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, not_, select, true, update
from sqlalchemy import delete as sql_delete

from hub.core.records import Deadline
from hub.store import tables
from hub.store.columns import microseconds, moment_at
from hub.store.database import Transaction
from hub.store.prepared import Among, Prepared
from hub.store.upsert import put as put_rows

_TABLE = tables.deadlines.c
_COLUMNS = tuple(tables.deadlines.c)
_BY_KEY = Among(_COLUMNS, _TABLE.key)
_BY_RECORD = Among(_COLUMNS, _TABLE.record)
_DELETE = Prepared(
    lambda _: sql_delete(tables.deadlines).where(_TABLE.site == bindparam("of_site"), _TABLE.key == bindparam("of_key"))
)
_HELD_AT = "deadlines_held_at"
_A_WAIT = timedelta(hours=1)
_BY_THE_CLOCK = ("overstay",)
"""due at an hour that people named, however short a time before"""


def put(tx: Transaction, deadlines: Collection[Deadline]) -> None:
    put_rows(tx.connection, tables.deadlines, [_row(deadline) for deadline in deadlines])
    if deadlines:
        tx.touch("deadlines")


def due(tx: Transaction, now: datetime, limit: int = 100) -> list[Deadline]:
    """Those due by `now`: of life first, those that wait for an absence last, then by their due time."""
    order = (_TABLE.lane, _TABLE.absence, _TABLE.due, _TABLE.site, _TABLE.key)  # "life" sorts before "routine"
    query = select(tables.deadlines).where(_TABLE.due <= now, not_(_held(tx))).order_by(*order).limit(limit)
    return [_deadline(row) for row in tx.connection.execute(query)]


def next_due(tx: Transaction) -> datetime | None:
    first: datetime | None = tx.connection.scalar(select(func.min(_TABLE.due)).where(not_(_held(tx))))
    return first


def get(tx: Transaction, site: str, key: str) -> Deadline | None:
    found = named(tx, site, {key})
    return found[0] if found else None


def named(tx: Transaction, site: str, keys: Collection[str]) -> list[Deadline]:
    return [_made(found) for found in _BY_KEY.records(tx.connection, site, keys)]


def of_records(tx: Transaction, site: str, records: Collection[str]) -> list[Deadline]:
    """Those that concern one of these records."""
    return [_made(found) for found in _BY_RECORD.records(tx.connection, site, records)]


def delete(tx: Transaction, site: str, *keys: str) -> None:
    if keys:
        _DELETE.write(tx.connection, [{"of_site": site, "of_key": key} for key in keys])
        tx.touch("deadlines")


def move(tx: Transaction, site: str, by: timedelta, since: datetime) -> None:
    """The clock was set: waits of up to an hour that began after `since` (by the clock before) last as long as they
    were meant to. What is due at an hour of the day, or days from now, stays."""
    table = tables.deadlines
    where = (_TABLE.site == site, _TABLE.set_at >= since, _TABLE.kind.not_in(_BY_THE_CLOCK))
    for row in tx.connection.execute(select(_TABLE.key, _TABLE.due, _TABLE.set_at).where(*where)).all():
        if row.due - row.set_at <= _A_WAIT:
            moved = update(table).where(_TABLE.site == site, _TABLE.key == row.key)
            tx.connection.execute(moved.values(due=row.due + by, set_at=row.set_at + by))
    tx.touch("deadlines")


# held after a restore


def hold(tx: Transaction) -> None:
    """From now on those of routine that are overdue wait for a person's word."""
    put_rows(tx.connection, tables.marks, [{"name": _HELD_AT, "value": str(microseconds(tx.now)).encode()}])


def held(tx: Transaction) -> list[Deadline]:
    """Those that wait for a person's word, by their due time."""
    query = select(tables.deadlines).where(_held(tx)).order_by(_TABLE.due, _TABLE.site, _TABLE.key)
    return [_deadline(row) for row in tx.connection.execute(query)]


def release(tx: Transaction, site: str, key: str) -> None:
    """It runs as one set just now, its due time what it was."""
    tx.connection.execute(update(tables.deadlines).where(_TABLE.site == site, _TABLE.key == key).values(set_at=tx.now))
    tx.touch("deadlines")


def _held(tx: Transaction) -> ColumnElement[bool]:
    """What holds of those that were overdue when the store was restored and haven't been set again since."""
    mark = tx.connection.scalar(select(tables.marks.c.value).where(tables.marks.c.name == _HELD_AT))
    if mark is None:
        return not_(true())
    restored = moment_at(int(mark))
    return and_(_TABLE.lane == "routine", _TABLE.due <= restored, _TABLE.set_at <= restored)


def _row(deadline: Deadline) -> dict[str, object]:
    return {
        "site": deadline.site,
        "key": deadline.key,
        "kind": deadline.kind,
        "lane": deadline.lane,
        "due": deadline.due,
        "record": deadline.record,
        "absence": deadline.absence,
        "devices": "\n".join(deadline.devices),
        "set_at": deadline.set_at,
    }


def _deadline(row: Row[Any]) -> Deadline:
    return _made(dict(row._mapping))


def _made(found: dict[str, Any]) -> Deadline:
    return Deadline(**found | {"devices": tuple(found["devices"].split())})
