"""Notices and commands that wait to go out, and what became of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, case, select, update

from hub.core.commands import COMMAND, OPENINGS
from hub.core.effects import CommandBecomes
from hub.core.records import CommandRecord, CommandState, Notice, NoticeState
from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout
from hub.store.lookup import rows_among
from hub.store.paging import Page, page
from hub.store.upsert import put, put_new

_NOTICES = tables.notices.c
_COMMANDS = tables.commands.c
_NOTICE = Layout(tables.notices, Notice)
_HELD = _NOTICES.state == "held"

# notices


def add_notices(tx: Transaction, notices: Collection[Notice]) -> None:
    """One that is there under its key stays as it is, unless it was held."""
    rows = [_NOTICE.row(tx, notice) for notice in notices]
    put(tx.connection, tables.notices, rows, only_if=_HELD)
    if notices:
        tx.touch("notices")


def due_notices(tx: Transaction, now: datetime, limit: int = 100) -> list[Notice]:
    """Queued ones whose time has come: the gravest first, then those that have waited longest."""
    rank = case({"critical": 0, "high": 1, "medium": 2}, value=_NOTICES.severity, else_=3)
    query = _NOTICE.select().where(_NOTICES.state == "queued", _NOTICES.next_at <= now)
    ordered = query.order_by(rank, _NOTICES.next_at, _NOTICES.site, _NOTICES.key).limit(limit)
    return [_NOTICE.record(tx, row) for row in tx.connection.execute(ordered)]


def notice_sent(tx: Transaction, key: str, at: datetime, *, site: str) -> None:
    _change(tx, site, key, lambda n: replace(n, state="sent", sent_at=at, attempts=n.attempts + 1, error=""))


def notice_failed(tx: Transaction, key: str, error: str, again_at: datetime | None, *, site: str) -> None:
    """One attempt failed: tried again at `again_at`, or given up. `error` is plain words without personal values."""
    state: NoticeState = "failed" if again_at is None else "queued"
    _change(
        tx,
        site,
        key,
        lambda n: replace(n, state=state, attempts=n.attempts + 1, error=error, next_at=again_at or n.next_at),
    )


def send_again(tx: Transaction, site: str, key: str) -> bool:
    """Queue a notice once more, under its key. False where there is none."""
    return _change(tx, site, key, lambda n: replace(n, state="queued", next_at=tx.now, attempts=0, error=""))


def hold_notices(tx: Transaction) -> int:
    """All that wait to be sent wait for a person's word instead; returns how many."""
    queued = update(tables.notices).where(_NOTICES.state == "queued")
    tx.touch("notices")
    return tx.connection.execute(queued.values(state="held")).rowcount


def held_notices(tx: Transaction) -> list[Notice]:
    """Those that wait for a person's word, oldest first."""
    return sorted(_NOTICE.find(tx, _HELD), key=lambda notice: (notice.created_at, notice.key))


def drop_notice(tx: Transaction, site: str, key: str) -> bool:
    """A held notice isn't sent, by a person's word; it stays to be read. False where there is none."""
    notice = get_notice(tx, site, key)
    if notice is None or notice.state != "held":
        return False
    return _change(tx, site, key, lambda n: replace(n, state="failed", error="dropped"))


def get_notice(tx: Transaction, site: str, key: str) -> Notice | None:
    return _NOTICE.get(tx, _NOTICES.site == site, _NOTICES.key == key)


def notice_listing(
    tx: Transaction,
    site: str,
    *,
    state: Sequence[NoticeState] = (),
    channel: str | None = None,
    record: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Notice]:
    """Newest first."""
    where: list[ColumnElement[bool]] = [_NOTICES.site == site]
    if state:
        where.append(_NOTICES.state.in_(state))
    if channel is not None:
        where.append(_NOTICES.channel == channel)
    if record is not None:
        where.append(_NOTICES.record == record)
    query = _NOTICE.select().where(*where)
    order = [_NOTICES.created_at, _NOTICES.key]
    return page(tx, query, order, lambda row: _NOTICE.record(tx, row), cursor=cursor, limit=limit, count=True)


def _change(tx: Transaction, site: str, key: str, change: Callable[[Notice], Notice]) -> bool:
    notice = get_notice(tx, site, key)
    if notice is None:
        return False
    put(tx.connection, tables.notices, [_NOTICE.row(tx, change(notice))])
    tx.touch("notices")
    return True


# commands


def add_commands(tx: Transaction, records: Collection[CommandRecord]) -> None:
    """A command that is there under its id stays as it is: it is never asked twice."""
    put_new(tx.connection, tables.commands, [_command_row(tx, record) for record in records])
    if records:
        tx.touch("commands")


def queued_commands(tx: Transaction, now: datetime, but: Collection[str] = ()) -> list[CommandRecord]:
    """Those that no host has yet and that haven't expired, oldest first; without these ids."""
    query = select(tables.commands).where(_COMMANDS.state == "queued", _COMMANDS.expires > now)
    ordered = query.order_by(_COMMANDS.created_at, _COMMANDS.id)
    return [_command(tx, row) for row in tx.connection.execute(ordered) if row.id not in but]


def command_kept(tx: Transaction, ids: Collection[UUID | str]) -> None:
    """Their host has them on its disk: they aren't offered again."""
    wanted = [{"which": str(one)} for one in ids]
    if not wanted:
        return
    kept = update(tables.commands).where(_COMMANDS.id == bindparam("which"), _COMMANDS.state == "queued")
    tx.connection.execute(kept.values(state="kept"), wanted)
    tx.touch("commands")


def expire_commands(tx: Transaction, now: datetime) -> list[CommandRecord]:
    """Close those that no host took in time, and return them."""
    where = (_COMMANDS.state == "queued", _COMMANDS.expires <= now)
    expired = [_command(tx, row) for row in tx.connection.execute(select(tables.commands).where(*where))]
    if expired:
        tx.connection.execute(update(tables.commands).where(*where).values(state="expired", closed_at=now))
        tx.touch("commands")
    return [replace(record, state="expired", closed_at=now) for record in expired]


def clock_set(tx: Transaction, site: str, by: timedelta, since: datetime) -> None:
    """The hub's clock was set: notices made after `since` (by the clock before) go when they were meant to; and an
    opening that no host has yet doesn't become good for longer."""
    made_since = (_NOTICES.site == site, _NOTICES.state == "queued", _NOTICES.created_at >= since)
    for row in tx.connection.execute(select(_NOTICES.key, _NOTICES.next_at).where(*made_since)).all():
        moved = update(tables.notices).where(_NOTICES.site == site, _NOTICES.key == row.key)
        tx.connection.execute(moved.values(next_at=row.next_at + by))
    if by < timedelta():
        openings = (_COMMANDS.site == site, _COMMANDS.state == "queued", _COMMANDS.kind.in_(OPENINGS))
        expired = update(tables.commands).where(*openings).values(state="expired", closed_at=tx.now, result="clock_set")
        tx.connection.execute(expired)
    tx.touch("notices")
    tx.touch("commands")


def give_up_commands(tx: Transaction, written: Collection[str], never_written: Collection[str]) -> list[CommandRecord]:
    """After a restore: what was asked before it isn't done any more. Returns those closed, as they are now.

    The host's word stands for what it has `written` or closed: its outcome comes. What no host had, or had
    `never_written`, is expired; what a host had that lost it may have been written: unknown.
    """
    pending = select(tables.commands).where(_COMMANDS.state.in_(("queued", "kept"))).order_by(_COMMANDS.created_at)
    closed = []
    for record in [_command(tx, row) for row in tx.connection.execute(pending)]:
        identity = str(record.command.id)
        if identity in written:
            continue
        lost = record.state == "kept" and identity not in never_written
        state: CommandState = "unknown" if lost else "expired"
        change = update(tables.commands).where(_COMMANDS.site == record.command.site, _COMMANDS.id == identity)
        tx.connection.execute(change.values(state=state, closed_at=tx.now, result="restored"))
        closed.append(replace(record, state=state, closed_at=tx.now, result="restored"))
    tx.touch("commands")
    return closed


def close_commands(tx: Transaction, site: str, outcomes: Collection[CommandBecomes], at: datetime) -> None:
    if not outcomes:
        return
    closed = update(tables.commands).where(_COMMANDS.site == site, _COMMANDS.id == bindparam("which"))
    changed = closed.values(state=bindparam("became"), result=bindparam("answer"), closed_at=at)
    rows = [{"which": one.command, "became": one.state, "answer": one.result} for one in outcomes]
    tx.connection.execute(changed, rows)
    tx.touch("commands")


def get_command(tx: Transaction, site: str, command: str) -> CommandRecord | None:
    found = commands_named(tx, site, {command})
    return found[0] if found else None


def commands_named(tx: Transaction, site: str, ids: Collection[str]) -> list[CommandRecord]:
    if not ids:
        return []
    query = select(tables.commands).where(_COMMANDS.site == site)
    return [_command(tx, row) for row in rows_among(tx, query, _COMMANDS.id, ids)]


def command_listing(
    tx: Transaction,
    site: str,
    *,
    state: Sequence[CommandState] = (),
    device: str | None = None,
    record: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CommandRecord]:
    """Newest first."""
    where: list[ColumnElement[bool]] = [_COMMANDS.site == site]
    if state:
        where.append(_COMMANDS.state.in_(state))
    if device is not None:
        where.append(_COMMANDS.device == device)
    if record is not None:
        where.append(_COMMANDS.record == record)
    query = select(tables.commands).where(*where)
    order = [_COMMANDS.created_at, _COMMANDS.id]
    return page(tx, query, order, lambda row: _command(tx, row), cursor=cursor, limit=limit, count=True)


def _command_row(tx: Transaction, record: CommandRecord) -> dict[str, object]:
    command = record.command
    body = COMMAND.dump_json(command)
    return {
        "site": command.site,
        "id": str(command.id),
        "device": command.device,
        "kind": command.kind,
        "state": record.state,
        "record": record.record,
        "created_at": record.created_at,
        "expires": command.expires,
        "closed_at": record.closed_at,
        "result": record.result,
        "sealed": tx.keys.seal(body, table="commands", column="sealed", row=f"{command.site}/{command.id}"),
    }


def _command(tx: Transaction, row: Row[Any]) -> CommandRecord:
    found = row._mapping
    place = f"{found['site']}/{found['id']}"
    return CommandRecord(
        command=COMMAND.validate_json(tx.keys.unseal(found["sealed"], table="commands", column="sealed", row=place)),
        state=found["state"],
        record=found["record"],
        created_at=found["created_at"],
        closed_at=found["closed_at"],
        result=found["result"],
    )
