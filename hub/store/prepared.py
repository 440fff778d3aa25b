"""Statements of every batch: their SQL is made once a database, and goes to the driver's own cursor as it is.

SQLAlchemy's own way makes a statement, its cache key and every value's conversion anew at each execution; with two
dozen statements a batch that was measured at more than half of a commit. What fails is the driver's own error.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, Column, ColumnElement, Connection, Select, Table, bindparam, select

from hub.store.columns import EventId, Moment, from_moment, id_at, id_bytes, maybe_moment_at

Plain = tuple[Any, ...]
"""a row as the driver gives it"""
_Convert = Callable[[Any], Any] | None
_Sql = tuple[str, Callable[[Mapping[str, Any]], Plain] | None, Mapping[str, Any]]
"""text; values in the order of its places, None where they go by name; values that are the statement's own"""

_AT_ONCE = 512


class Prepared:
    """One statement. Values go in as the driver takes them, by the names of its parameters."""

    def __init__(self, make: Callable[[Connection], ClauseElement], columns: Sequence[str] = ()) -> None:
        self._make = make
        self._columns = list(columns) or None
        self._made: dict[str, _Sql] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Plain]:
        sql, ordered, given = self._sql(connection)
        everything = {**given, **values} if given else values
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(sql, ordered(everything) if ordered else everything)
            found: list[Plain] = cursor.fetchall()  # type: ignore[assignment]  # a row of either driver is a tuple
        return found

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        sql, ordered, given = self._sql(connection)
        if given:
            rows = [{**given, **row} for row in rows]
        _write(connection, sql, [ordered(row) for row in rows] if ordered else rows)

    def write_plain(self, connection: Connection, rows: Sequence[Plain]) -> None:
        """Rows whose values stand in the order of `columns`."""
        sql, ordered, _ = self._sql(connection)
        names = self._columns or ()
        _write(connection, sql, rows if ordered else [dict(zip(names, row, strict=True)) for row in rows])

    def _sql(self, connection: Connection) -> _Sql:
        made = self._made.get(connection.dialect.name)
        if made is None:
            statement = self._make(connection)
            compiled = connection.dialect.statement_compiler(connection.dialect, statement, column_keys=self._columns)
            ordered = _in_order(compiled.positiontup) if compiled.positiontup is not None else None
            given = {
                name: value
                for name, value in compiled.params.items()
                if value is not None and name not in (self._columns or ())
            }
            made = self._made[connection.dialect.name] = (str(compiled), ordered, given)
        return made


def _write(connection: Connection, sql: str, rows: Sequence[Any]) -> None:
    with closing(connection.connection.cursor()) as cursor:
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)


class Among:
    """Rows of a site whose `column` is one of many values. Values and rows are as the driver has them."""

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        column: Column[Any],
        *where: ColumnElement[bool],
        any_site: bool = False,
    ) -> None:
        self._select = select(*columns).where(*where)
        self._names = tuple(column.name for column in columns)
        self._readers = readers(columns)
        self._column = column
        self._any_site = any_site
        self._by_size: dict[int, Prepared] = {}

    def rows(self, connection: Connection, site: str, values: Collection[Any]) -> Iterator[Plain]:
        """None for no values, nor for "", which means none."""
        wanted = [value for value in values if value != ""]
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            size = 1 << (len(some) - 1).bit_length()
            some += some[-1:] * (size - len(some))
            asked = {f"v{place}": value for place, value in enumerate(some)}
            yield from self._prepared(size).rows(connection, asked | {"of_site": site})

    def records(self, connection: Connection, site: str, values: Collection[Any]) -> Iterator[dict[str, Any]]:
        """The rows by their columns' names, in values of ours."""
        for row in self.rows(connection, site, values):
            ours = [value if read is None else read(value) for value, read in zip(row, self._readers, strict=True)]
            yield dict(zip(self._names, ours, strict=True))

    def _prepared(self, size: int) -> Prepared:
        prepared = self._by_size.get(size)
        if prepared is None:
            query = self._select.where(self._column.in_([bindparam(f"v{place}") for place in range(size)]))
            if not self._any_site:
                query = query.where(self._column.table.c.site == bindparam("of_site"))
            prepared = self._by_size[size] = Prepared(lambda _: query)
        return prepared


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Plain]:
    ordered = itemgetter(*names)
    return ordered if len(names) > 1 else lambda values: (ordered(values),)


def query_of(query: Select[Any]) -> Prepared:
    return Prepared(lambda _: query)


def writers(table: Table) -> dict[str, Callable[[Any], Any]]:
    """By column: how a value of ours becomes the driver's, where that isn't the value itself."""
    return {name: convert for name, column in table.c.items() if (convert := _conversion(column, 0))}


def readers(columns: Sequence[Column[Any]]) -> tuple[_Convert, ...]:
    """By place: how a driver's value becomes ours, None where it is."""
    return tuple(_conversion(column, 1) for column in columns)


def _conversion(column: Column[Any], way: int) -> _Convert:
    if isinstance(column.type, Moment):
        return (from_moment, maybe_moment_at)[way]
    if isinstance(column.type, EventId):
        return (id_bytes, id_at)[way]
    if column.type.python_type is bool:
        return (None, _flag)[way]
    return None


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)
