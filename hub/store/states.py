"""What doors and fire systems last said of themselves."""

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import select

from hub.core.records import DoorState, PanelMode
from hub.store import tables
from hub.store.database import Transaction
from hub.store.prepared import Among
from hub.store.upsert import put

_DOORS = Among(tuple(tables.doors.c), tables.doors.c.door)
_PANEL_MODES = Among(tuple(tables.panel_modes.c), tables.panel_modes.c.device)


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
    if named is not None:
        return [DoorState(**values) for values in _DOORS.records(tx.connection, site, named)]
    table = tables.doors
    return [DoorState(**row._mapping) for row in tx.connection.execute(select(table).where(table.c.site == site))]


def panel_modes(tx: Transaction, site: str, devices: Collection[str] | None = None) -> list[PanelMode]:
    """Of all fire panels of the site, or of those named."""
    if devices is not None:
        return [PanelMode(**values) for values in _PANEL_MODES.records(tx.connection, site, devices)]
    table = tables.panel_modes
    return [PanelMode(**row._mapping) for row in tx.connection.execute(select(table).where(table.c.site == site))]
