"""What each device's host last said of it, and who knocks without being declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete

from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout
from hub.store.upsert import put


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """One of an unknown device's last frames: `meaning` are the event types it would give and `about` the point or
    door of each, `reason` why none."""

    at: datetime
    hex: str
    topic: str = ""
    meaning: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """`skew` is the device's clock against the hub's, in seconds; `waiting` what it has yet to send, where it says
    so; `since` when `link` became what it is; `let_fall` its frames that were let fall, the first at
    `let_fall_since`."""

    site: str
    device: str
    host: str
    adapter: str
    address: str
    peer: str = ""
    declared: bool
    link: Literal["online", "offline", "never"]
    last_heard: datetime | None = None
    since: datetime | None = None
    skew: float | None = None
    waiting: int = 0
    let_fall: int = 0
    let_fall_since: datetime | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    frames: tuple[SeenFrame, ...] = ()

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "DeviceStatus | None":
        """A host's message about a device; None where it isn't one."""
        try:
            return _STATUS.validate_python(said)
        except ValidationError:
            return None


_STATUS = TypeAdapter(DeviceStatus)
_TABLE = tables.devices.c
_LAYOUT = Layout(tables.devices, DeviceStatus)


def save_status(tx: Transaction, *statuses: DeviceStatus) -> None:
    """The last word on each. A device that is declared now knocks no longer; what a host doesn't know since its own
    start stays as it was."""
    unsure = [status for status in statuses if status.last_heard is None]
    known = {status.device: status for status in listing(tx, unsure[0].site)} if unsure else {}
    put(tx.connection, tables.devices, [_LAYOUT.row(tx, _as_known(s, known.get(s.device))) for s in statuses])
    for status in statuses:
        if status.declared:
            source = (_TABLE.adapter == status.adapter, _TABLE.address == status.address, _TABLE.peer == status.peer)
            where = (_TABLE.site == status.site, _TABLE.declared.is_(False), *source)
            tx.connection.execute(delete(tables.devices).where(*where))
    if statuses:
        tx.touch("devices")


def _as_known(status: DeviceStatus, before: DeviceStatus | None) -> DeviceStatus:
    if before is None or status.last_heard is not None:
        return status
    if status.link == "never":
        return replace(status, last_heard=before.last_heard, link=before.link, since=before.since)
    return replace(status, last_heard=before.last_heard)


def get(tx: Transaction, site: str, device: str) -> DeviceStatus | None:
    return _LAYOUT.get(tx, _TABLE.site == site, _TABLE.device == device)


def listing(tx: Transaction, site: str) -> list[DeviceStatus]:
    """All that were ever heard of, declared or not, by id."""
    return sorted(_LAYOUT.find(tx, _TABLE.site == site), key=lambda status: status.device)


def unknown(tx: Transaction, site: str) -> list[DeviceStatus]:
    """Those that knock without being declared, by id."""
    found = _LAYOUT.find(tx, _TABLE.site == site, _TABLE.declared.is_(False))
    return sorted(found, key=lambda status: status.device)


def let_fall(tx: Transaction, site: str) -> list[DeviceStatus]:
    """Those of which frames were let fall since their host's start."""
    return _LAYOUT.find(tx, _TABLE.site == site, _TABLE.let_fall > 0)


def forget(tx: Transaction, site: str, device: str) -> None:
    tx.connection.execute(delete(tables.devices).where(_TABLE.site == site, _TABLE.device == device))
    tx.touch("devices")
