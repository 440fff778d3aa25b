"""The disk under the data directory: when it is nearly full, only matters of life are kept, in room set aside for them.

Below the mark the databases take room into themselves at once (`take_room`): what they hold nobody else can fill. Where
there is none left for that, a file that was set aside is given back for it.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection

log = structlog.get_logger()

LOW, ENOUGH = 0.05, 0.06
"""shares of the disk that are free beside the reserve: below the one it is nearly full, from the other on no more"""
RESERVE = 28 * 2**20
"""bytes: twice ROOM for the spool, twice for the records, and some"""
ROOM = 6 * 2**20
"""bytes that a database takes into its file, and again into its log: more than the 1,000 pages at which SQLite empties
the log"""
LOOK_EVERY = 0.25

_GIVE_BACK = "DROP TABLE IF EXISTS room"
_TAKE = f"CREATE TABLE room AS SELECT zeroblob({ROOM}) AS bytes"


class Disk:
    """`low` while it is nearly full. Two processes may watch one directory: they do the same."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._reserve = directory / "reserve"
        self.low = False
        self.free = 1.0

    @property
    def health(self) -> dict[str, object]:
        return {"room": not self.low, "free_percent": round(self.free * 100, 1), "reserve_bytes": self._kept()}

    async def run(
        self, databases: Sequence[Callable[[], Awaitable[bool]]], enough: Callable[[], None] = lambda: None
    ) -> None:
        """Until cancelled. Each of `databases` takes room for one and says whether it could: at each look until it
        could, since room that is given back somebody else may fill first. `enough` is told when there is room again."""
        was = False
        without = list(databases)
        while True:
            await asyncio.to_thread(self.look)
            if self.low and not was:
                without = list(databases)
            elif was and not self.low:
                enough()
            if self.low and without:
                without = [take for take in without if not await take()]
                if without and self._kept():
                    self.give_back()
                    without = [take for take in without if not await take()]
            was = self.low
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """How much is free now, and what follows from it for the reserve."""
        try:
            seen = os.statvfs(self._directory)
        except OSError as problem:
            log.error("disk_not_readable", reason=str(problem))
            return
        kept, total = self._kept(), max(1, seen.f_blocks * seen.f_frsize)
        self.free = (seen.f_bavail * seen.f_frsize + kept - RESERVE) / total
        if not self.low and self.free < LOW:
            self.low = True
            log.error("disk_nearly_full", directory=str(self._directory), free=f"{self.free:.1%}")
        elif self.free >= (ENOUGH if self.low else LOW) and (kept == RESERVE or self._make()):
            if self.low:
                log.info("disk_has_room", directory=str(self._directory), free=f"{self.free:.1%}")
            self.low = False

    def give_back(self) -> None:
        """What was set aside is free for whoever comes first."""
        with contextlib.suppress(OSError):
            self._reserve.unlink(missing_ok=True)

    def _kept(self) -> int:
        try:
            return self._reserve.stat().st_size
        except OSError:
            return 0

    def _make(self) -> bool:
        try:
            with self._reserve.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE)
        except OSError as problem:
            log.error("reserve_not_made", reason=str(problem))
            self.give_back()
            return False
        return True


def take_room(connection: Connection) -> None:
    """In a transaction of its own, before `use_room`: the file and its log grow by ROOM. SQLite alone."""
    connection.exec_driver_sql(_GIVE_BACK)
    connection.exec_driver_sql(_TAKE)


def use_room(connection: Connection) -> None:
    """The pages taken are free now, for whatever is kept next."""
    connection.exec_driver_sql(_GIVE_BACK)
