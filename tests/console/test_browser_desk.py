"""The desk in a real browser: both languages, accessibility, the live board, typed text, sound, a lost stream."""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from hub.console.server import build
from hub.store import visits
from tests.console import made_up
from tests.console.desk_side import PASSWORD, Console
from tests.disk import until

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = (
    "/",
    "/visits",
    "/visits/visit-1",
    "/parcels",
    "/parcels/parcel-1",
    "/devices",
    "/devices/gate-e1",
    "/devices/frames/q-1",
    "/people",
    "/records",
    "/notices",
    "/audit",
    "/account",
)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def at_the_desk(chromium: Browser, server: TestServer) -> AsyncIterator[Open]:
    """A signed-in page. What the browser complains about fails the test."""
    complaints: list[str] = []

    async def signed_in(locale: str = "zh-CN", who: str = "manager", **look: Any) -> Page:
        context = await chromium.new_context(
            base_url=str(server.make_url("/")), locale=locale, timezone_id="Asia/Shanghai",
            viewport={"width": 1366, "height": 768}, **look,
        )  # fmt: skip
        language = "en" if locale.startswith("en") else "zh"
        await context.add_cookies([{"name": "language", "value": language, "url": str(server.make_url("/"))}])
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        await page.goto("/")
        await page.locator("[name=name]").fill(who)
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("button.main-act").click()
        await expect(page.locator("html")).to_have_attribute("data-live", "")
        return page

    yield signed_in
    assert complaints == []


@pytest.mark.parametrize(("locale", "words"), [("zh-CN", "待办"), ("en-GB", "To do")])
async def test_one_signs_in_and_sees_the_board_in_ones_language(at_the_desk: Open, locale: str, words: str) -> None:
    page = await at_the_desk(locale)
    await expect(page.locator("#queue h2")).to_have_text(words)
    await expect(page.locator("#sound-off")).to_be_hidden()


@pytest.mark.parametrize(("locale", "scheme"), [("zh-CN", "light"), ("en-GB", "dark")])
async def test_axe_finds_nothing_on_any_page(console: Console, at_the_desk: Open, locale: str, scheme: str) -> None:
    await made_up.fill(console)
    await console.happen(made_up.fire(console.clock()))
    page = await at_the_desk(locale, color_scheme=scheme, reduced_motion="reduce")
    found = []
    for path in PAGES:
        await page.goto(path)
        found += [(path, one["id"], one["nodes"][0]["html"]) for one in await violations(page)]
    await page.goto("/")
    for key in ("F2", "F4", "F9"):
        await page.keyboard.press(key)
        await expect(page.locator("dialog[open]")).to_be_visible()
        found += [(key, one["id"], one["nodes"][0]["html"]) for one in await violations(page)]
        await page.keyboard.press("Escape")
    assert found == []


async def violations(page: Page) -> list[dict[str, list[dict[str, str]]]]:
    results = await Axe().run(page, options=RULES)
    found: list[dict[str, list[dict[str, str]]]] = results.response["violations"]
    return found


async def test_axe_finds_nothing_at_the_sign_in(chromium: Browser, server: TestServer) -> None:
    page = await chromium.new_page(base_url=str(server.make_url("/")))
    await page.goto("/sign-in")
    assert await violations(page) == []


async def test_a_fire_appears_by_itself_is_said_aloud_answered_by_f8_and_judged(
    console: Console, at_the_desk: Open
) -> None:
    page = await at_the_desk()
    await page.locator(".site").click()
    await console.happen(made_up.fire(console.clock()))
    line = page.locator("#incidents .incident")
    await expect(line).to_contain_text("火警")
    await expect(line).to_contain_text("烟感 1-2-037")
    await expect(page.locator("#alarm-said")).to_contain_text("火警，3号楼")
    await expect(page.locator("html")).to_have_attribute("data-sounding", "")
    assert await page.locator("[role=alert] p").count() == 1
    await page.keyboard.press("F8")
    await expect(line).to_contain_text("已接警 · 核实中")
    await expect(line).to_contain_text("王manager")
    await expect(page.locator("html")).not_to_have_attribute("data-sounding", "")
    await line.locator("summary").click()
    await line.locator("button", has_text="油烟").click()
    await expect(line).to_contain_text("误报（油烟）")


async def test_a_page_tells_the_hub_that_it_can_sound_and_when_it_is_closed(
    console: Console, at_the_desk: Open
) -> None:
    sounding = console.desk.sounding
    page = await at_the_desk()
    await until(lambda: sounding.pages, within=30)
    async with page.expect_request("**/live/sounds", timeout=30_000):  # again, with the stream's ping
        pass
    await page.goto("/visits")
    await page.close(run_before_unload=True)
    await until(lambda: not sounding.pages, within=30)


async def test_open_causes_stay_open_while_the_board_changes(console: Console, at_the_desk: Open) -> None:
    await console.happen(made_up.fire(console.clock()))
    page = await at_the_desk()
    await page.keyboard.press("F8")
    await page.locator(".causes summary").click()
    await expect(page.locator(".causes form")).to_be_visible()
    await console.happen(made_up.fire(console.clock(), shown="1-2-071", detector="manual_call_point"))
    await expect(page.locator(".incident")).to_contain_text("手报 1")
    await expect(page.locator(".causes form")).to_be_visible()


async def test_typed_text_focus_and_an_open_form_survive_an_alarm(console: Console, at_the_desk: Open) -> None:
    page = await at_the_desk()
    await page.keyboard.press("F2")
    field = page.locator("#visit-dialog [name=name]")
    await expect(field).to_be_focused()
    await page.keyboard.type("李秋")
    await console.happen(made_up.fire(console.clock()))
    await expect(page.locator("#incidents")).to_contain_text("火警")
    await expect(field).to_be_focused()
    await page.keyboard.type("白")
    await expect(field).to_have_value("李秋白")
    await page.reload()
    await page.keyboard.press("F2")
    await expect(field).to_have_value("李秋白")


async def test_a_list_on_another_page_follows_without_losing_the_search(console: Console, at_the_desk: Open) -> None:
    page = await at_the_desk()
    await page.goto("/visits")
    await page.locator(".filters [name=text]").fill("half typed")
    await console.write(lambda tx: visits.put(tx, [made_up.visit(7, console.clock(), name="新客")]))
    await expect(page.locator("#visits-list")).to_contain_text("新*")
    await expect(page.locator(".filters [name=text]")).to_have_value("half typed")


async def test_a_visitor_is_registered_with_the_keyboard(at_the_desk: Open) -> None:
    page = await at_the_desk()
    await page.keyboard.press("F2")
    await page.keyboard.type("李秋白")
    await page.keyboard.press("Tab")
    await page.keyboard.type("3-1-702")
    await page.keyboard.press("Tab")
    await page.keyboard.type("探亲")
    await page.keyboard.press("Enter")
    await expect(page.locator("#visitors")).to_contain_text("李*")
    await expect(page.locator("#said")).to_have_text("已登记。")
    await expect(page.locator("#visit-dialog")).to_be_hidden()


async def test_two_tabs_share_one_stream_and_both_are_live(console: Console, at_the_desk: Open) -> None:
    page = await at_the_desk()
    second = await page.context.new_page()
    await second.goto("/visits")
    await console.happen(made_up.fire(console.clock()))
    await expect(page.locator("#incidents")).to_contain_text("火警")
    await expect(second.locator("#incidents")).to_contain_text("火警")


async def test_a_lost_stream_is_said_within_ten_seconds_and_then_the_board_is_whole_again(
    console: Console, server: TestServer, at_the_desk: Open
) -> None:
    page = await at_the_desk()
    port = server.port
    await server.close()
    await expect(page.locator("#stale")).to_contain_text("不是实时", timeout=10_000)
    await console.happen(made_up.fire(console.clock()))
    again = TestServer(build(console.desk), port=port)
    await again.start_server(shutdown_timeout=0.2)
    try:
        await expect(page.locator("#incidents")).to_contain_text("火警", timeout=15_000)
        await expect(page.locator("#stale")).to_be_hidden()
    finally:
        await again.close()


async def test_the_bar_says_that_sound_is_off_until_a_click_turns_it_on(at_the_desk: Open) -> None:
    page = await at_the_desk()
    await page.reload()
    await expect(page.locator("#sound-off")).to_be_visible()
    await expect(page.locator("#sound-state")).to_have_text("声音未开启")
    await page.locator("#sound-off button").click()
    await expect(page.locator("#sound-off")).to_be_hidden()
    await expect(page.locator("#sound-state")).to_have_text("声音正常")


async def test_escape_twice_hides_names_but_no_alarm(console: Console, at_the_desk: Open) -> None:
    await made_up.fill(console)
    await console.happen(made_up.fire(console.clock()))
    page = await at_the_desk()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.locator("html")).to_have_class(re.compile("names-hidden"))
    await expect(page.locator(".incident h2")).to_be_visible()


async def test_an_expired_sign_in_keeps_what_was_typed(console: Console, at_the_desk: Open) -> None:
    page = await at_the_desk()
    await page.keyboard.press("F2")
    await page.keyboard.type("李秋白")
    console.clock.ahead += timedelta(days=2)
    for name, value in (("unit", "3-1-702"), ("purpose", "探亲")):
        await page.locator(f"#visit-dialog [name={name}]").fill(value)
    await page.locator("#visit-dialog button.main-act").click()
    await expect(page.locator("#signed-out")).to_be_visible()
    await expect(page.locator("#visit-dialog [name=name]")).to_have_value("李秋白")


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (820, 1180)])
async def test_nothing_is_wider_than_the_screen(console: Console, at_the_desk: Open, size: tuple[int, int]) -> None:
    await made_up.fill(console)
    await console.happen(made_up.fire(console.clock()))
    page = await at_the_desk()
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    for path in ("/", "/visits", "/devices"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], path
