"""HTTP: 200 only for what is kept, 503 for what isn't, and the request reaches the codec as it was sent."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from aiohttp import ClientSession

from hub.core.adapter import Adapter, Decoded, Frame, Http, Outgoing, Unsupported
from hub.store.spool import SpoolAway
from hub.transports import http as http_module
from hub.transports.http import BODY_LIMIT, HttpListener
from tests.disk import until

ADAPTER = Adapter(
    name="toy",
    transport=Http(prefix="/toy/"),
    address=lambda frame, site: None,
    decode=lambda frame, device: Decoded(),
    encode=lambda command, device, number, now: Unsupported("never"),
    commands=frozenset(),
)


class Behind:
    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self.kept: asyncio.Future[Outgoing | None] | None = None
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.answer: Outgoing | None = Outgoing(b"OK")
        self.listener = HttpListener({"toy": ADAPTER}, "127.0.0.1", 0, self.receive, self.room)

    async def room(self, _adapter: Adapter, _frame: Frame, _connection: int) -> None:
        await self.has_room.wait()

    def receive(self, _adapter: Adapter, frame: Frame, _connection: int) -> "asyncio.Future[Outgoing | None]":
        self.heard.append(frame)
        if self.kept is not None:
            return self.kept
        kept: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
        kept.set_result(self.answer)
        return kept

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    made = Behind()
    await made.listener.start()
    yield made
    await made.listener.stop()


@pytest.fixture
async def reader() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_a_request_reaches_the_codec_decoded(behind: Behind, reader: ClientSession) -> None:
    url = behind.url + "/toy/c%20data?SN=A+1&Stamp=1&Stamp=2&n=%E4%B8%AD"
    async with reader.post(url, data=b"\xff\x00raw", headers={"X-Odd": "Value"}) as answer:
        assert (answer.status, await answer.read(), answer.content_type) == (200, b"OK", "text/plain")
        assert answer.headers["Date"]
    frame = behind.heard[0]
    assert frame.request is not None
    assert (frame.request.method, frame.request.path) == ("POST", "/toy/c data")
    assert frame.request.query == {"SN": "A 1", "Stamp": "2", "n": "中"}
    assert frame.request.headers["x-odd"] == "Value"
    assert (frame.payload, frame.peer) == (b"\xff\x00raw", "127.0.0.1")


async def test_bytes_that_are_no_text_in_the_address_come_through(behind: Behind) -> None:
    stream, writer = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    writer.write(b"GET /toy/%ff%00?x=%fe HTTP/1.1\r\nHost: h\r\nX: \xff\r\nConnection: close\r\n\r\n")
    assert (await stream.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_no_200_before_it_is_kept(behind: Behind, reader: ClientSession) -> None:
    behind.kept = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(reader.get(behind.url + "/toy/x"))
    await until(lambda: behind.heard)
    await asyncio.sleep(0.05)
    assert not asking.done()
    behind.kept.set_result(Outgoing(b"OK"))
    async with await asking as answer:
        assert answer.status == 200


async def test_503_when_the_disk_did_not_take_it(behind: Behind, reader: ClientSession) -> None:
    behind.kept = asyncio.get_running_loop().create_future()
    behind.kept.set_exception(SpoolAway("full"))
    async with reader.get(behind.url + "/toy/x") as answer:
        assert answer.status == 503


async def test_503_when_the_disk_takes_too_long_and_the_keeping_goes_on(
    behind: Behind, reader: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "ANSWER_WITHIN", 0.05)
    behind.kept = asyncio.get_running_loop().create_future()
    async with reader.get(behind.url + "/toy/x") as answer:
        assert answer.status == 503
    assert not behind.kept.cancelled()


async def test_what_is_kept_and_has_no_answer_is_an_empty_200(behind: Behind, reader: ClientSession) -> None:
    behind.answer = None
    async with reader.get(behind.url + "/toy/x") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_an_answer_has_its_own_status(behind: Behind, reader: ClientSession) -> None:
    behind.answer = Outgoing(b"{}", status=403, content_type="application/json")
    async with reader.get(behind.url + "/toy/x") as answer:
        assert (answer.status, answer.content_type) == (403, "application/json")


async def test_too_large_a_body_is_refused_whole(behind: Behind, reader: ClientSession) -> None:
    async with reader.post(behind.url + "/toy/x", data=BytesIO(bytes(BODY_LIMIT + 1))) as answer:
        assert answer.status == 413
    assert not behind.heard


async def test_a_path_of_no_protocol_is_404(behind: Behind, reader: ClientSession) -> None:
    async with reader.get(behind.url + "/elsewhere") as answer:
        assert answer.status == 404


async def test_one_connection_carries_many_requests(behind: Behind) -> None:
    stream, writer = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    for _ in range(3):
        writer.write(b"GET /toy/x HTTP/1.1\r\nHost: h\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await stream.readuntil(b"\r\n\r\nOK")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_many_connections_of_one_peer_the_oldest_makes_room(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "CONNECTIONS_A_PEER", 3)
    connections = [await asyncio.open_connection("127.0.0.1", behind.listener.port) for _ in range(3)]
    for reader, writer in connections:
        writer.write(b"GET /toy/first HTTP/1.1\r\nHost: hub\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nOK")
    fourth, asks = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    async with asyncio.timeout(8):
        assert await connections[0][0].read() == b"", "the oldest has ended"
    for reader, writer in [*connections[1:], (fourth, asks)]:
        writer.write(b"GET /toy/second HTTP/1.1\r\nHost: hub\r\n\r\n")
        async with asyncio.timeout(8):
            await reader.readuntil(b"\r\n\r\nOK")
    for _, writer in [*connections, (fourth, asks)]:
        writer.close()


async def test_a_body_that_ends_early_is_nobodys_record(behind: Behind, reader: ClientSession) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", behind.listener.port)
    writer.write(b"POST /toy/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    async with reader.get(behind.url + "/toy/after") as answer:
        assert answer.status == 200
    assert [frame.payload for frame in behind.heard] == [b""]


async def test_without_an_adapter_nothing_listens() -> None:
    listener = HttpListener({}, "127.0.0.1", 0, Behind().receive, Behind().room)
    await listener.start()
    assert listener.port == 0
    await listener.stop()


async def test_a_body_is_not_read_before_its_sender_has_room_and_a_poll_is_answered(
    behind: Behind, reader: ClientSession
) -> None:
    behind.has_room.clear()
    record = asyncio.create_task(reader.post(behind.url + "/toy/x", data=b"a record"))
    async with reader.get(behind.url + "/toy/poll") as answer:
        assert answer.status == 200
    assert [frame.payload for frame in behind.heard] == [b""], "only the poll was read"
    behind.has_room.set()
    assert (await record).status == 200
    assert [frame.payload for frame in behind.heard] == [b"", b"a record"]


async def test_bodies_in_memory_are_bounded(
    behind: Behind, reader: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "BODIES", 100)
    behind.kept = asyncio.get_running_loop().create_future()
    records = [asyncio.create_task(reader.post(behind.url + "/toy/x", data=b"x" * 60)) for _ in range(3)]
    await until(lambda: behind.heard)
    await asyncio.sleep(0.1)
    assert len(behind.heard) == 1, "the others wait on their connections"
    behind.kept.set_result(Outgoing(b"OK"))
    assert [(await record).status for record in records] == [200, 200, 200]


async def test_who_gets_no_room_hears_to_send_again(
    behind: Behind, reader: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "ANSWER_WITHIN", 0.1)
    behind.has_room.clear()
    async with reader.post(behind.url + "/toy/x", data=b"a record") as answer:
        assert answer.status == 503
    assert behind.heard == []
