"""Signing in: the cookie, the growing wait after wrong passwords, and what ends a session."""

from datetime import timedelta

import pytest

from hub.console.sessions import COOKIE
from hub.console.sign_in import Patience
from hub.store import audit
from tests.console.desk_side import PASSWORD, Browser, Clock, Console, SignIn


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(stranger: Browser) -> None:
    form = {"name": "desk", "password": PASSWORD, "next": "/"}
    answer = await stranger.post("/sign-in", data=form, allow_redirects=False)
    cookie = answer.cookies[COOKIE]
    assert answer.status == 303
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"


@pytest.mark.parametrize("form", [{"name": "desk", "password": "wrong"}, {"name": "nobody", "password": PASSWORD}, {}])
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(stranger: Browser, form: dict[str, str]) -> None:
    answer = await stranger.post("/sign-in", data=form, headers={"Accept-Language": "en"})
    assert answer.status == 403
    assert "The user name or password is wrong." in await answer.text()


async def test_wrong_passwords_make_one_wait_longer_each_time(stranger: Browser, console: Console) -> None:
    wrong = {"name": "desk", "password": "wrong"}
    for _ in range(3):
        assert (await stranger.post("/sign-in", data=wrong)).status == 403
    made_to_wait = await stranger.post("/sign-in", data={"name": "desk", "password": PASSWORD})
    assert made_to_wait.status == 429
    assert int(made_to_wait.headers["Retry-After"]) >= 1
    console.clock.ahead += timedelta(minutes=6)
    right = {"name": "desk", "password": PASSWORD, "next": "/account"}
    assert (await stranger.post("/sign-in", data=right, allow_redirects=False)).status == 303


async def test_a_failed_sign_in_is_written_down_with_a_name_only_where_it_is_a_users(
    stranger: Browser, console: Console
) -> None:
    await stranger.post("/sign-in", data={"name": "desk", "password": "secret-1"})
    await stranger.post("/sign-in", data={"name": "secret-2", "password": "secret-3"})
    page = await console.desk.store.read(lambda tx: audit.listing(tx, "yunhe"))
    assert [(row.who, row.act, row.target) for row in page.items] == [
        ("", "sign_in.failed", ""),
        ("", "sign_in.failed", "desk"),
    ]
    assert "secret" not in str(page.items)


def test_the_wait_doubles_up_to_five_minutes_and_is_forgotten_in_an_hour() -> None:
    clock = Clock()
    patience = Patience(clock)
    waits = []
    for _ in range(14):
        patience.failed("name:desk")
        waits.append(patience.wait("name:desk"))
    assert waits[:6] == [0, 0, 1, 2, 4, 8]
    assert waits[-1] == 300
    clock.ahead += timedelta(minutes=61)
    assert patience.wait("name:desk") == 0


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
async def test_nobody_is_led_to_another_site(stranger: Browser, elsewhere: str) -> None:
    form = {"name": "desk", "password": PASSWORD, "next": elsewhere}
    answer = await stranger.post("/sign-in", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/"


async def test_a_session_ends_with_sign_out_and_with_time(sign_in: SignIn, console: Console) -> None:
    client = await sign_in("desk")
    console.clock.ahead += timedelta(hours=3)
    assert (await client.get("/live/who")).status == 204
    console.clock.ahead += timedelta(hours=13)
    assert (await client.get("/live/who")).status == 204, "used, it lasts longer"
    console.clock.ahead += timedelta(hours=15)
    assert (await client.get("/live/who")).status == 401


async def test_the_language_is_the_browsers_then_the_users_choice(stranger: Browser) -> None:
    assert "用户名" in await (await stranger.get("/sign-in", headers={"Accept-Language": "zh-CN"})).text()
    assert "User name" in await (await stranger.get("/sign-in", headers={"Accept-Language": "en-GB"})).text()
    await stranger.post("/language", data={"language": "en", "next": "/sign-in"})
    assert "User name" in await (await stranger.get("/sign-in", headers={"Accept-Language": "zh-CN"})).text()
