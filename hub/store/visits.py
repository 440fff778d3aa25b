"""Visits, from expected to departed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, func, select

from hub.core.records import Visit, VisitState
from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout, blind
from hub.store.paging import Page, page
from hub.store.upsert import put as put_rows

_TABLE = tables.visits.c
_LAYOUT = Layout(tables.visits, Visit)


def put(tx: Transaction, visits: Collection[Visit]) -> None:
    put_rows(tx.connection, tables.visits, [_row(tx, visit) for visit in visits])
    if visits:
        tx.touch("visits")


def get(tx: Transaction, site: str, visit: str) -> Visit | None:
    return _LAYOUT.get(tx, _TABLE.site == site, _TABLE.id == visit)


def having(tx: Transaction, site: str, column: Column[Any], values: Collection[object]) -> list[Visit]:
    return _LAYOUT.having(tx, site, column, values)


def listing(
    tx: Transaction,
    site: str,
    *,
    state: Sequence[VisitState] = (),
    text: str = "",
    day: tuple[datetime, datetime] | None = None,
    overstay: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    count: bool = True,
) -> Page[Visit]:
    """By when they were opened, else when they begin, else when they were announced; newest first.

    `day` is from, until (exclusive). `text` is looked for in names, phones, units, numbers and plates; such a page
    opens at most paging.SCAN rows.
    """
    where: list[ColumnElement[bool]] = [_TABLE.site == site]
    if state:
        where.append(_TABLE.state.in_(state))
    if day is not None:
        where += [_TABLE.at >= day[0], _TABLE.at < day[1]]
    if overstay:
        where.append(_overstays(tx))
    wanted = text.strip().casefold()

    def build(row: Row[Any]) -> Visit | None:
        visit = _LAYOUT.record(tx, row)
        shown = (visit.name, visit.phone, visit.unit, visit.ref, visit.plate, visit.visited)
        return visit if any(wanted in value.casefold() for value in shown) else None

    return page(
        tx,
        _LAYOUT.select().where(*where),
        [_TABLE.at, _TABLE.id],
        build,
        cursor=cursor,
        limit=limit,
        filtering=bool(wanted),
        count=count and not wanted,
    )


def counts(tx: Transaction, site: str) -> dict[str, int]:
    """How many there are in each state; `overstay`: those still open after their end."""
    by_state = select(_TABLE.state, func.count()).where(_TABLE.site == site).group_by(_TABLE.state)
    overstay = select(func.count()).select_from(tables.visits).where(_TABLE.site == site, _overstays(tx))
    numbers = dict.fromkeys(("expected", "waiting", "open", "departed", "cancelled"), 0)
    for name, number in tx.connection.execute(by_state):
        numbers[name] = number
    return numbers | {"overstay": tx.connection.scalar(overstay) or 0}


def _overstays(tx: Transaction) -> ColumnElement[bool]:
    return (_TABLE.state == "open") & (_TABLE.ends < tx.now)


def _row(tx: Transaction, visit: Visit) -> dict[str, object]:
    return _LAYOUT.row(
        tx,
        visit,
        at=visit.opened_at or visit.starts or visit.announced_at,
        phone_blind=blind(tx, "phone", visit.phone),
    )
