"""Which pages can sound, the siren's line on the board, and its test button."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from hub.console.server import build
from hub.console.sounding import LASTS, LEFT, Sounding
from hub.own_alerts import raise_own
from hub.settings.hub_file import Siren as Settings
from hub.siren import Siren
from hub.store import audit, incidents
from tests.console import made_up
from tests.console.desk_side import PASSWORD, Browser, Console, SignIn, open_console


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pages_word_holds_for_a_while_and_less_when_it_is_left() -> None:
    clock = Clock()
    sounding = Sounding(clock)
    assert sounding.possible(), "at the start nobody has had the time to say it"
    clock.now += LASTS
    assert not sounding.possible()
    sounding.heard("s1", "p1", sounds=True)
    clock.now += LASTS - 1
    assert sounding.pages == 1
    clock.now += 1
    assert not sounding.possible()
    sounding.heard("s1", "p1", sounds=True)
    sounding.heard("s1", "p1", sounds=False)
    assert sounding.possible(), "its next page is being opened"
    clock.now += LEFT
    assert not sounding.possible()
    sounding.heard("s2", "p2", sounds=False)
    assert not sounding.possible(), "it never could"


def test_who_signs_out_can_sound_no_longer() -> None:
    clock = Clock()
    sounding = Sounding(clock)
    clock.now += LASTS
    sounding.heard("s1", "p1", sounds=True)
    sounding.heard("s1", "p2", sounds=True)
    sounding.heard("s2", "p1", sounds=True)
    sounding.left("s1")
    assert sounding.pages == 1


async def token(client: Browser) -> dict[str, str]:
    found = re.search(r'name="csrf" content="([^"]+)"', await (await client.get("/account")).text())
    assert found
    return {"X-CSRF-Token": found[1]}


async def says(client: Browser, sounds: str) -> int:
    answer = await client.post("/live/sounds", data={"page": "p1", "sounds": sounds}, headers=await token(client))
    return answer.status


async def test_only_a_page_at_a_post_of_somebody_who_may_answer_counts(console: Console, sign_in: SignIn) -> None:
    sounding = console.desk.sounding
    nowhere = await sign_in("manager", post="")
    assert (await says(nowhere, "yes"), sounding.pages) == (204, 0)
    reader = await sign_in("auditor")
    assert (await says(reader, "yes"), sounding.pages) == (403, 0)
    client = await sign_in("desk")
    assert (await says(client, "yes"), sounding.pages) == (204, 1)
    await client.post("/sign-out", headers=await token(client))
    assert sounding.pages == 0


@pytest.fixture
async def rings(tmp_path: Path, password_hash: str) -> AsyncIterator[tuple[Console, Browser]]:
    """A desk with a siren, somebody signed in at it."""
    console = await open_console(tmp_path, password_hash)
    siren = Siren("yunhe", console.desk.store, Settings(command=("sleep", "600")), lambda: False)
    desk = replace(console.desk, siren=siren)
    console = Console(desk, build(desk), console.clock)
    running = asyncio.create_task(siren.run())
    async with TestClient(TestServer(console.app), cookie_jar=CookieJar(unsafe=True)) as client:
        await client.post("/sign-in", data={"name": "desk", "password": PASSWORD, "post": "desk", "next": "/"})
        yield console, client
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await console.desk.store.close()


async def test_the_board_says_that_it_rang_until_somebody_answers(rings: tuple[Console, Browser]) -> None:
    console, client = rings
    assert "警笛命令已运行" not in await (await client.get("/")).text()
    await console.happen(made_up.fire(console.clock()))
    async with asyncio.timeout(60):
        while "没有岗位能发声，警笛命令已运行" not in (page := await (await client.get("/")).text()):
            await asyncio.sleep(0.05)
    assert "正在响" in page
    (incident,) = await console.desk.store.read(lambda tx: incidents.open_incidents(tx, "yunhe"))
    await client.post(f"/incidents/{incident.id}/answer", headers=await token(client))
    async with asyncio.timeout(60):
        while "警笛命令已运行" in await (await client.get("/")).text():
            await asyncio.sleep(0.05)


async def test_a_test_is_written_down_and_one_at_a_time(rings: tuple[Console, Browser]) -> None:
    console, client = rings
    assert "试响警笛" in await (await client.get("/")).text()
    headers = {**await token(client), "HX-Request": "true"}
    assert (await client.post("/siren/test", headers=headers)).status == 204
    assert (await client.post("/siren/test", headers=headers)).status == 422
    rows = await console.desk.store.read(lambda tx: audit.listing(tx, "yunhe").items)
    assert [(row.who, row.post) for row in rows if row.act == "siren.test"] == [("desk", "desk")]


async def test_without_a_siren_there_is_no_button(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    assert "试响警笛" not in await (await client.get("/")).text()
    assert (await client.post("/siren/test", headers=await token(client))).status == 404


async def test_what_the_hub_says_of_itself_stands_in_the_queue_until_somebody_is_done_with_it(
    console: Console, sign_in: SignIn
) -> None:
    at = console.clock()
    await console.write(
        lambda tx: raise_own(tx, "yunhe", "siren_failed", "high", at, "/x/siren", {"reason": "status", "status": "3"})
    )
    await console.write(
        lambda tx: raise_own(tx, "yunhe", "hub_restarted", "medium", at, "", {"workers": "scheduler", "stopped": "x"})
    )
    page = await (await (await sign_in("desk")).get("/")).text()
    assert "警笛命令失败  /x/siren" in page
    assert "代码 3" in page
    assert "因 scheduler 停止响应" in page
