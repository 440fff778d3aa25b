"""A device's memory: what it keeps until somebody says yes, and what it has said and been told."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True, eq=False)
class Record(Generic[Body]):
    """One thing that happened at a device. `kind` and `number` name it in the device's own series; `time` is what
    the device's clock showed, as the wire writes it."""

    kind: str
    number: int
    time: str
    body: Body
    urgent: bool = False


@dataclass(eq=False)
class Memory(Generic[Body]):
    """Records in order, the first ones sent again until answered.

    `sent` has an entry for each transmission, so a record sent twice is there twice; `acked` has one for each
    record that was told yes.
    """

    waiting: list[Record[Body]] = field(default_factory=list)
    sent: list[Record[Body]] = field(default_factory=list)
    acked: list[Record[Body]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, record: Record[Body]) -> None:
        """An urgent one goes before whatever isn't."""
        ahead = sum(1 for other in self.waiting if other.urgent) if record.urgent else len(self.waiting)
        self.waiting.insert(ahead, record)
        self._changed.set()

    def going_out(self, batch: Sequence[Record[Body]]) -> None:
        self.sent += batch
        self._changed.set()

    def answered(self, kind: str, number: int) -> bool:
        """The device was told yes. False where no such record waits: a late or a stranger's answer."""
        for record in self.waiting:
            if (record.kind, record.number) == (kind, number):
                self.waiting.remove(record)
                self.acked.append(record)
                self._changed.set()
                return True
        return False

    async def deliver(
        self,
        send: Callable[[Sequence[Record[Body]]], Awaitable[None]],
        *,
        again_after: Callable[[int], float],
        at_once: Callable[[], int],
    ) -> None:
        """Send over one connection: the first `at_once()` records, each again when it has been silent for
        `again_after(times sent)` seconds, and the next ones as these are answered. Ends only by cancellation."""
        clock = asyncio.get_running_loop().time
        times: Counter[Record[Body]] = Counter()
        due: dict[Record[Body], float] = {}
        while True:
            window = self.waiting[: at_once()]
            if batch := [record for record in window if due.get(record, 0.0) <= clock()]:
                self.going_out(batch)
                await send(batch)
                times.update(batch)
                due.update((record, clock() + again_after(times[record])) for record in batch)
            else:
                await self._change(before=min((due[record] for record in window), default=None))

    async def emptied(self, within: float) -> None:
        """Return when nothing waits any more. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while self.waiting:
                await self._change()

    async def transmitted(self, times: int, within: float) -> None:
        """Return when `sent` has this many entries. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while len(self.sent) < times:
                await self._change()

    async def _change(self, before: float | None = None) -> None:
        """Return when the memory has changed, or at the loop's time `before`."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(before):
                await self._changed.wait()
