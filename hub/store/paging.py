"""Lists by pages, newest first; a cursor is the sort key of the last row, in a form that nobody needs to read."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_

from hub.store.columns import Moment, microseconds, moment_at
from hub.store.database import Transaction

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Order: TypeAlias = Sequence[ColumnElement[Any]]

MOST = 500
"""items of one page, at most"""
SCAN = 5_000
"""rows that one page of a text search opens, at most; its `next` goes on from there"""


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """`next` asks for what follows, None at the end. `total` is of all pages, where it is counted."""

    items: tuple[T_co, ...]
    next: str | None = None
    total: int | None = None


class BadCursor(ValueError):
    """Not a cursor of this list."""


def page(
    tx: Transaction,
    query: Select[Any],
    order: Order,
    build: Callable[[Row[Any]], T | None],
    *,
    cursor: str | None,
    limit: int,
    filtering: bool = False,
    count: bool = False,
) -> Page[T]:
    """One page of `query`, by `order` descending. With `filtering`, `build` answers None for a row that isn't
    wanted; such a page may be short, or empty, and still have a next one."""
    limit = max(1, min(limit, MOST))
    total = tx.connection.scalar(select(func.count()).select_from(query.subquery())) if count else None
    if cursor:
        query = query.where(tuple_(*order) < tuple_(*_after(cursor, order)))
    scan = SCAN if filtering else limit
    rows = tx.connection.execute(query.order_by(*(column.desc() for column in order)).limit(scan + 1))
    items: list[T] = []
    last = None
    for seen, row in enumerate(rows):
        if seen == scan or len(items) == limit:
            rows.close()
            return Page(tuple(items), _cursor(last, order), total)
        item = build(row)
        if item is not None:
            items.append(item)
        last = row
    return Page(tuple(items), None, total)


def _cursor(row: Row[Any] | None, order: Order) -> str | None:
    if row is None:
        return None
    values = [row._mapping[column] for column in order]
    plain = [{"at": microseconds(value)} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _after(cursor: str, order: Order) -> list[ColumnElement[object]]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [literal(_value(value, column), column.type) for value, column in zip(values, order, strict=True)]
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadCursor("not a cursor of this list") from error


def _value(plain: object, column: ColumnElement[object]) -> object:
    if isinstance(column.type, Moment):
        return moment_at(plain["at"])  # type: ignore[index]  # what isn't ours raises, and is caught
    if type(plain) is not column.type.python_type or (isinstance(plain, int) and abs(plain) >= 2**63):
        raise TypeError
    if isinstance(plain, str) and "\x00" in plain.encode().decode():
        raise ValueError
    return plain
