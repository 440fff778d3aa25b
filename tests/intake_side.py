"""An intake at work on a real store, without a broker: events go in as a host beside it or a message brings them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from hub.bus.client import BrokerAddress, Message
from hub.bus.mosquitto import free_port
from hub.core.events import Event, dump_event
from hub.intake import Intake
from hub.store import events, incidents, quarantine
from hub.store.database import Store, Transaction
from hub.store.sealing import Keys
from tests.store.examples import BUILDING, SITE


class Desk:
    """`url`: another database than SQLite in the folder."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.store = Store(url or f"sqlite:///{folder / 'hub.db'}", Keys.load_or_create(folder))
        self.receipts: list[tuple[str, list[tuple[int, int]]]] = []
        self.intake = Intake(BUILDING, self.store, BrokerAddress("127.0.0.1", free_port()), tell_host=self._receipt)

    def _receipt(self, host: str, ranges: Sequence[tuple[int, int]]) -> None:
        self.receipts.append((host, list(ranges)))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Desk"]:
        await self.store.open()
        task = asyncio.create_task(self.intake.run(), name="intake")
        try:
            yield self
        finally:
            task.cancel()
            results = await asyncio.gather(task, return_exceptions=True)
            await self.store.close()
        assert isinstance(results[0], asyncio.CancelledError), results[0]

    def message(self, event: Event) -> None:
        self.raw(f"hub/v1/{SITE}/events/{event.lane}/{event.device}", dump_event(event))

    def raw(self, topic: str, payload: bytes) -> None:
        self.intake._on_message(Message(topic, payload, False))

    def receipted(self, host: str = "hub-1") -> set[int]:
        ranges = [run for said, runs in self.receipts if said == host for run in runs]
        return {sequence for first, last in ranges for sequence in range(first, last + 1)}

    async def receives(self, *sequences: int, host: str = "hub-1") -> None:
        async with asyncio.timeout(10):
            while not self.receipted(host) >= set(sequences):
                await asyncio.sleep(0.005)

    async def stored(self) -> list[Event]:
        """What devices said, in the order of the commits."""

        def work(tx: Transaction) -> list[Event]:
            page = events.listing(tx, SITE, limit=200)
            return [found.event for found in reversed(page.items) if found.event.host != "intake"]

        return await self.store.read(work)

    async def quarantined(self) -> list[quarantine.QuarantinedFrame]:
        return list((await self.store.read(lambda tx: quarantine.listing(tx, SITE))).items)

    async def alerts(self) -> list[str]:
        return [alert.kind for alert in await self.store.read(lambda tx: incidents.open_alerts(tx, SITE))]
