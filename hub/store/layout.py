"""How a record lies in its table: fields that have a column stand in it, the rest is sealed as one JSON value."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, ColumnElement, Row, Select, Table, bindparam, select

from hub.store.database import Transaction
from hub.store.prepared import Among, Prepared, query_of, readers, writers
from hub.store.sealing import Keys

R = TypeVar("R")


class Layout(Generic[R]):
    """`record_type` is a frozen dataclass. `row_id` names the columns that a sealed value is bound to: by default the
    primary key. `extra` is for columns that are no field of the record (blind indexes, say)."""

    def __init__(self, table: Table, record_type: type[R], *, row_id: Sequence[str] = ()) -> None:
        self.table = table
        names = {field.name for field in fields(record_type)}  # type: ignore[arg-type]  # each is a dataclass
        self._outside = tuple(name for column in table.c if (name := column.name) in names)
        self._columns = tuple(column.name for column in table.c)
        self._row_id = tuple(row_id) or tuple(column.name for column in table.primary_key)
        self._inside: TypeAdapter[R] = TypeAdapter(record_type)
        self._readers = readers(tuple(table.c))
        self._writers = tuple(writers(table).items())
        self._values = itemgetter(*self._columns)
        self._opened = _Opened[R]()
        self._queries: dict[int, Prepared] = {}
        self._amongs: dict[tuple[object, ...], Among] = {}

    def row(self, tx: Transaction, record: R, **extra: object) -> dict[str, object]:
        row = {name: getattr(record, name) for name in self._outside} | extra
        rest = self._inside.dump_json(record, exclude=set(self._outside))
        row["sealed"] = tx.keys.seal(rest, table=self.table.name, column="sealed", row=self._place(row))
        if len(row) == len(self._columns):  # what changes is read again soon
            written = row | {name: convert(row[name]) for name, convert in self._writers}
            self._opened.put(tx.keys, self._values(written), record)
        return row

    def record(self, tx: Transaction, row: Row[Any]) -> R:
        """The record that a row holds. Raises Unsealable."""
        return self._record(tx, tuple(row), None)

    def plain(self, tx: Transaction, row: Row[Any]) -> bytes:
        """The sealed part, opened, as JSON: enough to see whether a text is in it."""
        return self._plain(tx, dict(zip(self._columns, row, strict=True)))

    def find(self, tx: Transaction, *where: ColumnElement[bool]) -> list[R]:
        return [self.record(tx, row) for row in tx.connection.execute(self.select().where(*where))]

    def all_of(self, tx: Transaction, site: str, where: ColumnElement[bool]) -> list[R]:
        """The records of a site that `where`, always the same object, holds of."""
        query = self._queries.get(id(where))
        if query is None:
            asked = self.select().where(self.table.c.site == bindparam("of_site"), where)
            query = self._queries[id(where)] = query_of(asked)
        rows = query.rows(tx.connection, {"of_site": site})
        return [self._record(tx, tuple(row), self._readers) for row in rows]

    def having(
        self,
        tx: Transaction,
        site: str,
        column: Column[Any],
        values: Collection[object],
        *where: ColumnElement[bool],
    ) -> list[R]:
        """The records of a site whose `column` is one of `values`; each `where` is always the same object."""
        if not values:
            return []
        key = (column.name, *map(id, where))
        among = self._amongs.get(key)
        if among is None:
            among = self._amongs[key] = Among(tuple(self.table.c), column, *where)
        return [self._record(tx, tuple(row), self._readers) for row in among.rows(tx.connection, site, values)]

    def _record(
        self, tx: Transaction, values: tuple[Any, ...], readers: Sequence[Callable[[Any], Any] | None] | None
    ) -> R:
        """`readers` make our values of a driver's."""
        known = self._opened.get(tx.keys, values)
        if known is not None:
            return known
        ours = (
            values
            if readers is None
            else [value if read is None else read(value) for value, read in zip(values, readers, strict=True)]
        )
        found = dict(zip(self._columns, ours, strict=True))
        outside = {name: found[name] for name in self._outside}
        record = self._inside.validate_python(json.loads(self._plain(tx, found)) | outside)
        self._opened.put(tx.keys, values, record)
        return record

    def _plain(self, tx: Transaction, found: Mapping[str, Any]) -> bytes:
        return tx.keys.unseal(found["sealed"], table=self.table.name, column="sealed", row=self._place(found))

    def get(self, tx: Transaction, *where: ColumnElement[bool]) -> R | None:
        row = tx.connection.execute(self.select().where(*where)).first()
        return None if row is None else self.record(tx, row)

    def select(self) -> Select[Any]:
        return select(*self.table.c)

    def _place(self, row: Mapping[Any, Any]) -> str:
        return "/".join(str(row[name]) for name in self._row_id)


class _Opened(Generic[R]):
    """Records opened lately, by the whole row as it lies in the table: what is open on the board is read with every
    batch and every board, and changes seldom. Frozen, so that all may share one."""

    _MOST = 2048

    def __init__(self) -> None:
        self._keys: Keys | None = None
        self._young: dict[tuple[Any, ...], R] = {}
        self._old: dict[tuple[Any, ...], R] = {}

    def get(self, keys: Keys, values: tuple[Any, ...]) -> R | None:
        if keys is not self._keys:
            return None
        known = self._young.get(values)
        if known is None and (known := self._old.get(values)) is not None:
            self._young[values] = known
        return known

    def put(self, keys: Keys, values: tuple[Any, ...], record: R) -> None:
        if keys is not self._keys:
            self._keys, self._young, self._old = keys, {}, {}
        elif len(self._young) >= self._MOST:
            self._young, self._old = {}, self._young
        self._young[values] = record


def blind(tx: Transaction, kind: str, value: str | None) -> bytes | None:
    """The blind index of a value among those of its kind (`phone`, `number`, …); none of an empty one."""
    return tx.keys.blind(f"{kind}\x1f{value}") if value else None


def blinds(tx: Transaction, kind: str, values: Iterable[str]) -> list[bytes]:
    return [tx.keys.blind(f"{kind}\x1f{value}") for value in values if value]
