"""The live stream: the whole board first, then each change; life at once; a client that doesn't read is let go."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from aiohttp import ClientOSError, ClientPayloadError, ClientResponse
from aiohttp.test_utils import TestServer

from hub.console.stream import LIVE
from hub.store import accounts, incidents, visits
from hub.store.database import StoreAway, Transaction
from tests.console import made_up
from tests.console.desk_side import Browser, Console, SignIn
from tests.disk import until

T = TypeVar("T")


@dataclass
class Stream:
    answer: ClientResponse

    async def next(self, kind: str) -> tuple[str, str]:
        """The next event of this kind: its id and data."""
        async with asyncio.timeout(8):
            while True:
                fields: dict[str, str] = {}
                while line := (await self.answer.content.readline()).decode().rstrip("\n"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                if fields.get("event") == kind:
                    return fields.get("id", ""), fields["data"]

    async def board(self) -> dict[str, Any]:
        identity, data = await self.next("board")
        frame: dict[str, Any] = json.loads(data)
        assert frame["n"] == identity
        return frame

    async def board_with(self, words: str) -> dict[str, Any]:
        while words not in (frame := await self.board())["partials"]:
            pass
        return frame


@contextlib.asynccontextmanager
async def listening(client: Browser, **headers: str) -> AsyncIterator[Stream]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get("/live?lang=zh", headers=sent) as answer:
        assert answer.status == 200
        yield Stream(answer)


async def test_the_whole_board_comes_first_and_then_what_changes(console: Console, sign_in: SignIn) -> None:
    await made_up.fill(console)
    async with listening(await sign_in("desk")) as stream:
        first = await stream.board()
        assert first["topics"] == ["all"]
        assert "门超时未关" in first["partials"]
        await console.write(lambda tx: visits.put(tx, [made_up.visit(9, console.clock(), name="新客")]))
        changed = await stream.board_with("新*")
        assert "visits" in changed["topics"]


async def test_a_fire_is_on_the_stream_at_once_even_amid_routine(console: Console, sign_in: SignIn) -> None:
    async with listening(await sign_in("desk")) as stream:
        await stream.board()
        await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock())]))
        await stream.board_with("李*")
        begun = asyncio.get_running_loop().time()
        await console.happen(made_up.fire(console.clock()))
        await stream.board_with("火警")
        assert asyncio.get_running_loop().time() - begun < 1


async def test_a_fire_waits_for_no_reader_and_a_slow_one_does_not_take_it_away(
    console: Console, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = console.desk.store
    read, stale, go_on = store.read, asyncio.Event(), asyncio.Event()

    async def slow(work: Callable[[Transaction], T]) -> T:
        found = await read(work)
        stale.set()
        await go_on.wait()
        return found

    async with listening(await sign_in("desk")) as stream:
        await stream.board()
        monkeypatch.setattr(store, "read", slow)
        await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock())]))
        await stale.wait()
        await console.happen(made_up.fire(console.clock()))
        frame = await stream.board_with("火警")
        assert set(frame["topics"]) == {"alerts", "incidents"}
        assert "李*" not in frame["partials"]
        go_on.set()
        frame = await stream.board()
        assert "火警" in frame["partials"]
        assert "李*" in frame["partials"]


async def test_an_incident_that_is_over_leaves_the_board_at_once(console: Console, sign_in: SignIn) -> None:
    async with listening(await sign_in("desk")) as stream:
        await stream.board()
        await console.happen(made_up.fire(console.clock()))
        await stream.board_with("烟感 1-2-037")
        found = await console.desk.store.read(lambda tx: incidents.open_incidents(tx, made_up.SITE))
        await console.write(lambda tx: incidents.put_incidents(tx, [replace(found[0], state="done")]))
        while "烟感 1-2-037" in (await stream.board())["partials"]:
            pass


async def test_whoever_comes_back_having_missed_nothing_fetches_no_list_again(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    async with listening(client) as stream:
        seen = (await stream.board())["n"]
    async with listening(client, Last_Event_ID=seen) as stream:
        again = await stream.board()
        assert again["topics"] == []
        assert 'hx-target="#queue"' in again["partials"]


async def test_a_ping_tells_the_time_every_five_seconds(sign_in: SignIn) -> None:
    async with listening(await sign_in("desk")) as stream:
        _, clock = await stream.next("ping")
        assert len(clock.split(":")) == 3


async def test_signing_out_ends_the_stream(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    async with listening(client) as stream:
        await stream.board()
        console.app[LIVE].sign_out(client.session.cookie_jar.filter_cookies(client.make_url("/"))["hub_session"].value)
        with contextlib.suppress(ClientPayloadError, ClientOSError):
            async with asyncio.timeout(5):
                await stream.answer.content.read()


async def test_a_user_who_may_no_longer_sign_in_loses_the_stream(
    console: Console, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.console.stream.CHECK_EVERY", 0)
    async with listening(await sign_in("desk")) as stream:
        await console.write(lambda tx: accounts.close_sessions_of(tx, made_up.SITE, "u-desk"))
        await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock())]))
        async with asyncio.timeout(10):
            await stream.answer.content.read()


async def test_a_page_that_reads_nothing_is_cut_off_and_fifty_others_go_on(
    console: Console, server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.console.stream.MERGE_FOR", 0.01)
    client = await sign_in("desk")
    cookies = client.session.cookie_jar.filter_cookies(client.make_url("/"))
    live, web_server = console.app[LIVE], server.runner.server if server.runner else None
    assert web_server
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(listening(client)) for _ in range(50)]
        reading = [asyncio.ensure_future(page.board_with("火警")) for page in pages]
        before = set(live._clients)
        deaf = stack.enter_context(socket.create_connection((server.host, server.port)))
        asked = ["GET /live HTTP/1.1", f"Host: {server.host}", cookies.output(header="Cookie:")]
        deaf.sendall("\r\n".join([*asked, "", ""]).encode())
        await until(lambda: len(live._clients) == 51)
        [unread] = live._clients - before
        assert unread.transport
        unread.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        most = 0

        def cut_off() -> bool:
            nonlocal most
            assert unread.transport
            most = max(most, unread.transport.get_write_buffer_size())
            return len(live._clients) == 50

        for number in range(400):
            if cut_off():
                break
            fresh = made_up.visit(number, console.clock(), name="新客" * 50)
            await console.write(lambda tx, fresh=fresh: visits.put(tx, [fresh]))  # type: ignore[misc]
            await asyncio.sleep(0.01)
        await until(cut_off)
        await until(lambda: len(web_server.connections) == 50)
        assert most < 1_000_000
        await console.happen(made_up.fire(console.clock()))
        async with asyncio.timeout(30):
            await asyncio.gather(*reading)


async def test_a_part_that_goes_away_and_comes_back_is_told_though_no_record_changes(
    console: Console, sign_in: SignIn
) -> None:
    parts = {"intake": {"host": True, "broker": True}, "host": {"broker": True}}
    object.__setattr__(console.desk, "health", lambda: parts)
    async with listening(await sign_in("desk")) as stream:
        assert "设备接入中断" not in (await stream.board())["partials"]
        parts["intake"]["host"] = False
        await stream.board_with("设备接入中断：收不到设备和报警")
        parts["intake"]["broker"] = parts["host"]["broker"] = False
        frame = await stream.board_with("消息服务中断")
        assert frame["partials"].count("消息服务中断") == 1
        parts["intake"]["host"] = parts["intake"]["broker"] = parts["host"]["broker"] = True
        while "中断" in (await stream.board())["partials"]:
            pass


async def test_the_stream_says_that_the_store_is_away_and_goes_on(
    console: Console, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = console.desk.store
    read = store.read

    async def away(work: object) -> None:
        raise StoreAway("gone")

    async with listening(await sign_in("desk")) as stream:
        await stream.board()
        await console.happen(made_up.fire(console.clock()))
        await stream.board_with("火警")
        monkeypatch.setattr(store, "read", away)
        await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock())]))
        frame = await stream.board_with("数据库中断")
        assert "火警" in frame["partials"]
        monkeypatch.setattr(store, "read", read)
        while "数据库中断" in (frame := await stream.board())["partials"]:
            pass
        assert "李*" in frame["partials"]
