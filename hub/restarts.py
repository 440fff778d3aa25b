"""A hub that ended itself, told to the desk: one line with when and which worker, until a person takes it."""

import asyncio
import contextlib
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.core.text import Instant, rfc3339
from hub.own_alerts import raise_own
from hub.store.database import Priority, Store, StoreAway

LOOK_EVERY = 5.0
"""seconds: of a hub in two processes the other may have been the one"""


class Stopped(BaseModel):
    """The watchdog's note in the data directory, written while all else stands still."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: Instant
    workers: tuple[str, ...]
    told: bool = False

    @classmethod
    def read(cls, note: Path) -> Self | None:
        """None where there is none, or it was cut off."""
        try:
            return cls.model_validate_json(note.read_bytes())
        except (OSError, ValidationError):
            return None


class Restarts:
    def __init__(self, note: Path, site: str, store: Store) -> None:
        self._note = note
        self._site = site
        self._store = store
        self._told: datetime | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            stopped = Stopped.read(self._note)
            if stopped and not stopped.told and stopped.at != self._told:
                with contextlib.suppress(StoreAway):
                    await self._tell(stopped)
            await asyncio.sleep(LOOK_EVERY)

    async def _tell(self, stopped: Stopped) -> None:
        workers = ", ".join(stopped.workers)
        details = {"workers": workers, "stopped": rfc3339(stopped.at)}
        await self._store.write(
            Priority.DISPATCH,
            lambda tx: raise_own(tx, self._site, "hub_restarted", "medium", stopped.at, "", details),
        )
        self._told = stopped.at
        if Stopped.read(self._note) == stopped:
            with contextlib.suppress(OSError):
                self._note.write_text(stopped.model_copy(update={"told": True}).model_dump_json())
