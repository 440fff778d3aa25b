"""Devices that connect to us over TCP: a listener a port, a loop a connection, frames in the order they came."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from hub.core.adapter import Adapter, Frame, Outgoing, Tcp
from hub.store.spool import SpoolAway
from hub.transports import Junk, Receive

log = structlog.get_logger()

CHUNK = 64 * 1024
CONNECTIONS_A_PEER = 64
CLOSE_WITHIN = 1.0

_numbers = itertools.count(1)


class TcpListener:
    """One adapter's port. `send` reaches a connection that is still there."""

    def __init__(
        self, adapter: Adapter, address: str, port: int, receive: Receive, junk: Junk, gone: Callable[[int], None]
    ) -> None:
        if not isinstance(adapter.transport, Tcp):
            raise TypeError(f"{adapter.name} doesn't speak TCP")
        self._adapter = adapter
        self._tcp = adapter.transport
        self._address = address
        self._port = port
        self._receive = receive
        self._junk = junk
        self._gone = gone
        self._server: asyncio.Server | None = None
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._peers: dict[str, int] = {}

    @property
    def port(self) -> int:
        """The port in use, also where 0 was asked for."""
        if self._server is None:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Raises OSError when the address can't be listened on."""
        self._server = await asyncio.start_server(self._serve, self._address, self._port, limit=CHUNK)
        log.info("listening", transport="tcp", adapter=self._adapter.name, address=self._address, port=self.port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._writers.values()):
            writer.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), CLOSE_WITHIN)

    def is_open(self, connection: int) -> bool:
        writer = self._writers.get(connection)
        return writer is not None and not writer.is_closing()

    def send(self, connection: int, outgoing: Outgoing) -> bool:
        """False when that connection is gone."""
        writer = self._writers.get(connection)
        if writer is None or writer.is_closing():
            return False
        writer.write(outgoing.payload)
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        number = next(_numbers)
        if self._peers.get(peer, 0) >= CONNECTIONS_A_PEER:
            log.warning("connection_refused", adapter=self._adapter.name, peer=peer, reason="too many from this peer")
            writer.close()
            return
        self._peers[peer] = self._peers.get(peer, 0) + 1
        self._writers[number] = writer
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            await self._read(reader, writer, peer, number)
        except (ConnectionError, TimeoutError, OSError) as error:
            log.info("connection_ended", adapter=self._adapter.name, peer=peer, reason=str(error))
        finally:
            del self._writers[number]
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]
            writer.close()
            self._gone(number)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, number: int) -> None:
        """Read, split, hand over; the next chunk is read when all of this one is kept and answered."""
        rest = b""
        while chunk := await reader.read(CHUNK):
            received = datetime.now(UTC)
            split = self._tcp.split(rest + chunk)
            rest = split.rest
            due = [self._receive(self._adapter, Frame(frame, received, peer=peer), number) for frame in split.frames]
            for junk, reason in split.junk:
                self._junk(self._adapter, Frame(junk, received, peer=peer), number, reason)
                if refusal := self._tcp.refuse(junk):
                    writer.write(refusal)
            for reply in due:
                with contextlib.suppress(SpoolAway):  # logged where it failed; without a reply the device sends again
                    if outgoing := await reply:
                        writer.write(outgoing.payload)
            await writer.drain()
