"""A running console for each test, and people signed in at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from hub.console.passwords import hash_password
from tests.console.desk_side import PASSWORD, Browser, Console, SignIn, open_console


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def console(tmp_path: Path, password_hash: str) -> AsyncIterator[Console]:
    opened = await open_console(tmp_path, password_hash)
    yield opened
    await opened.desk.store.close()


@pytest.fixture
async def server(console: Console) -> AsyncIterator[TestServer]:
    running = TestServer(console.app)
    await running.start_server(shutdown_timeout=0.2)
    yield running
    await running.close()


@pytest.fixture
async def stranger(server: TestServer) -> AsyncIterator[Browser]:
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
        yield client


@pytest.fixture
async def sign_in(server: TestServer) -> AsyncIterator[SignIn]:
    clients: list[Browser] = []

    async def signed_in(who: str, post: str = "desk") -> Browser:
        client = TestClient(server, cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        form = {"name": who, "password": PASSWORD, "post": post, "next": "/"}
        answer = await client.post("/sign-in", data=form, headers={"Accept-Language": "zh"})
        assert answer.status == 200, await answer.text()
        return client

    yield signed_in
    for client in clients:
        await client.close()
