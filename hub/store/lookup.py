"""Rows whose column is among many values, asked for in pieces that every database takes."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select

from hub.store.database import Transaction

_AT_ONCE = 500


def rows_among(
    tx: Transaction, query: Select[Any], column: ColumnElement[Any], values: Collection[object]
) -> Iterator[Row[Any]]:
    """The rows of `query` whose `column` is one of `values`; none for no values, nor for "", which means none."""
    wanted = [value for value in values if value != ""]
    for start in range(0, len(wanted), _AT_ONCE):
        yield from tx.connection.execute(query.where(column.in_(wanted[start : start + _AT_ONCE])))
