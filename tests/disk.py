"""What a disk does to the spool: it waits, or it can't be written. Real SQLite each time."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable

from hub.store.spool import Spool


@contextlib.asynccontextmanager
async def held(spool: Spool) -> AsyncIterator[None]:
    """The spool's thread is busy: what is asked meanwhile stands on no disk yet."""
    release = threading.Event()
    busy = threading.Event()

    def wait(_connection: object) -> None:
        busy.set()
        release.wait(20)

    waiting = spool._submit(wait)
    while not busy.is_set():
        await asyncio.sleep(0.001)
    try:
        yield
    finally:
        release.set()
        await waiting


@contextlib.asynccontextmanager
async def away(spool: Spool) -> AsyncIterator[None]:
    """Another program holds the file: nothing can be written or read."""
    await spool._submit(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 0"))
    other = sqlite3.connect(spool._file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


async def until(true: Callable[[], object], within: float = 8.0) -> None:
    """Wait for a thing to be so, or fail."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.005)
