"""How each database is opened. The only place that knows one from the other, beside `upsert`."""

import sqlite3

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
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


def make_engine(url: str, *, writing: bool) -> Engine:
    """An engine whose transactions take the write lock at once, or one that can only read.

    SQLite: WAL, synchronous FULL, foreign keys, 5 s busy timeout.
    """
    if not url.startswith("sqlite"):
        options = {} if writing else {"postgresql_readonly": True}
        return create_engine(url, pool_pre_ping=True, execution_options=options)
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


def is_away(error: DBAPIError) -> bool:
    """Whether the database, not the statement, is at fault: gone, locked, full, unreadable."""
    if isinstance(error.orig, sqlite3.Error):
        code: int = getattr(error.orig, "sqlite_errorcode", 0)
        return code & 0xFF in _SQLITE_AWAY
    return error.connection_invalidated or isinstance(error, OperationalError)
