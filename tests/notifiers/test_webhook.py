"""A signed POST, against a real server on loopback."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from hub.core.notifier import Channel, Message, NotSent, Sent
from hub.notifiers import load_notifiers, webhook

SECRET = "a secret of at least 16"
Make = Callable[..., Message]


class Receiver:
    """What stands behind the address: it answers with `status` and keeps what it got."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[web.Request, bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request, await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status // 100 == 3 else {})


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, TestServer]]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    server = TestServer(app)
    async with server:
        yield receiver, server


def channel(url: str) -> Channel:
    return load_notifiers()["webhook"].channel({"url": url, "secret": SECRET})


async def test_the_post_is_signed_and_says_what_it_is_about(
    receiver: tuple[Receiver, TestServer], notice: Make
) -> None:
    what_came, server = receiver
    assert await channel(str(server.make_url("/in?key=K")))(notice(severity="high", drill=True)) == Sent()
    ((request, body),) = what_came.got
    assert json.loads(body) == {
        "id": "pickup/p-1093/1",
        "type": "pickup",
        "severity": "high",
        "state": "stored",
        "site": "yangguang",
        "zone": "b3",
        "title": "快递待领取",
        "text": "【阳光花园】您有一件快递，取件码 384921。",
        "occurred_at": "2026-01-02T03:04:05.000Z",
        "url": "https://desk.example/parcels/p-1093",
        "drill": True,
    }
    stamp = request.headers["X-Hub-Timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert request.headers["X-Hub-Signature"] == f"sha256={expected}"
    assert request.headers["Idempotency-Key"] == "pickup/p-1093/1"
    assert request.content_type == "application/json"
    assert request.path_qs == "/in?key=K"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, Sent()),
        (301, NotSent(retry=False, reason="redirected", detail="301")),
        (307, NotSent(retry=False, reason="redirected", detail="307")),
        (400, NotSent(retry=False, reason="refused", detail="400")),
        (404, NotSent(retry=False, reason="refused", detail="404")),
        (408, NotSent(retry=True, reason="busy", detail="408")),
        (429, NotSent(retry=True, reason="busy", detail="429")),
        (500, NotSent(retry=True, reason="busy", detail="500")),
        (503, NotSent(retry=True, reason="busy", detail="503")),
    ],
)
async def test_the_answer_says_whether_another_try_may_help(
    receiver: tuple[Receiver, TestServer], notice: Make, status: int, outcome: Sent | NotSent
) -> None:
    what_came, server = receiver
    what_came.status = status
    assert await channel(str(server.make_url("/in")))(notice()) == outcome
    assert [request.path for request, _ in what_came.got] == ["/in"]


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "通知/1", "x" * 500])
async def test_any_key_is_one_header(receiver: tuple[Receiver, TestServer], notice: Make, key: str) -> None:
    what_came, server = receiver
    assert await channel(str(server.make_url("/in")))(notice(key=key)) == Sent()
    ((request, body),) = what_came.got
    assert "X-Evil" not in request.headers
    assert json.loads(body)["id"] == key


async def test_a_server_that_is_away_can_be_tried_again(notice: Make, unused_tcp_port: int) -> None:
    outcome = await channel(f"http://127.0.0.1:{unused_tcp_port}/in?key=SECRET")(notice())
    assert outcome == NotSent(retry=True, reason="no_connection")


@asynccontextmanager
async def raw_server(answer: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Says `answer` to whoever connects, or nothing at all; yields its port."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            writer.write(answer)
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_that_says_nothing_does_not_hold_us_for_long(
    notice: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    async with raw_server(None) as port:
        outcome = await channel(f"http://127.0.0.1:{port}/in")(notice())
    assert outcome == NotSent(retry=True, reason="timed_out")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_an_answer_that_is_none_can_be_tried_again(notice: Make, answer: bytes) -> None:
    async with raw_server(answer) as port:
        outcome = await channel(f"http://127.0.0.1:{port}/in")(notice())
    assert isinstance(outcome, NotSent)
    assert outcome.retry
    assert outcome.reason in ("no_connection", "bad_answer")


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(notice: Make, certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with raw_server(None, tls) as port:
        outcome = await channel(f"https://127.0.0.1:{port}/in")(notice())
    assert outcome == NotSent(retry=True, reason="certificate")


@pytest.mark.parametrize("url", ["https://", "http://[::1", "ftp://127.0.0.1/in", "http://127.0.0.1:99999/in"])
async def test_an_address_that_is_none_is_not_tried_again(notice: Make, url: str) -> None:
    assert await channel(url)(notice()) == NotSent(retry=False, reason="bad_address")


def test_neither_address_nor_secret_is_shown() -> None:
    shown = repr(channel("https://hooks.example/in?key=K"))
    assert "key=K" not in shown
    assert SECRET not in shown
    with pytest.raises(ValidationError) as error:
        load_notifiers()["webhook"].channel({"url": 5, "secret": SECRET, "more": SECRET})
    assert SECRET not in str(error.value)
