"""Insert or update in one statement, in the words of either database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, object]


def put(
    connection: Connection, table: Table, rows: Sequence[Row], *, only_if: ColumnElement[bool] | None = None
) -> None:
    """Each row becomes what the table holds under its primary key. With `only_if`, a row that is there is changed
    only where that holds of it."""
    if not rows:
        return
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    fresh = {column.name: insert.excluded[column.name] for column in table.c if column.name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh, where=only_if), rows)


def put_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Rows that clash with one that is there, by any key, are left out."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
