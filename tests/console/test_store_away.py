"""While the database is away the desk sees what it last knew, and is told so; nobody gets a page of errors."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.console.desk import Desk
from hub.console.server import build
from hub.console.sign_in import PATIENCE
from hub.store.database import Store, StoreAway
from hub.store.sealing import Keys
from tests.console import made_up
from tests.console.desk_side import BUILDING, PASSWORD, Browser, Console, SignIn

PAGE = {"Accept": "text/html", "Accept-Language": "zh"}
AWAY = "数据库中断"


@contextlib.contextmanager
def away(console: Console) -> Iterator[None]:
    async def refused(*_: object) -> None:
        raise StoreAway("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console.desk.store, "read", refused)
        patch.setattr(console.desk.store, "write", refused)
        patch.setattr(Store, "away", "gone")
        yield


async def test_who_is_signed_in_sees_the_board_as_it_was_last_known(console: Console, sign_in: SignIn) -> None:
    await console.happen(made_up.fire(console.clock()))
    client = await sign_in("desk")
    object.__setattr__(console.desk, "health", lambda: {"intake": {"store": not console.desk.store.away}})
    assert AWAY not in await (await client.get("/", headers=PAGE)).text()
    with away(console):
        await client.get("/", headers=PAGE)
        console.clock.ahead += timedelta(minutes=1)
        answer = await client.get("/", headers=PAGE)
        page = await answer.text()
        assert answer.status == 200
        assert "火警" in page
        assert "数据库中断：记录存不了，看板可能不是最新" in page


async def test_other_pages_say_what_is_wrong_and_look_again_by_themselves(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await client.get("/visits", headers=PAGE)
    with away(console):
        answer = await client.get("/visits", headers=PAGE)
        assert (answer.status, answer.headers["Refresh"]) == (503, "5")
        assert AWAY in await answer.text()
    assert (await client.get("/visits", headers=PAGE)).status == 200


async def test_a_session_that_was_signed_out_is_not_taken_up_again(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await client.get("/", headers=PAGE)
    cookies = {c.key: c.value for c in client.session.cookie_jar}
    _, _, rest = (await (await client.get("/account", headers=PAGE)).text()).partition('name="csrf" content="')
    assert (await client.post("/sign-out", headers={"X-CSRF-Token": rest.partition('"')[0]})).status == 200
    with away(console):
        answer = await client.get("/", headers=PAGE, cookies=cookies)
        assert answer.status == 503
        assert "火警" not in await answer.text()


async def test_signing_in_says_that_nobody_can_and_counts_no_try(console: Console, stranger: Browser) -> None:
    form = {"name": "desk", "password": PASSWORD, "next": "/account"}
    with away(console):
        shown = await (await stranger.get("/sign-in", headers=PAGE)).text()
        assert "数据库中断，暂时无法登录" in shown
        for _ in range(5):
            answer = await stranger.post("/sign-in", data=form, headers=PAGE)
            assert answer.status == 503
            assert "数据库中断，暂时无法登录" in await answer.text()
        assert console.app[PATIENCE].wait("name:desk") == 0
    assert (await stranger.post("/sign-in", data=form, headers=PAGE, allow_redirects=False)).status == 303


async def test_a_store_that_was_never_open_is_told_and_nothing_falls_over(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'nowhere' / 'hub.db'}", Keys.load_or_create(tmp_path))
    with pytest.raises(StoreAway):
        await store.open()
    desk = Desk(store=store, building=BUILDING, health=lambda: {"intake": {"store": not store.away}})
    async with TestClient(TestServer(build(desk))) as client:
        answer = await client.get("/", headers={**PAGE, "Cookie": "hub_session=old"})
        assert answer.status == 503
        assert AWAY in await answer.text()
        said = await client.get("/readyz")
        assert (said.status, (await said.json())["parts"]["store"]) == (503, {"readable": False})
        refused = await client.get("/api/v1/visits", headers={"Authorization": "Bearer x"})
        assert (refused.status, (await refused.json())["reason"]) == (503, "store_away")
    await store.close()
