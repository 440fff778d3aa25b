"""Every page: in both languages, masked, escaped, and clear about being empty."""

from datetime import timedelta

import pytest

from hub.store import devices, people, visits
from hub.store.devices import DeviceStatus, SeenFrame
from tests.console import made_up
from tests.console.desk_side import Console, SignIn

PAGES = (
    "/",
    "/visits",
    "/visits/visit-1",
    "/parcels",
    "/parcels/parcel-1",
    "/devices",
    "/devices/gate-e1",
    "/devices/fire-b3",
    "/devices/frames/q-1",
    "/people",
    "/records",
    "/notices",
    "/audit",
    "/account",
)
FULL = ("李秋白", "陈亦舟", "吴文博", "岑启明", "19900001013", "19900002012", "cen@example.com")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_each_page_shows_a_busy_desk_masked(console: Console, sign_in: SignIn, path: str, language: str) -> None:
    await made_up.fill(console)
    await console.happen(made_up.fire(console.clock()))
    client = await sign_in("manager")
    await client.post("/language", data={"language": language})
    answer = await client.get(path)
    text = await answer.text()
    assert answer.status == 200
    assert [name for name in FULL if name in text] == []
    assert ("火警" if language == "zh" else "Fire alarm") in text


async def test_records_and_people_are_masked_too(console: Console, sign_in: SignIn) -> None:
    await made_up.fill(console)
    client = await sign_in("desk")
    assert "岑* 通过 人脸" in await (await client.get("/records")).text()
    people_page = await (await client.get("/people")).text()
    assert "岑*" in people_page
    assert "199****1013" in people_page


@pytest.mark.parametrize("path", ["/visits", "/parcels", "/people", "/records", "/notices", "/devices"])
async def test_an_empty_list_says_so(sign_in: SignIn, path: str) -> None:
    client = await sign_in("desk")
    text = await (await client.get(path)).text()
    assert 'class="empty"' in text


async def test_an_empty_list_says_when_the_last_one_came(console: Console, sign_in: SignIn) -> None:
    await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock())]))
    client = await sign_in("desk")
    text = await (await client.get("/visits?state=open")).text()
    assert "没有符合条件的访客。 最近一条" in text


NASTY = '<script>alert(1)</script>"\'&{{ 7*7 }}<hx-partial hx-target="body">'


async def test_whatever_people_typed_is_text(console: Console, sign_in: SignIn) -> None:
    now = console.clock()
    bad = made_up.visit(1, now, name=NASTY, unit=NASTY, purpose=NASTY, state="waiting", plate=NASTY)
    await console.write(lambda tx: visits.put(tx, [bad]))
    await console.write(lambda tx: people.save(tx, made_up.RESIDENT))
    await console.happen(made_up.fire(now, label=NASTY[:60], shown='"><img src=x>'))
    client = await sign_in("desk")
    for path in ("/", "/visits", "/visits/visit-1", "/records", "/visits?text=" + NASTY):
        text = await (await client.get(path)).text()
        for piece in ("<script>alert", "<img src=x", "<hx-partial"):
            assert piece not in text, (path, piece)
        assert "{{ 7*7 }}" in text or path == "/records"


async def test_a_very_long_name_breaks_no_page(console: Console, sign_in: SignIn) -> None:
    await console.write(lambda tx: visits.put(tx, [made_up.visit(1, console.clock(), name="长" * 200, unit="9" * 200)]))
    client = await sign_in("desk")
    assert (await client.get("/")).status == 200


async def test_the_thousandth_row_is_reached_by_paging(console: Console, sign_in: SignIn) -> None:
    now = console.clock()
    many = [made_up.visit(n, now - timedelta(seconds=n), name=f"客{n}") for n in range(1000)]
    await console.write(lambda tx: visits.put(tx, many))
    client = await sign_in("desk")
    path, pages, seen = "/visits", 0, ""
    while path and pages < 30:
        seen = await (await client.get(path)).text()
        pages += 1
        mark = 'rel="next" href="'
        path = seen.split(mark)[1].split('"')[0].replace("&amp;", "&") if mark in seen else ""
    assert pages == 20
    assert "visit-999" in seen


async def test_a_cursor_that_is_no_more_leads_to_the_first_page(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    answer = await client.get("/visits?cursor=nonsense", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/visits")


@pytest.mark.parametrize("path", ["/visits/x", "/parcels/x", "/devices/x", "/devices/frames/x", "/incidents/x", "/x"])
async def test_what_is_not_there_is_not_found(sign_in: SignIn, path: str) -> None:
    client = await sign_in("desk")
    answer = await client.get(path)
    assert answer.status == 404
    assert "找不到这条记录。" in await answer.text()


async def test_the_audit_log_is_refused_in_words_and_its_chain_checked_when_asked(
    console: Console, sign_in: SignIn
) -> None:
    answer = await (await sign_in("desk")).get("/audit")
    assert (answer.status, "你的角色不能做这件事。" in await answer.text()) == (403, True)
    client = await sign_in("auditor")
    assert "日志完整" not in await (await client.get("/audit")).text()
    assert "日志完整" in await (await client.get("/audit?verify=yes")).text()


async def test_an_unknown_devices_frames_say_where_and_what_was_asked_for(console: Console, sign_in: SignIn) -> None:
    at = console.clock()
    told = SeenFrame(at=at, hex="4040", meaning=("fire.alarm",), about=("1-2-037 电梯厅",))
    asked = SeenFrame(at=at, hex="", topic="GET /iclock/getrequest")
    status = DeviceStatus(
        site=made_up.SITE, device="unknown.x", host="edge", adapter="gbt26875", address="9999", declared=False,
        link="online", last_heard=at, frames=(told, asked),
    )  # fmt: skip
    await console.write(lambda tx: devices.save_status(tx, status))
    page = await (await (await sign_in("desk")).get("/devices")).text()
    assert "火警 1-2-037 电梯厅" in page
    assert "GET /iclock/getrequest" in page


async def test_a_mistake_in_the_configuration_stands_near_the_top_word_for_word(
    console: Console, sign_in: SignIn
) -> None:
    await made_up.fill(console)
    object.__setattr__(console.desk, "config_mistakes", ("devices.csv:3 no door east-9",))
    page = await (await (await sign_in("desk")).get("/")).text()
    assert "<code>devices.csv:3 no door east-9</code>" in page
    assert page.index('id="line-config"') < page.index('id="line-visit-')


async def test_records_name_deadlines_and_what_devices_answered_in_words(console: Console, sign_in: SignIn) -> None:
    await console.happen(
        made_up.duress(console.clock()), made_up.reached(console.clock()), made_up.put(console.clock())
    )
    page = await (await (await sign_in("desk")).get("/records")).text()
    assert "到期 接警超时" in page
    assert "指令完成 已下发到设备" in page
    assert "ladder/" not in page


async def test_a_list_alone_is_sent_for_a_swap(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    text = await (await client.get("/visits", headers={"HX-Request": "true"})).text()
    assert "<html" not in text


async def test_duress_is_neutral_where_visitors_see_the_screen(console: Console, sign_in: SignIn) -> None:
    await console.happen(made_up.duress(console.clock()))
    inside = await (await (await sign_in("desk")).get("/")).text()
    assert "胁迫" in inside
    assert 'data-sounds="life"' in inside
    outside = await (await (await sign_in("desk", "east")).get("/")).text()
    assert "请核查" in outside
    assert "胁迫" not in outside
    assert 'data-sounds="life"' not in outside


@pytest.mark.parametrize("path", ["/", "/devices"])
async def test_a_broker_that_drops_messages_is_told_in_words(console: Console, sign_in: SignIn, path: str) -> None:
    browser = await sign_in("desk")
    object.__setattr__(console.desk, "broker_notice", lambda: "dropping")
    page = await (await browser.get(path)).text()
    assert "消息服务丢弃了消息" in page
    assert "queue.broker" not in page


async def test_a_device_that_floods_says_on_its_line_how_much_was_let_fall(console: Console, sign_in: SignIn) -> None:
    at = console.clock()
    status = DeviceStatus(
        site=made_up.SITE, device="gate-e1", host="edge", adapter="face_mqtt", address="1026801", declared=True,
        link="online", last_heard=at, let_fall=34567, let_fall_since=at,
    )  # fmt: skip
    await console.write(lambda tx: devices.save_status(tx, status))
    await console.happen(made_up.flooding(at))
    client = await sign_in("desk")
    since = at.astimezone(console.desk.zone).strftime("%H:%M")
    for path in ("/", "/devices", "/devices/gate-e1"):
        page = await (await client.get(path)).text()
        assert f"未收 34567 条，自 {since}" in page, path
    assert "设备上报过多" in await (await client.get("/")).text()
