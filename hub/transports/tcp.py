"""Devices that connect to us over TCP: a listener a port, a loop a connection, frames in the order they came."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from hub.core.adapter import Adapter, Frame, Outgoing, Tcp
from hub.core.failures import blame
from hub.store.spool import SpoolAway
from hub.transports import Junk, Receive, Room, plain_address

log = structlog.get_logger()

CHUNK = 16 * 1024
"""bytes: some hundred of a panel's frames, after which others have their turn"""
LONGEST_REST = 1024 * 1024
"""bytes that may wait for the end of their frame"""
CONNECTIONS_A_PEER = 64
SILENT_FOR, PROBE_EVERY, PROBES = 60, 15, 4
"""seconds until a silent connection is probed, between probes, and how many: a device that lost its power leaves its
connection behind"""

_numbers = itertools.count(1)


@dataclass(slots=True)
class _Connection:
    number: int
    peer: str
    writer: asyncio.StreamWriter
    task: "asyncio.Task[None]"


class TcpListener:
    """One adapter's port. `send` reaches a connection that is still there; `gone` hears of each that ended."""

    def __init__(
        self,
        adapter: Adapter,
        address: str,
        port: int,
        receive: Receive,
        junk: Junk,
        room: Room,
        gone: Callable[[int], None],
    ) -> None:
        if not isinstance(adapter.transport, Tcp):
            raise TypeError(f"{adapter.name} doesn't speak TCP")
        self._adapter = adapter
        self._tcp = adapter.transport
        self._address = address
        self._port = port
        self._receive = receive
        self._junk = junk
        self._room = room
        self._gone = gone
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}

    @property
    def port(self) -> int:
        """The port in use, also where 0 was asked for."""
        if self._server is None or not self._server.sockets:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Raises OSError when the address can't be listened on."""
        self._server = await asyncio.start_server(self._accept, self._address, self._port, limit=CHUNK)
        log.info("listening", transport="tcp", adapter=self._adapter.name, address=self._address, port=self.port)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        tasks = [connection.task for connection in self._connections.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def is_open(self, connection: int) -> bool:
        known = self._connections.get(connection)
        return known is not None and not known.writer.is_closing()

    def send(self, connection: int, outgoing: Outgoing) -> bool:
        """False when that connection is gone."""
        if not self.is_open(connection):
            return False
        self._connections[connection].writer.write(outgoing.payload)
        return True

    # one connection

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = plain_address((writer.get_extra_info("peername") or ("",))[0])
        self._make_room(peer)
        number = next(_numbers)
        task = asyncio.create_task(self._serve(number, peer, reader, writer), name=f"tcp-{number}")
        self._connections[number] = connection = _Connection(number, peer, writer, task)
        task.add_done_callback(lambda _: self._ended(connection))

    def _make_room(self, peer: str) -> None:
        """A device that reconnects again and again is let in; the connection it left behind first makes room."""
        same = [connection for connection in self._connections.values() if connection.peer == peer]
        if len(same) >= CONNECTIONS_A_PEER:
            log.warning("oldest_connection_closed", adapter=self._adapter.name, peer=peer, connections=len(same))
            same[0].task.cancel()

    def _ended(self, connection: _Connection) -> None:
        del self._connections[connection.number]
        if connection.task.cancelled():
            connection.writer.transport.abort()  # a peer that reads nothing would hold it open for ever
        else:
            connection.writer.close()
        self._gone(connection.number)

    async def _serve(self, number: int, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _keep_alive(writer.get_extra_info("socket"))
            await self._read(reader, writer, peer, number)
        except OSError as error:
            log.info("connection_ended", adapter=self._adapter.name, peer=peer, reason=str(error))
        except Exception as error:  # noqa: BLE001  # a vendor's splitter failed: this connection ends, others go on
            log.error("adapter_failed", adapter=self._adapter.name, peer=peer, failure=blame(error))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, number: int) -> None:
        """Read, split, hand over; the next chunk is read when all of this one is kept and answered, and its sender's
        share has room."""
        rest = b""
        while chunk := await reader.read(CHUNK):
            received = datetime.now(UTC)
            split = self._tcp.split(rest + chunk)
            rest = split.rest
            junk = split.junk
            if len(rest) > LONGEST_REST:
                junk, rest = (*junk, (rest, f"no end of a frame in {len(rest)} bytes")), b""
            due = [self._receive(self._adapter, Frame(frame, received, peer=peer), number) for frame in split.frames]
            refused = [
                (stretch, self._junk(self._adapter, Frame(stretch, received, peer=peer), number, reason))
                for stretch, reason in junk
            ]
            for reply in due:
                with contextlib.suppress(SpoolAway):  # logged where it failed; without a reply the device sends again
                    if outgoing := await asyncio.shield(reply):
                        writer.write(outgoing.payload)
            for stretch, kept in refused:
                with contextlib.suppress(SpoolAway):
                    if await asyncio.shield(kept) and (refusal := self._tcp.refuse(stretch)):
                        writer.write(refusal)
            await writer.drain()
            await self._room(self._adapter, Frame(b"", received, peer=peer), number)
        if rest:
            frame = Frame(rest, datetime.now(UTC), peer=peer)
            with contextlib.suppress(SpoolAway):
                await asyncio.shield(self._junk(self._adapter, frame, number, "the connection ended within a frame"))


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", SILENT_FOR), ("TCP_KEEPINTVL", PROBE_EVERY), ("TCP_KEEPCNT", PROBES)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
