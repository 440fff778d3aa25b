"""What hosts say of their devices and of the commands they have: the last word on each, saved together."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog

from hub.core.failures import blame
from hub.store import devices, outbox
from hub.store.database import Priority, Store, StoreAway, Transaction
from hub.store.devices import DeviceStatus

log = structlog.get_logger()

EVERY = 1.0
REMEMBERED = 5000
"""commands known to be kept: hosts name their last few hundred every second"""


class Statuses:
    def __init__(self, site: str, store: Store) -> None:
        self._site = site
        self._store = store
        self._said: dict[str, DeviceStatus | None] = {}
        self._kept: set[UUID] = set()
        self._saved: OrderedDict[UUID, None] = OrderedDict()

    def heard(self, device: str, payload: bytes) -> None:
        """A message about a device; an empty one takes back what was said."""
        try:
            status = json.loads(payload) if payload else None
        except (ValueError, RecursionError):
            status = {}
        self.said(device, status)

    def said(self, device: str, status: Mapping[str, Any] | None) -> None:
        read = DeviceStatus.read(status) if status is not None else None
        if status is not None and (read is None or (read.site, read.device) != (self._site, device)):
            log.error("device_status_unreadable")
            return
        self._said[device] = read

    def kept(self, commands: Iterable[UUID]) -> None:
        """A host has these on its disk."""
        self._kept |= {command for command in commands if command not in self._saved}

    async def run(self) -> None:
        """Once a second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            said, self._said = self._said, {}
            kept, self._kept = self._kept, set()
            if not said and not kept:
                continue
            try:
                await self._store.write(Priority.ROUTINE, lambda tx: self._save(tx, said, kept))  # noqa: B023  # awaited
            except StoreAway:
                self._said = {**said, **self._said}
                self._kept |= kept
            except Exception as error:  # noqa: BLE001  # they are said again when they change
                log.error("statuses_not_saved", devices=len(said), commands=len(kept), failure=blame(error))
            else:
                self._remember(kept)

    def _save(self, tx: Transaction, said: Mapping[str, DeviceStatus | None], kept: Iterable[UUID]) -> None:
        devices.save_status(tx, *(status for status in said.values() if status))
        for device, status in said.items():
            if status is None:
                devices.forget(tx, self._site, device)
        outbox.command_kept(tx, list(kept))

    def _remember(self, kept: Iterable[UUID]) -> None:
        self._saved |= dict.fromkeys(kept)
        while len(self._saved) > REMEMBERED:
            self._saved.popitem(last=False)
