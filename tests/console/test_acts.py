"""What people do at the desk: once, by name in the audit log, and refused in words when it can't be done."""

import asyncio
import io
import json
import re
from dataclasses import replace

import pytest

from hub.core.records import Incident, Visit
from hub.store import audit, devices, incidents, outbox, parcels, visits
from hub.store.database import Priority
from hub.store.devices import DeviceStatus
from tests.console import made_up
from tests.console.desk_side import Browser, Console, SignIn
from tests.console.made_up import SITE

HTMX = {"HX-Request": "true"}


async def token(client: Browser) -> str:
    found = re.search(r'name="csrf" content="([^"]+)"', await (await client.get("/")).text())
    assert found
    return found[1]


async def act(client: Browser, path: str, **form: str) -> tuple[int, dict[str, dict[str, str]]]:
    """An act as htmx sends it: the status, and what is told."""
    answer = await client.post(path, data=form, headers={**HTMX, "X-CSRF-Token": await token(client)})
    told = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return answer.status, told


async def acts_of(console: Console) -> list[tuple[str, str]]:
    page = await console.desk.store.read(lambda tx: audit.listing(tx, SITE))
    return [(row.who, row.act) for row in page.items if row.act != "sign_in"]


async def visits_of(console: Console) -> tuple[Visit, ...]:
    return (await console.desk.store.read(lambda tx: visits.listing(tx, SITE))).items


async def the_incident(console: Console) -> Incident:
    found = await console.desk.store.read(lambda tx: incidents.listing(tx, SITE))
    return found.items[0]


VISITOR = {"name": "李秋白", "unit": "3-1-702", "purpose": "探亲", "act": "a1"}


async def test_a_visitor_is_announced_let_in_and_out_each_by_name(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    status, told = await act(client, "/visits", **VISITOR)
    assert (status, told["acted"]["say"]) == (204, "已登记。")
    [visit] = await visits_of(console)
    assert (visit.state, visit.name, visit.purpose, visit.by) == ("expected", "李秋白", "探亲", "desk")
    await act(client, f"/visits/{visit.id}/check-in")
    assert (await visits_of(console))[0].state == "open"
    await act(client, f"/visits/{visit.id}/check-out")
    assert (await visits_of(console))[0].state == "departed"
    assert await acts_of(console) == [
        ("desk", "visit.check_out"),
        ("desk", "visit.check_in"),
        ("desk", "visit.announce"),
    ]


async def test_a_double_click_acts_once_and_is_answered_twice(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    both = await asyncio.gather(act(client, "/visits", **VISITOR), act(client, "/visits", **VISITOR))
    assert [status for status, _ in both] == [204, 204]
    assert len(await visits_of(console)) == 1
    assert await acts_of(console) == [("desk", "visit.announce")]


async def test_a_post_sent_again_after_a_restart_makes_nothing_twice(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await act(client, "/visits", **VISITOR)
    console.desk.performed.clear()
    await act(client, "/visits", **VISITOR)
    assert len(await visits_of(console)) == 1


async def test_what_is_missing_is_said_in_the_users_language(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    status, told = await act(client, "/visits", name="李秋白", unit="3-1-702", purpose="x", ends="2020-01-01T00:00")
    assert (status, told["refused"]["say"]) == (422, "结束时间已经过去。")
    await client.post("/language", data={"language": "en"})
    status, told = await act(client, "/visits", name="李秋白", unit="3-1-702", purpose="x", ends="2020-01-01T00:00")
    assert (status, told["refused"]["say"]) == (422, "Its end has passed already.")


@pytest.mark.parametrize(("answer", "state"), [("agreed", "open"), ("refused", "cancelled"), ("no_answer", "waiting")])
async def test_the_hosts_answer_is_one_key(console: Console, sign_in: SignIn, answer: str, state: str) -> None:
    client = await sign_in("desk")
    await act(client, "/visits", **VISITOR, waiting="yes")
    [visit] = await visits_of(console)
    await act(client, f"/visits/{visit.id}/answer", answer=answer)
    [visit] = await visits_of(console)
    assert (visit.answer, visit.state, visit.answered_by) == (answer, state, "desk")


async def test_a_parcel_is_taken_in_and_handed_out_with_two_facts(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await act(client, "/parcels", tracking="SF0012341234", shelf="A-12", unit="3-1-702", phone="19900001013", act="p1")
    [parcel] = (await console.desk.store.read(lambda tx: parcels.listing(tx, SITE))).items
    notices = await console.desk.store.read(lambda tx: outbox.notice_listing(tx, SITE, record=parcel.id))
    assert [notice.template for notice in notices.items] == ["pickup"]
    status, told = await act(client, f"/parcels/{parcel.id}/hand-out", unit="3-1-702")
    assert (status, told["refused"]["say"]) == (422, "需要取件码，或三项中的两项。")
    status, _ = await act(client, f"/parcels/{parcel.id}/hand-out", unit="3-1-702", phone_tail="1013")
    assert status == 204
    [parcel] = (await console.desk.store.read(lambda tx: parcels.listing(tx, SITE))).items
    assert (parcel.state, parcel.taken_by) == ("collected", "recipient")


async def test_an_incident_is_answered_then_judged_by_name(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await console.happen(made_up.fire(console.clock()))
    incident = await the_incident(console)
    await act(client, f"/incidents/{incident.id}/answer", act=f"answer-{incident.id}")
    answered = await the_incident(console)
    assert (answered.state, answered.answered_by) == ("answered", "desk")
    status, told = await act(client, f"/incidents/{incident.id}/judge", verdict="false")
    assert (status, told["refused"]["say"]) == (422, "误报请选择原因。")
    await act(client, f"/incidents/{incident.id}/judge", verdict="false", cause="cooking")
    judged = await the_incident(console)
    assert (judged.state, judged.verdict, judged.cause) == ("judged", "false", "cooking")
    page = await (await client.get(f"/incidents/{incident.id}")).text()
    assert "误报" in page
    assert [name for _, name in await acts_of(console)] == ["incident.judge", "incident.answer"]


async def test_an_emergency_that_a_person_reports_is_an_incident_like_a_devices(
    console: Console, sign_in: SignIn
) -> None:
    client = await sign_in("desk")
    form = {"kind": "lift", "place": "3号楼 1 单元电梯", "reporter": "聂女士", "act": "e1"}
    status, told = await act(client, "/emergencies", **form)
    assert (status, told["acted"]["say"]) == (204, "已报警。")
    await act(client, "/emergencies", **form)
    board = await (await client.get("/")).text()
    assert board.count("<article") == 1
    assert "电梯困人" in board
    assert "3号楼 1 单元电梯" in board
    assert ("desk", "emergency.report") in await acts_of(console)


async def test_a_routine_alert_is_taken_and_finished(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    await console.happen(made_up.offline(console.clock()))
    [alert] = await console.desk.store.read(lambda tx: incidents.open_alerts(tx, SITE))
    await act(client, f"/alerts/{alert.id}/take")
    assert "王desk 处理中" in await (await client.get("/")).text()
    await act(client, f"/alerts/{alert.id}/finish")
    assert await console.desk.store.read(lambda tx: incidents.open_alerts(tx, SITE)) == []


async def test_a_door_is_opened_with_a_reason_and_only_once(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    status, _ = await act(client, "/devices/gate-e1/open", what="door/1", act="d1")
    assert status == 422
    await act(client, "/devices/gate-e1/open", what="door/1", why="轮椅", act="d1")
    await act(client, "/devices/gate-e1/open", what="door/1", why="轮椅", act="d1")
    page = await console.desk.store.read(lambda tx: outbox.command_listing(tx, SITE))
    assert [(one.command.kind, one.command.by, one.command.why) for one in page.items] == [
        ("door.open", "desk", "轮椅")
    ]


async def test_a_devices_clock_is_set_where_it_is_wrong(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    said = DeviceStatus(
        site=SITE, device="gate-e1", host="hub-1", adapter="face_mqtt", address="1", declared=True, link="online",
        last_heard=console.clock(), skew=-3600.0,
    )  # fmt: skip
    await console.desk.store.write(Priority.ROUTINE, lambda tx: devices.save_status(tx, said))
    page = await (await client.get("/devices/gate-e1")).text()
    assert "慢 1 时 0 分" in page
    assert "/devices/gate-e1/set-clock" in page
    await act(client, "/devices/gate-e1/set-clock", act="c1")
    await act(client, "/devices/gate-e1/set-clock", act="c1")
    listed = await console.desk.store.read(lambda tx: outbox.command_listing(tx, SITE))
    assert [one.command.kind for one in listed.items] == ["device.set_clock"]
    assert ("desk", "device.set_clock") in await acts_of(console)
    await console.desk.store.write(Priority.ROUTINE, lambda tx: devices.save_status(tx, replace(said, skew=1.2)))
    page = await (await client.get("/devices/gate-e1")).text()
    assert "快 00:01" in page
    assert "/devices/gate-e1/set-clock" not in page


async def test_showing_a_name_in_full_is_in_the_audit_log(console: Console, sign_in: SignIn) -> None:
    await made_up.fill(console)
    client = await sign_in("desk")
    answer = await client.post("/visits/visit-1/reveal", headers={**HTMX, "X-CSRF-Token": await token(client)})
    assert "李秋白" in await answer.text()
    assert ("desk", "visit.reveal") in await acts_of(console)


async def test_residents_are_imported_with_a_report(sign_in: SignIn) -> None:
    client = await sign_in("manager")
    table = "id,name,unit\nR-1,岑启明,3-1-702\nR-2,,3-1-703\n"
    without = await client.post("/people", data={"file": "no file", "csrf": await token(client)})
    assert without.status == 422
    form = {"file": io.BytesIO(table.encode("gb18030")), "csrf": await token(client)}
    text = await (await client.post("/people", data=form)).text()
    assert "已导入 1 人，1 行未导入" in text
    assert "R-2 没有姓名" in text
    assert "岑*" in text


async def test_without_scripts_an_act_leads_back_to_its_page(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    form = {**VISITOR, "next": "/visits", "csrf": await token(client)}
    answer = await client.post("/visits", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/visits")


async def test_a_new_password_needs_the_old_one(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    status, told = await act(client, "/account/password", old="wrong", new="another long one")
    assert (status, told["refused"]["say"]) == (422, "原密码不对。")
    status, _ = await act(client, "/account/password", old="correct horse battery", new="another long one")
    assert status == 204
