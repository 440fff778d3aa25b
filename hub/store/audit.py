"""Who did what to what: only ever added to, each row bound by hash to the one before it. References only."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from hub.store import tables
from hub.store.columns import microseconds
from hub.store.database import Transaction
from hub.store.paging import Page, page

_TABLE = tables.audit.c
_FIRST = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditRow:
    n: int
    site: str
    at: datetime
    who: str
    post: str
    act: str
    target: str
    details: Mapping[str, str]


def add(
    tx: Transaction,
    site: str,
    at: datetime,
    who: str,
    post: str,
    act: str,
    target: str,
    details: Mapping[str, str] | None = None,
) -> None:
    """`details` name records and states, never a person's values."""
    last = select(_TABLE.hash).where(_TABLE.site == site).order_by(_TABLE.n.desc()).limit(1)
    previous = tx.connection.scalar(last) or _FIRST
    content = json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    chained = _hash(bytes(previous), site, at, who, post, act, target, content)
    row = {"site": site, "at": at, "who": who, "post": post, "act": act, "target": target, "details": content}
    tx.connection.execute(insert(tables.audit).values(row | {"previous": previous, "hash": chained}))


def listing(
    tx: Transaction, site: str, *, target: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[AuditRow]:
    """Newest first."""
    query = select(tables.audit).where(_TABLE.site == site)
    if target is not None:
        query = query.where(_TABLE.target == target)
    return page(tx, query, [_TABLE.n], _audit_row, cursor=cursor, limit=limit)


def verify(tx: Transaction, site: str) -> AuditRow | None:
    """The first row that doesn't follow from the one before it; None where the chain is whole."""
    previous = _FIRST
    for row in tx.connection.execute(select(tables.audit).where(_TABLE.site == site).order_by(_TABLE.n)):
        wanted = _hash(previous, row.site, row.at, row.who, row.post, row.act, row.target, row.details)
        if (row.previous, row.hash) != (previous, wanted):
            return _audit_row(row)
        previous = row.hash
    return None


def _hash(previous: bytes, site: str, at: datetime, *words: str) -> bytes:
    content = json.dumps([site, microseconds(at), *words], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + content.encode()).digest()


def _audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(row.n, row.site, row.at, row.who, row.post, row.act, row.target, json.loads(row.details))
