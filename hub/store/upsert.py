"""Insert or update in one statement, in the words of either database; its SQL is made once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.prepared import Plain, Prepared, writers

Row = Mapping[str, object]

_made: dict[tuple[object, ...], tuple[Prepared, tuple[tuple[str, Callable[[Any], Any]], ...]]] = {}


def add_plain(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Plain]) -> None:
    """Rows that aren't there yet, their values in the order of `columns` and as the driver takes them."""
    known = _made.get((table, "add"))
    if known is None:
        known = _made[(table, "add")] = (Prepared(lambda _: insert(table), columns), ())
    known[0].write_plain(connection, rows)


def put(
    connection: Connection, table: Table, rows: Sequence[Row], *, only_if: ColumnElement[bool] | None = None
) -> None:
    """Each row becomes what the table holds under its primary key. With `only_if`, always the same object, a row that
    is there is changed only where that holds of it."""

    def make(connection: Connection) -> sqlite.Insert | postgresql.Insert:
        wanted = _insert(connection, table)
        keys = [column.name for column in table.primary_key]
        fresh = {column.name: wanted.excluded[column.name] for column in table.c if column.name not in keys}
        return wanted.on_conflict_do_update(index_elements=keys, set_=fresh, where=only_if)

    _write(connection, table, rows, ("put", only_if), make)


def put_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Rows that clash with one that is there, by any key, are left out."""
    _write(
        connection, table, rows, ("put_new",), lambda connection: _insert(connection, table).on_conflict_do_nothing()
    )


def _write(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    way: tuple[object, ...],
    make: Callable[[Connection], ClauseElement],
) -> None:
    if not rows:
        return
    known = _made.get((table, *way, *rows[0]))
    if known is None:
        of_table = writers(table)
        converted = tuple((name, of_table[name]) for name in rows[0] if name in of_table)
        known = _made[(table, *way, *rows[0])] = (Prepared(make, list(rows[0])), converted)
    prepared, converted = known
    if converted:
        rows = [{**row, **{name: convert(row[name]) for name, convert in converted}} for row in rows]
    prepared.write(connection, rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
