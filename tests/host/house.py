"""A running host: real sockets, a real spool, the project's own adapters; and an ear where the intake would be."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from hub.adapters import load_adapters
from hub.bus.client import BrokerAddress
from hub.bus.mosquitto import free_port
from hub.core.building import Building
from hub.core.events import Event, parse_event
from hub.core.passing import HostStatus
from hub.host import Host, HostSettings
from hub.store.sealing import Keys
from hub.store.spool import Spool
from tests.adapters import gbt26875_frames as gbt

SITE = "b1"
PANEL, READER, LOCKER = "fire-b3", "reader-1", "locker-2"
SERIAL = "QLNX260400001"
BUILDING = Building.model_validate(
    {
        "site": {"id": SITE, "name": {"zh": "云杉苑", "en": "Spruce Court"}, "time_zone": "Asia/Shanghai"},
        "devices": {
            name: {
                "id": name,
                "name": {"zh": name, "en": name},
                "adapter": adapter,
                "address": address,
                "peer": peer,
                "heartbeat": "PT30S",
                "silence": "PT90S",
            }
            for name, adapter, address, peer in (
                (PANEL, "gbt26875", str(gbt.PANEL), "127.0.0.1"),
                (READER, "zkteco_push", SERIAL, "127.0.0.1"),
                (LOCKER, "locker_mqtt", "locker-2", ""),
            )
        },
    }
)
FIRE = gbt.framed(gbt.objects(2, gbt.component(0b10)))


class Beside:
    """The intake in the same process, as far as the host knows it."""

    def __init__(self) -> None:
        self.offered: list[Event] = []
        self.words: list[HostStatus] = []
        self.devices: dict[str, Mapping[str, Any] | None] = {}

    def offer(self, events: Sequence[Event]) -> None:
        self.offered += events

    def host_status(self, host: str, status: HostStatus) -> None:
        self.words.append(status)

    def device_status(self, device: str, status: Mapping[str, Any] | None) -> None:
        self.devices[device] = status


class House:
    def __init__(self, folder: Path, broker: BrokerAddress | None = None, building: Building = BUILDING) -> None:
        self.spool = Spool(folder / "spool.db", Keys.load_or_create(folder))
        self.beside = Beside()
        self.broker = broker or BrokerAddress("127.0.0.1", free_port())
        settings = HostSettings("hub-1", self.broker, readers_port=0, tcp_ports={"gbt26875": 0})
        self.host = Host(settings, building, load_adapters(), self.spool, self.beside)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["House"]:
        await self.spool.open()
        ready = asyncio.Event()
        task = asyncio.create_task(self.host.run(ready), name="host")
        try:
            async with asyncio.timeout(10):
                waiting = asyncio.create_task(ready.wait())
                await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            yield self
        finally:
            task.cancel()
            results = await asyncio.gather(task, return_exceptions=True)
            await self.spool.close()
        assert isinstance(results[0], asyncio.CancelledError), results[0]

    async def events(self) -> list[Event]:
        """All that is on disk, of both lanes, in their order."""
        rows = [*await self.spool.after("life", 0, 10_000), *await self.spool.after("routine", 0, 10_000)]
        return [parse_event(row.payload) for row in sorted(rows, key=lambda row: row.sequence)]

    async def types(self) -> list[str]:
        return [event.type for event in await self.events()]

    @contextlib.asynccontextmanager
    async def panel(self) -> AsyncIterator["Wire"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.host.tcp_port("gbt26875"))
        yield Wire(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def asks(self, path: str, *, serial: str = SERIAL, body: bytes = b"", **query: str) -> tuple[int, bytes]:
        """A reader's request: its status and body."""
        url = f"http://127.0.0.1:{self.host.readers_port}/iclock/{path}"
        method = "POST" if body else "GET"
        async with (
            ClientSession() as session,
            session.request(method, url, params={"SN": serial, **query}, data=body or None) as answer,
        ):
            return answer.status, await answer.read()


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, stream: bytes) -> None:
        self.writer.write(stream)
        await self.writer.drain()

    async def hears(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readuntil(b"##")

    async def hears_nothing(self, within: float = 0.15) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                return not await self.reader.read(1)
        return True


def record(number: int, type_name: str = "compartment.opened", **fields: Any) -> bytes:
    """A locker's numbered record."""
    said = {"type": type_name, "boot": 7, "number": number, "compartment": "7", "cause": "staff", **fields}
    return json.dumps(said).encode()
