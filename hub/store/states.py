"""What doors and fire systems last said of themselves."""

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import select

from hub.core.records import DoorState, PanelMode
from hub.store import tables
from hub.store.database import Transaction
from hub.store.lookup import rows_among
from hub.store.upsert import put


def put_doors(tx: Transaction, doors: Collection[DoorState]) -> None:
    put(tx.connection, tables.doors, [asdict(door) for door in doors])
    if doors:
        tx.touch("doors")


def put_panel_modes(tx: Transaction, modes: Collection[PanelMode]) -> None:
    put(tx.connection, tables.panel_modes, [asdict(mode) for mode in modes])
    if modes:
        tx.touch("devices")


def doors(tx: Transaction, site: str, named: Collection[str] | None = None) -> list[DoorState]:
    """All doors of the site that said something, or those named."""
    if named is not None and not named:
        return []
    table = tables.doors
    query = select(table).where(table.c.site == site)
    rows = tx.connection.execute(query) if named is None else rows_among(tx, query, table.c.door, named)
    return [DoorState(**row._mapping) for row in rows]


def panel_modes(tx: Transaction, site: str, devices: Collection[str] | None = None) -> list[PanelMode]:
    """Of all fire panels of the site, or of those named."""
    if devices is not None and not devices:
        return []
    table = tables.panel_modes
    query = select(table).where(table.c.site == site)
    rows = tx.connection.execute(query) if devices is None else rows_among(tx, query, table.c.device, devices)
    return [PanelMode(**row._mapping) for row in rows]
