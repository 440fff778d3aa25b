"""TCP: frames however they are cut, answered in order on their own connection; what is no frame is kept, then refused.

The toy protocol has one frame a line; a line that begins with `!` is junk, and `no` is what junk hears.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from hub.core.adapter import Adapter, Decoded, Frame, Outgoing, Split, Tcp, Unsupported
from hub.store.spool import SpoolAway
from hub.transports import plain_address
from hub.transports import tcp as tcp_module
from hub.transports.tcp import TcpListener
from tests.disk import until


def split(stream: bytes) -> Split:
    if b"explode" in stream:
        raise RuntimeError
    *lines, rest = stream.split(b"\n")
    frames = tuple(line for line in lines if not line.startswith(b"!"))
    return Split(frames, tuple((line, "a !") for line in lines if line.startswith(b"!")), rest)


ADAPTER = Adapter(
    name="toy",
    transport=Tcp(split=split, default_port=0, refuse=lambda junk: b"no\n"),
    address=lambda frame, site: None,
    decode=lambda frame, device: Decoded(),
    encode=lambda command, device, number, now: Unsupported("never"),
    commands=frozenset(),
)


class Behind:
    """What stands behind the listener: keeps what it hears, and answers when told to."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self.junked: list[tuple[bytes, str]] = []
        self.gone: list[int] = []
        self.connections: list[int] = []
        self.hold = False
        self.away = False
        self.declared = True
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.due: list[tuple[asyncio.Future[Outgoing | None], bytes]] = []
        self.listener = TcpListener(ADAPTER, "127.0.0.1", 0, self.receive, self.junk, self.room, self.gone.append)

    async def room(self, _adapter: Adapter, _frame: Frame, _connection: int) -> None:
        await self.has_room.wait()

    def receive(self, _adapter: Adapter, frame: Frame, connection: int) -> "asyncio.Future[Outgoing | None]":
        self.heard.append(frame)
        self.connections.append(connection)
        kept: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
        self.due.append((kept, frame.payload))
        if not self.hold:
            self.release()
        return kept

    def junk(self, _adapter: Adapter, frame: Frame, _connection: int, reason: str) -> "asyncio.Future[bool]":
        self.junked.append((frame.payload, reason))
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.away:
            kept.set_exception(SpoolAway("full"))
        else:
            kept.set_result(self.declared)
        return kept

    def release(self) -> None:
        for kept, payload in self.due:
            if self.away:
                kept.set_exception(SpoolAway("full"))
            else:
                kept.set_result(Outgoing(b"yes " + payload + b"\n") if self.declared else None)
        self.due.clear()


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    made = Behind()
    await made.listener.start()
    yield made
    await made.listener.stop()


class Device:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, stream: bytes) -> None:
        self.writer.write(stream)
        await self.writer.drain()

    async def hears(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readline()

    async def hears_nothing(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.15):
                return not await self.reader.read(1)
        return True


@contextlib.asynccontextmanager
async def device(behind: Behind) -> AsyncIterator[Device]:
    reader, writer = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    yield Device(reader, writer)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_frames_are_found_however_the_stream_is_cut(behind: Behind) -> None:
    async with device(behind) as panel:
        for byte in b"one\ntwo\n":
            await panel.says(bytes([byte]))
            await asyncio.sleep(0)
        await panel.says(b"three\nfour\nfi")
        await panel.says(b"ve\n")
        assert [await panel.hears() for _ in range(5)] == [
            b"yes one\n", b"yes two\n", b"yes three\n", b"yes four\n", b"yes five\n"
        ]  # fmt: skip


async def test_no_answer_before_the_frame_is_kept(behind: Behind) -> None:
    behind.hold = True
    async with device(behind) as panel:
        await panel.says(b"one\n")
        await until(lambda: behind.heard)
        assert await panel.hears_nothing()
        behind.release()
        assert await panel.hears() == b"yes one\n"


async def test_what_could_not_be_kept_is_met_with_silence_and_the_connection_lives_on(behind: Behind) -> None:
    behind.away = True
    async with device(behind) as panel:
        await panel.says(b"one\n!junk\n")
        await until(lambda: behind.junked)
        assert await panel.hears_nothing()
        behind.away = False
        await panel.says(b"one\n")
        assert await panel.hears() == b"yes one\n"


async def test_junk_is_refused_once_it_is_kept_and_only_to_a_declared_device(behind: Behind) -> None:
    async with device(behind) as panel:
        await panel.says(b"!junk\none\n")
        assert [await panel.hears(), await panel.hears()] == [b"yes one\n", b"no\n"]
        behind.declared = False
        await panel.says(b"!more junk\n")
        await until(lambda: len(behind.junked) == 2)
        assert await panel.hears_nothing()


async def test_half_a_frame_at_the_end_of_a_connection_is_kept(behind: Behind) -> None:
    async with device(behind) as panel:
        await panel.says(b"one\nhalf a fr")
        await panel.hears()
    await until(lambda: behind.junked)
    assert behind.junked == [(b"half a fr", "the connection ended within a frame")]


async def test_a_stream_without_an_end_is_not_gathered_for_ever(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "LONGEST_REST", 1000)
    async with device(behind) as panel:
        await panel.says(bytes(5000))
        await until(lambda: behind.junked)
        await panel.says(b"\nafter\n")
        while await panel.hears() != b"yes after\n":
            pass


async def test_a_splitter_that_fails_ends_its_connection_and_no_other(behind: Behind) -> None:
    async with device(behind) as other, device(behind) as panel:
        await panel.says(b"explode\n")
        assert await panel.reader.read() == b""
        await other.says(b"one\n")
        assert await other.hears() == b"yes one\n"


async def test_an_answer_to_a_connection_that_is_gone_reaches_nobody(behind: Behind) -> None:
    behind.hold = True
    async with device(behind) as panel:
        await panel.says(b"one\n")
        await until(lambda: behind.heard)
    async with device(behind) as again:
        behind.release()
        assert await again.hears_nothing()
        await until(lambda: behind.gone == behind.connections)
        assert not behind.listener.send(behind.connections[0], Outgoing(b"late"))


async def test_a_device_that_reads_nothing_holds_up_itself_alone(behind: Behind) -> None:
    async with device(behind) as slow, device(behind) as panel:

        async def flood() -> None:
            while True:
                await slow.says(b"x" * 60_000 + b"\n")

        flooding = asyncio.create_task(flood())
        await until(lambda: len(behind.heard) > 10)
        await panel.says(b"one\n")
        assert await panel.hears() == b"yes one\n"
        flooding.cancel()
        slow.writer.transport.abort()


async def test_many_connections_of_one_peer_the_oldest_makes_room(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_module, "CONNECTIONS_A_PEER", 3)
    async with contextlib.AsyncExitStack() as stack:
        panels = [await stack.enter_async_context(device(behind)) for _ in range(5)]
        for panel in panels[2:]:
            await panel.says(b"one\n")
            assert await panel.hears() == b"yes one\n"
        for panel in panels[:2]:
            with contextlib.suppress(ConnectionError):
                assert await panel.reader.read() == b""


async def test_stopping_waits_for_nobody_and_leaves_nothing(behind: Behind) -> None:
    behind.hold = True
    async with device(behind) as panel:
        await panel.says(b"one\n")
        await until(lambda: behind.heard)
        async with asyncio.timeout(2):
            await behind.listener.stop()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("tcp-")]


def test_an_address_is_written_as_it_is_declared() -> None:
    assert plain_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("2001:db8::1") == "2001:db8::1"
    assert plain_address(None) == ""


async def test_a_sender_without_room_is_not_read(behind: Behind) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    behind.has_room.clear()
    writer.write(b"one\n")
    await until(lambda: behind.heard)
    writer.write(b"two\n")
    await asyncio.sleep(0.1)
    assert [frame.payload for frame in behind.heard] == [b"one"]
    behind.has_room.set()
    await until(lambda: len(behind.heard) == 2)
    writer.close()
