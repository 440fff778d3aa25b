"""How far each host's spool had come, and when, as the intake last took it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import literal_column, select

from hub.store import tables
from hub.store.database import Transaction
from hub.store.upsert import put

_NO_NEWER = tables.hosts.c.at <= literal_column("excluded.at")
"""than the mark that is put"""


@dataclass(frozen=True, slots=True)
class HostMark:
    """By `at` the host had spooled everything up to `sequence`."""

    site: str
    host: str
    at: datetime
    sequence: int


def save(tx: Transaction, site: str, host: str, at: datetime, sequence: int) -> None:
    """A mark older than the one that is there changes nothing."""
    mark = asdict(HostMark(site, host, at, sequence))
    put(tx.connection, tables.hosts, [mark], only_if=_NO_NEWER)
    tx.touch("hosts")


def listing(tx: Transaction, site: str) -> list[HostMark]:
    query = select(tables.hosts).where(tables.hosts.c.site == site).order_by(tables.hosts.c.host)
    return [HostMark(**row._mapping) for row in tx.connection.execute(query)]
