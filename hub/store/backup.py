"""Copies of the databases while the hub runs, and what a restored pair of them needs before a hub runs on it."""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Table, func, select

from hub.core.records import CommandRecord
from hub.store import audit, deadlines, outbox, tables
from hub.store.database import Transaction

SKIPPED = 1_000_000
"""rows and commands that the lost hub may have numbered after the backup: none of their numbers is given out again"""


class NotCopied(Exception):
    """A database can't be copied or read; the text says which and why."""


def copy_database(source: Path, copy: Path) -> None:
    """`source` as it is at one moment, with SQLite's online backup. In WAL mode writers go on meanwhile, and one step
    is one view: in several, each write of another process begins the copy anew. Raises NotCopied."""
    try:
        with contextlib.closing(sqlite3.connect(source, timeout=5)) as original:
            original.execute("PRAGMA query_only = ON")
            with contextlib.closing(sqlite3.connect(copy)) as fresh:
                original.backup(fresh, pages=-1)
    except sqlite3.Error as error:
        raise NotCopied(f"{source}: {error}") from error


def schema_of(database: Path) -> str:
    """The schema that a copy of hub.db is at. Raises NotCopied."""
    try:
        with contextlib.closing(sqlite3.connect(database)) as opened:
            return str(opened.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise NotCopied(f"{database}: not a hub's database") from error


@dataclass(frozen=True, slots=True)
class SpoolLeft:
    """What a restored spool holds. `never_written` and `written` are ids of commands: the first were closed now."""

    rows: int = 0
    never_written: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()


def prepare_spool(spool: Path) -> SpoolLeft:
    """No command of before is written any more, and no number of after the backup is given out twice: a receipt or an
    answer to the lost hub would be taken for one to this, and a change of state for an old one. Raises NotCopied."""
    try:
        with contextlib.closing(sqlite3.connect(spool)) as opened, opened:
            progress: dict[str, str] = dict(opened.execute("SELECT id, progress FROM command"))
            opened.execute("UPDATE command SET progress = 'closed', body = x'' WHERE progress = 'kept'")
            for table in ("spooled", "command"):
                if not opened.execute(
                    "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (SKIPPED, table)
                ).rowcount:
                    opened.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, SKIPPED))
            rows = opened.execute("SELECT count(*) FROM spooled").fetchone()[0]
    except sqlite3.Error as error:
        raise NotCopied(f"{spool}: {error}") from error
    never_written = frozenset(identity for identity, state in progress.items() if state == "kept")
    return SpoolLeft(rows, never_written, frozenset(progress) - never_written)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a restored store holds. `newest` is device → when the last event that it has of it was received."""

    visits_open: int
    incidents_open: int
    deadlines: int
    deadlines_held: int
    notices_held: int
    commands: tuple[CommandRecord, ...]
    newest: Mapping[str, datetime]


def hold_outbox(tx: Transaction, spool: SpoolLeft) -> Resumed:
    """Nothing of before goes out unasked: notices and overdue deadlines are held, commands closed; life deadlines
    run."""
    deadlines.hold(tx)
    commands = outbox.give_up_commands(tx, spool.written, spool.never_written)
    notices = outbox.hold_notices(tx)
    held = len(deadlines.held(tx))
    for site in tx.connection.scalars(select(tables.users.c.site).distinct()):
        counted = {"notices": str(notices), "deadlines": str(held), "commands": str(len(commands))}
        audit.add(tx, site, tx.now, "command line", "", "restore", "", counted)
    return Resumed(
        visits_open=_count(tx, tables.visits, tables.visits.c.state == "open"),
        incidents_open=_count(tx, tables.incidents, tables.incidents.c.state != "done"),
        deadlines=_count(tx, tables.deadlines),
        deadlines_held=held,
        notices_held=notices,
        commands=tuple(commands),
        newest=_newest(tx),
    )


def _count(tx: Transaction, table: Table, *where: ColumnElement[bool]) -> int:
    return tx.connection.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _newest(tx: Transaction) -> dict[str, datetime]:
    events = tables.events.c
    query = (
        select(events.device, func.max(events.received).label("newest"))
        .where(events.device != "")
        .group_by(events.device)
    )
    return {row.device: row.newest for row in tx.connection.execute(query.order_by(events.device))}
