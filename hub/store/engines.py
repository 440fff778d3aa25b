"""How each database is opened. The only place that knows one from the other, beside `upsert`."""

import sqlite3

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
}
_POSTGRESQL_AWAY = (
    "08",  # the connection broke
    "25006",  # a standby, or set to be read only
    "28",  # it doesn't let us in
    "3D",  # there is no such database
    "3F",  # nor schema
    "40",  # another's transaction was in the way
    "42501",  # a right is lacking
    "53",  # disk full, out of memory or connections
    "55",  # locked by another
    "57",  # shutting down, starting, or a timeout of ours
    "58",  # its disk failed
    "XX001",  # its files are damaged
    "XX002",
)
_WAITS = (
    ("lock_timeout", "5s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "30s"),
)
_REACH = {"connect_timeout": "5", "tcp_user_timeout": "10000", "keepalives_idle": "5", "keepalives_interval": "3"}
"""libpq's parameters, in s (tcp_user_timeout in ms): a server that is gone without a word is noticed"""
_ON_DISK = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
"""receipts go out after a commit: it has to stand on the server's disk by then"""
_ONE_WRITER = 0x66726F6E74
"""the advisory lock that every transaction which writes holds"""


class UnusableUrl(Exception):
    """The URL of the database names none that can be opened."""


def make_engine(url: str, *, writing: bool) -> Engine:
    """An engine whose transactions take the write lock at once, or one whose transactions are one unchanging view and
    can only read.

    SQLite: WAL, synchronous FULL, foreign keys, 5 s busy timeout. PostgreSQL: 5 s for a lock, 30 s for a statement and
    for a transaction that says nothing. Raises UnusableUrl.
    """
    try:
        parsed = make_url(url)
        return _sqlite(parsed, writing) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed, writing)
    except ModuleNotFoundError as error:
        raise UnusableUrl(f"the database's driver isn't installed: {error.name}") from error
    except (ArgumentError, ValueError) as error:
        raise UnusableUrl("the database's URL can't be read; its form is postgresql+psycopg://…") from error


def _sqlite(url: URL, writing: bool) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 begins nothing by itself: BEGIN is ours, below
        cursor = connection.cursor()
        for pragma in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        if not writing:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql(url: URL, writing: bool) -> Engine:
    reaching = url.set(query={**_REACH, "application_name": "front-desk-hub", **url.query})
    if not writing:
        view = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        engine = create_engine(reaching, pool_pre_ping=True, execution_options=view)
    else:
        engine = create_engine(reaching, pool_pre_ping=True, isolation_level="READ COMMITTED")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # the first statement after it sees all that the one before has committed, as with SQLite
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})")

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for name, wait in _WAITS:
            cursor.execute(f"SET {name} = '{wait}'")
        cursor.execute(_ON_DISK)
        cursor.close()
        connection.commit()  # or the pool's first rollback would take them back

    return engine


def errors_of(engine: Engine) -> tuple[type[Exception], ...]:
    """What a statement may raise: SQLAlchemy's error, or (hub.store.prepared) the driver's own."""
    return DBAPIError, engine.dialect.loaded_dbapi.Error


def is_away(error: Exception) -> bool:
    """Whether the database, not the statement, is at fault: gone, locked, full, unreadable."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code: int = getattr(cause, "sqlite_errorcode", 0)
        return code & 0xFF in _SQLITE_AWAY
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return gone or type(cause).__name__ in ("OperationalError", "InterfaceError")
    return gone or state.startswith(_POSTGRESQL_AWAY)
