"""The host's spool: events on this machine's disk before a device is told yes, until the store has committed them;
and commands, whose id is here before their first byte goes out.

Always SQLite, one file, one thread. What arrives while a commit runs goes into the next one together. What every event
and command needs is SQL as the driver takes it: making it anew from tables cost more than the disk.
"""

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import structlog
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from hub.core.commands import COMMAND, Command
from hub.core.envelope import Lane
from hub.core.failures import blame
from hub.pulse import AT_MOST, Pulse
from hub.store.disk import take_room, use_room
from hub.store.sealing import Keys, Unsealable

log = structlog.get_logger()

T = TypeVar("T")
CommandProgress = Literal["kept", "writing", "closed"]
CLOSED_KEPT = 10_000
"""closed commands remembered, so that one offered again is known"""
AT_ONCE = 1000
"""pieces of work a commit"""

_metadata = MetaData()
_rows = Table(
    "spooled",
    _metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("lane", String, nullable=False),
    Column("device", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
Index("spooled_by_lane", _rows.c.lane, _rows.c.sequence, _rows.c.device)
_commands = Table(
    "command",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("device", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("progress", String, nullable=False),
    Column("ref", String, nullable=False, default=""),
    sqlite_autoincrement=True,
)
_habits = Table("habit", _metadata, Column("device", String, primary_key=True), Column("body", String, nullable=False))
Index("command_by_progress", _commands.c.progress, _commands.c.device)

_ADD_ROW = "INSERT INTO spooled (sequence, lane, device, payload) VALUES (?, ?, ?, ?)"
_FORGET_ROWS = "DELETE FROM spooled WHERE sequence BETWEEN ? AND ? RETURNING device"
_KEEP_COMMAND = """INSERT INTO command (id, device, body, progress, ref) VALUES (?, ?, ?, 'kept', '')
    ON CONFLICT (id) DO NOTHING RETURNING number"""
_BEGIN_COMMAND = "UPDATE command SET progress = 'writing', ref = ? WHERE number = ? AND progress = 'kept'"
_CLOSE_COMMAND = "UPDATE command SET progress = 'closed', body = x'' WHERE number = ? AND progress != 'closed'"
_FORGET_COMMANDS = "DELETE FROM command WHERE progress = 'closed' AND number < ?"


class Draft(NamedTuple):
    """An event to be spooled: its canonical JSON without host and sequence."""

    lane: Lane
    device: str
    payload: bytes


class SpooledRow(NamedTuple):
    sequence: int
    lane: Lane
    device: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SpooledCommand:
    """`number` rises by one a command and is never used again; `ref` is what the device's answer will name."""

    number: int
    command: Command
    progress: CommandProgress
    ref: str


class SpoolAway(Exception):
    """The spool's disk can't take it now; nobody may be told yes."""


class NearlyFull(SpoolAway):
    """The spool's disk keeps only matters of life now."""


class _Asked(NamedTuple):
    """A piece of work, and who waits for it."""

    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]


class Spool:
    """`low` says whether its disk is nearly full; `refused` counts what it didn't keep for that."""

    def __init__(self, file: Path, keys: Keys, low: Callable[[], bool] = lambda: False) -> None:
        self.low = low
        self.refused = 0
        self._keys = keys
        self._file = file
        self._work: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._next = 1
        self.pulse = Pulse()
        self._new: list[tuple[int, Lane, str, bytes]] = []
        """rows of the commit under way, sealed, that go to the database together"""
        self._rows: Counter[str] = Counter()
        """by device, as of the last commit"""
        self._change: Counter[str] = Counter()
        """of the commit under way"""

    async def open(self) -> None:
        """Raises SpoolAway."""
        loop = asyncio.get_running_loop()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        opened: asyncio.Future[str] = loop.create_future()
        self._thread = threading.Thread(target=self._serve, args=(loop, opened), name="spool", daemon=True)
        self._thread.start()
        if problem := await opened:
            self._thread = None
            raise SpoolAway(problem)

    async def close(self) -> None:
        """What was asked for before is done; whoever asks later hears SpoolAway."""
        thread, self._thread = self._thread, None
        if thread:
            self._work.put(None)
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def is_asked(self) -> bool:
        """Whether somebody waits for its disk."""
        return self.pulse.is_due or not self._work.empty()

    # what the host asks for; each returns once it is committed

    def append(self, drafts: Sequence[Draft]) -> asyncio.Future[list[SpooledRow]]:
        """Keep events, in order. Raises SpoolAway; NearlyFull where there is room only for life, and none is among
        them."""
        if drafts and self.low() and all(draft.lane == "routine" for draft in drafts):
            self.refused += 1
            refused: asyncio.Future[list[SpooledRow]] = asyncio.get_running_loop().create_future()
            refused.set_exception(NearlyFull(f"{self._file}: the disk is nearly full"))
            return refused
        return self._submit(lambda _: self._append(drafts))

    def rows_of(self, device: str) -> int:
        """How many of its rows wait here."""
        return self._rows[device]

    def forget(self, sequences: Iterable[tuple[int, int]]) -> asyncio.Future[None]:
        """Drop rows that the store has committed: ranges, both ends included."""
        ranges = list(sequences)

        def work(connection: Connection) -> None:
            for each in ranges:
                self._change.subtract(connection.exec_driver_sql(_FORGET_ROWS, each).scalars())

        return self._submit(work)

    def after(self, lane: Lane, sequence: int, limit: int) -> asyncio.Future[list[SpooledRow]]:
        """The first rows of a lane beyond `sequence`, in order. A row that its disk has damaged is passed over."""

        def work(connection: Connection) -> list[SpooledRow]:
            beyond = select(_rows).where(_rows.c.lane == lane).order_by(_rows.c.sequence).limit(limit)
            last = sequence
            self._write_new(connection)
            while rows := connection.execute(beyond.where(_rows.c.sequence > last)).all():
                last = rows[-1].sequence
                if readable := [whole for row in rows if (whole := self._whole(row))]:
                    return readable
            return []

        return self._submit(work)

    def waiting(self) -> asyncio.Future[tuple[int | None, int, int]]:
        """(the oldest sequence still here, the last one given, how many wait)"""

        def work(connection: Connection) -> tuple[int | None, int, int]:
            self._write_new(connection)
            oldest, count = connection.execute(select(func.min(_rows.c.sequence), func.count())).one()
            return oldest, self._next - 1, count

        return self._submit(work)

    def keep_command(self, command: Command) -> asyncio.Future[SpooledCommand | None]:
        """Keep a command before anything of it is written. None if its id is here already: it is not to be done
        again."""

        def work(connection: Connection) -> SpooledCommand | None:
            identity = str(command.id)
            plain = COMMAND.dump_json(command, by_alias=True)
            body = self._keys.seal(plain, table="command", column="body", row=identity)
            number = connection.exec_driver_sql(_KEEP_COMMAND, (identity, command.device, body)).scalar()
            return None if number is None else SpooledCommand(number, command, "kept", "")

        return self._submit(work)

    def begin_command(self, number: int, ref: str) -> asyncio.Future[bool]:
        """Mark a command as being written. False if it was begun or closed before: it must not be written again."""

        def work(connection: Connection) -> bool:
            return connection.exec_driver_sql(_BEGIN_COMMAND, (ref, number)).rowcount == 1

        return self._submit(work)

    def close_command(self, number: int, drafts: Sequence[Draft]) -> asyncio.Future[list[SpooledRow]]:
        """Close a command and keep the event of its outcome, in one commit. [] if it was closed before."""

        def work(connection: Connection) -> list[SpooledRow]:
            if connection.exec_driver_sql(_CLOSE_COMMAND, (number,)).rowcount != 1:
                return []
            connection.exec_driver_sql(_FORGET_COMMANDS, (number - CLOSED_KEPT,))
            return self._append(drafts)

        return self._submit(work)

    def open_commands(self) -> asyncio.Future[list[SpooledCommand]]:
        """All commands without an outcome, oldest first."""

        def work(connection: Connection) -> list[SpooledCommand]:
            chosen = select(_commands).where(_commands.c.progress != "closed").order_by(_commands.c.number)
            return [
                SpooledCommand(row.number, self._command(row.id, row.body), row.progress, row.ref)
                for row in connection.execute(chosen)
            ]

        return self._submit(work)

    def keep_habits(self, bodies: Mapping[str, str]) -> asyncio.Future[None]:
        """What is known of each device's usual day, in place of all that was kept before."""

        def work(connection: Connection) -> None:
            connection.exec_driver_sql("DELETE FROM habit")
            if bodies:
                connection.exec_driver_sql("INSERT INTO habit (device, body) VALUES (?, ?)", list(bodies.items()))

        return self._submit(work)

    def habits(self) -> asyncio.Future[dict[str, str]]:
        """By device."""
        return self._submit(lambda connection: {row.device: row.body for row in connection.execute(select(_habits))})

    async def take_room(self) -> None:
        """Take room on the disk that nobody else can fill. Raises SpoolAway."""
        await self._submit(take_room)
        await self._submit(use_room)

    # the thread

    def _submit(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            done.set_exception(SpoolAway(f"{self._file}: not open"))
        else:
            self._work.put(_Asked(work, done))
        return done

    def _serve(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[str]) -> None:
        engine = create_engine(f"sqlite:///{self._file}", poolclass=StaticPool)
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            with engine.connect() as connection:
                self._prepare(connection)
                loop.call_soon_threadsafe(opened.set_result, "")
                while self._commit_what_waits(loop, connection):
                    pass
        except DBAPIError as error:
            loop.call_soon_threadsafe(opened.set_result, f"{self._file}: {error.orig}")
        finally:
            engine.dispose()

    def _prepare(self, connection: Connection) -> None:
        with connection.begin():
            _metadata.create_all(connection)
            last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'spooled'").scalar()
            self._next = (last or 0) + 1
            counted = connection.execute(select(_rows.c.device, func.count()).group_by(_rows.c.device))
            self._rows = Counter({row[0]: row[1] for row in counted})

    def _commit_what_waits(self, loop: asyncio.AbstractEventLoop, connection: Connection) -> bool:
        """One commit for all that waits. False when the spool is to be closed."""
        batch = [self._work.get()]
        while batch[-1] is not None and len(batch) < AT_ONCE:
            try:
                batch.append(self._work.get_nowait())
            except queue.Empty:
                break
        asked = [item for item in batch if item is not None]
        self.pulse.beat(AT_MOST)
        problem = self._commit(loop, connection, asked)
        if problem is not None and not isinstance(problem, OperationalError) and len(asked) > 1:
            for each in asked:  # the disk is well: one of them is at fault, and the others don't pay for it
                if problem := self._commit(loop, connection, [each]):
                    _refuse(loop, [each], problem)
        elif problem is not None:
            _refuse(loop, asked, problem)
        self.pulse.rest()
        return len(asked) == len(batch)

    def _commit(
        self, loop: asyncio.AbstractEventLoop, connection: Connection, asked: Sequence[_Asked]
    ) -> Exception | None:
        """One transaction; those who wait hear their results after it, in their order. What failed, if it did."""
        next_before = self._next
        try:
            with connection.begin():
                results = [each.work(connection) for each in asked]
                self._write_new(connection)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait hear of it, and the thread goes on
            self._next = next_before
            self._new.clear()
            self._change.clear()
            return error
        self._count()
        loop.call_soon_threadsafe(_resolve, asked, results)
        return None

    def _count(self) -> None:
        for device, change in self._change.items():
            self._rows[device] += change
            if not self._rows[device]:
                del self._rows[device]
        self._change.clear()

    def _append(self, drafts: Sequence[Draft]) -> list[SpooledRow]:
        rows = []
        for lane, device, payload in drafts:
            rows.append(SpooledRow(self._next, lane, device, payload))
            sealed = self._keys.seal(payload, table="spooled", column="payload", row=str(self._next))
            self._new.append((self._next, lane, device, sealed))
            self._change[device] += 1
            self._next += 1
        return rows

    def _write_new(self, connection: Connection) -> None:
        if self._new:
            connection.exec_driver_sql(_ADD_ROW, self._new)
            self._new.clear()

    def _whole(self, row: Row[Any]) -> SpooledRow | None:
        try:
            payload = self._keys.unseal(row.payload, table="spooled", column="payload", row=str(row.sequence))
        except Unsealable:
            log.error("spooled_row_damaged", sequence=row.sequence, device=row.device)
            return None
        return SpooledRow(row.sequence, row.lane, row.device, payload)

    def _command(self, identity: str, body: bytes) -> Command:
        return COMMAND.validate_json(self._keys.unseal(body, table="command", column="body", row=identity))


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event begins, not the driver
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}")


def _resolve(asked: Sequence[_Asked], results: Sequence[Any]) -> None:
    for each, result in zip(asked, results, strict=True):
        if not each.done.done():
            each.done.set_result(result)


def _refuse(loop: asyncio.AbstractEventLoop, asked: Sequence[_Asked], error: Exception) -> None:
    reason = str(error.orig) if isinstance(error, DBAPIError) else blame(error)
    log.error("spool_commit_failed", reason=reason, waiting=len(asked))

    def tell() -> None:
        for each in asked:
            if not each.done.done():
                each.done.set_exception(SpoolAway(reason))

    loop.call_soon_threadsafe(tell)
