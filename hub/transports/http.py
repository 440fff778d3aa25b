"""Devices that call us over HTTP: one server for all of them, each adapter under its path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

import structlog
from aiohttp import web

from hub.core.adapter import Adapter, Frame, Http, RequestHead
from hub.core.pictures import cut_pictures
from hub.store.spool import SpoolAway
from hub.transports import Receive, Room, plain_address

log = structlog.get_logger()

BODY_LIMIT = 4 * 1024 * 1024
BODIES = 32 * 1024 * 1024
"""bytes of bodies in memory at once; the next ones wait on their connections"""
ANSWER_WITHIN = 20.0
KEPT_ALIVE = 75.0
"""seconds that a connection waits for its next request: readers poll every 5 to 60 s"""
CONNECTIONS_A_PEER = 256
"""readers behind one address translation come from one peer"""


class HttpListener:
    """`adapters` by name; those that speak HTTP are served."""

    def __init__(self, adapters: Mapping[str, Adapter], address: str, port: int, receive: Receive, room: Room) -> None:
        self._address = address
        self._port = port
        self._receive = receive
        self._room = room
        self._held = 0
        """bytes of bodies that are read or to be answered"""
        self._answered = asyncio.Event()
        self._prefixes = [(a.transport.prefix, a) for a in adapters.values() if isinstance(a.transport, Http)]
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port in use, also where 0 was asked for."""
        if self._server is None or not self._server.sockets:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Raises OSError when the address can't be listened on."""
        if not self._prefixes:
            return
        app = web.Application(client_max_size=BODY_LIMIT)
        app.on_response_prepare.append(_say_no_version)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEPT_ALIVE, shutdown_timeout=0.2)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Door(self._let_in), self._address, self._port)
        log.info("listening", transport="http", address=self._address, port=self.port)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        if self._runner:
            await self._runner.cleanup()

    def _let_in(self, transport: asyncio.Transport) -> None:
        """A device that connects again and again is let in; the connection it left behind first makes room."""
        server = self._runner.server if self._runner else None
        if server is None:
            transport.abort()
            return
        peer = _peer(transport)
        same = [known.transport for known in server.connections if known.transport and _peer(known.transport) == peer]
        if len(same) >= CONNECTIONS_A_PEER:
            log.warning("oldest_connection_closed", transport="http", peer=peer, connections=len(same))
            same[0].abort()
        handler = server()
        transport.set_protocol(handler)
        handler.connection_made(transport)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        adapter = next((a for prefix, a in self._prefixes if request.path.startswith(prefix)), None)
        if adapter is None:
            return web.Response(status=404, text="no device protocol is served at this path\n")
        head = RequestHead(
            request.method,
            request.path,
            dict(request.query.items()),
            {name.lower(): value for name, value in request.headers.items()},
        )
        frame = Frame(b"", datetime.now(UTC), request=head, peer=plain_address(request.remote))
        size = request.content_length or BODY_LIMIT if request.can_read_body else 0
        if size > BODY_LIMIT:
            return _too_large()
        try:
            async with asyncio.timeout(ANSWER_WITHIN), self._read_in_turn(adapter, frame, request, size) as whole:
                reply = await asyncio.shield(self._receive(adapter, whole, id(request.transport)))
        except web.HTTPRequestEntityTooLarge:
            return _too_large()
        except web.RequestPayloadError:
            return web.Response(status=400, text="the body ended early or isn't encoded as its head says\n")
        except (SpoolAway, TimeoutError):  # logged where it failed; the device keeps the record and sends it again
            return web.Response(status=503, text="not kept, send again\n")
        if reply is None:
            return web.Response()
        return web.Response(status=reply.status, body=reply.payload, content_type=reply.content_type)

    @contextlib.asynccontextmanager
    async def _read_in_turn(
        self, adapter: Adapter, head: Frame, request: web.Request, size: int
    ) -> AsyncIterator[Frame]:
        """The whole frame, read once its device's share and the memory for bodies have room; a poll, which has no body,
        never waits."""
        if size:
            await self._room(adapter, head, id(request.transport))
            while self._held and self._held + size > BODIES:
                self._answered.clear()
                await self._answered.wait()
        self._held += size
        try:
            yield head._replace(payload=cut_pictures(await request.read()), received=datetime.now(UTC))
        finally:
            self._held -= size
            self._answered.set()


class _Door(asyncio.Protocol):
    """A new connection, before it is aiohttp's."""

    def __init__(self, let_in: Callable[[asyncio.Transport], None]) -> None:
        self._let_in = let_in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._let_in(transport)


def _peer(transport: asyncio.BaseTransport) -> str:
    return plain_address((transport.get_extra_info("peername") or ("",))[0])


def _too_large() -> web.Response:
    return web.Response(status=413, text=f"larger than {BODY_LIMIT} bytes\n")


async def _say_no_version(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "hub"
