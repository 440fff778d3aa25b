"""Work that is begun where nobody can wait for it: a frame handed in, a receipt, a command."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from hub.core.failures import blame
from hub.store.spool import SpoolAway

log = structlog.get_logger()

T = TypeVar("T")


class Tasks:
    """Keeps them (the event loop alone would let one be collected half done) and says on the log which failed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, SpoolAway):  # that one the spool has told
            log.error("work_failed", work=task.get_name(), failure=blame(error))
