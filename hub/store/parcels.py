"""Parcels, from stored to collected or withdrawn."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, func, select

from hub.core.records import Parcel, ParcelState
from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout, blind, blinds
from hub.store.paging import Page, page
from hub.store.upsert import put as put_rows

_TABLE = tables.parcels.c
_LAYOUT = Layout(tables.parcels, Parcel)
_STORED = _TABLE.state == "stored"


def put(tx: Transaction, parcels: Collection[Parcel]) -> None:
    put_rows(tx.connection, tables.parcels, [_row(tx, parcel) for parcel in parcels])
    if parcels:
        tx.touch("parcels")


def get(tx: Transaction, site: str, parcel: str) -> Parcel | None:
    return _LAYOUT.get(tx, _TABLE.site == site, _TABLE.id == parcel)


def having(tx: Transaction, site: str, column: Column[Any], values: Collection[object]) -> list[Parcel]:
    return _LAYOUT.having(tx, site, column, values)


def stored_in(tx: Transaction, site: str, places: Collection[tuple[str, str]]) -> list[Parcel]:
    """Those that are in one of these places now: (device, compartment)."""
    devices = {device for device, _ in places}
    found = _LAYOUT.having(tx, site, _TABLE.device, devices, _STORED)
    return [parcel for parcel in found if (parcel.device, parcel.compartment) in places]


def tracked(tx: Transaction, site: str, trackings: Collection[str]) -> list[Parcel]:
    return _LAYOUT.having(tx, site, _TABLE.tracking_blind, blinds(tx, "tracking", trackings))


def listing(
    tx: Transaction,
    site: str,
    *,
    state: Sequence[ParcelState] = (),
    text: str = "",
    overdue: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    count: bool = True,
) -> Page[Parcel]:
    """Newest first by when they were stored. `text` is looked for in tracking numbers, units, phones, carriers,
    compartments and shelves; such a page opens at most paging.SCAN rows."""
    where: list[ColumnElement[bool]] = [_TABLE.site == site]
    if state:
        where.append(_TABLE.state.in_(state))
    if overdue:
        where.append(_overdue())
    wanted = text.strip().casefold()

    def build(row: Row[Any]) -> Parcel | None:
        parcel = _LAYOUT.record(tx, row)
        shown = (parcel.tracking, parcel.unit, parcel.phone, parcel.carrier, parcel.compartment, parcel.shelf)
        return parcel if any(wanted in value.casefold() for value in shown) else None

    return page(
        tx,
        _LAYOUT.select().where(*where),
        [_TABLE.stored_at, _TABLE.id],
        build,
        cursor=cursor,
        limit=limit,
        filtering=bool(wanted),
        count=count and not wanted,
    )


def counts(tx: Transaction, site: str) -> dict[str, int]:
    """How many there are in each state; `overdue`: those stored that nobody came for in time."""
    by_state = select(_TABLE.state, func.count()).where(_TABLE.site == site).group_by(_TABLE.state)
    overdue = select(func.count()).select_from(tables.parcels).where(_TABLE.site == site, _overdue())
    numbers = dict.fromkeys(("stored", "collected", "withdrawn"), 0)
    for name, number in tx.connection.execute(by_state):
        numbers[name] = number
    return numbers | {"overdue": tx.connection.scalar(overdue) or 0}


def _overdue() -> ColumnElement[bool]:
    return (_TABLE.state == "stored") & _TABLE.overdue.is_(True)


def _row(tx: Transaction, parcel: Parcel) -> dict[str, object]:
    return _LAYOUT.row(
        tx,
        parcel,
        tracking_blind=tx.keys.blind(f"tracking\x1f{parcel.tracking}"),
        phone_blind=blind(tx, "phone", parcel.phone),
    )
