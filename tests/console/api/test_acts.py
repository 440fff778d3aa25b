"""What the pages offer, programs can do too; each act once, each by name in the audit log."""

from datetime import timedelta

import pytest

from hub.store import audit, outbox
from hub.store.audit import AuditRow
from hub.store.database import Transaction
from hub.store.quarantine import QuarantinedFrame
from tests.console.api.conftest import ProgramOf
from tests.console.api.program import Program
from tests.console.desk_side import Console
from tests.console.made_up import RESIDENT, fill, fire

VISITOR = {"name": "李秋白", "unit": "3-1-702", "phone": "19900002012", "purpose": "看房"}


async def acts_of(console: Console, target: str) -> list[AuditRow]:
    return list((await console.desk.store.read(lambda tx: audit.listing(tx, console.desk.site, target=target))).items)


async def test_a_visitor_announced_let_in_and_out(console: Console, program: Program) -> None:
    until = (console.clock() + timedelta(hours=2)).isoformat()
    announced = await program.post("/visits", {**VISITOR, "until": until})
    assert (announced.status, announced.body["state"]) == (201, "expected")
    visit = announced.body["id"]
    assert (await program.get(f"/visits/{visit}")).body == announced.body
    entered = await program.post(f"/visits/{visit}/check-in")
    assert (entered.status, entered.body["state"]) == (200, "open")
    left = await program.post(f"/visits/{visit}/check-out", {})
    assert left.body["state"] == "departed"
    assert left.body["departed_at"] > left.body["opened_at"]
    rows = await acts_of(console, visit)
    assert [row.act for row in rows] == ["visit.check_out", "visit.check_in", "visit.announce"]
    assert {row.who for row in rows} == {"token:app-desk"}


async def test_a_visitor_at_the_desk_waits_for_the_host(program: Program) -> None:
    waiting = (await program.post("/visits", {**VISITOR, "arrived": True})).body
    assert waiting["state"] == "waiting"
    agreed = await program.post(f"/visits/{waiting['id']}/answer", {"answer": "agreed"})
    assert (agreed.body["state"], agreed.body["answer"]) == ("open", "agreed")


async def test_a_visit_is_called_off(program: Program) -> None:
    visit = (await program.post("/visits", VISITOR)).body["id"]
    assert (await program.post(f"/visits/{visit}/cancel")).body["state"] == "cancelled"
    refused = await program.post(f"/visits/{visit}/check-in")
    assert (refused.status, refused.body["reason"]) == (409, "visit.is_over")


async def test_the_same_key_is_the_same_visit(console: Console, program: Program) -> None:
    first = await program.post("/visits", VISITOR, key="order-17")
    again = await program.post("/visits", VISITOR, key="order-17")
    console.desk.performed.clear()  # as after a restart
    later = await program.post("/visits", VISITOR, key="order-17")
    assert first.status == again.status == later.status == 201
    assert first.body == again.body == later.body
    assert len(await program.all("/visits")) == 1
    assert len(await acts_of(console, first.body["id"])) == 1
    assert (await program.post("/visits", VISITOR, key="order-18")).body["id"] != first.body["id"]
    assert (await program.post("/visits", VISITOR)).body["id"] != first.body["id"]
    assert len(await program.all("/visits")) == 3


async def test_the_same_key_of_another_program_is_another_visit(program_of: ProgramOf) -> None:
    one, other = await program_of("desk"), await program_of("guard")
    first = await one.post("/visits", VISITOR, key="1")
    assert (await other.post("/visits", VISITOR, key="1")).body["id"] != first.body["id"]


async def test_a_key_of_one_act_is_not_the_key_of_another(program: Program) -> None:
    visit = (await program.post("/visits", VISITOR, key="1")).body["id"]
    assert (await program.post(f"/visits/{visit}/check-in", key="1")).body["state"] == "open"
    assert (await program.post(f"/visits/{visit}/check-out", key="1")).body["state"] == "departed"


async def test_a_parcel_taken_in_and_handed_out(console: Console, program: Program) -> None:
    await fill(console)
    body = {"tracking": "YT7788990011", "shelf": "B-04", "carrier": "圆通", "unit": RESIDENT.unit}
    taken = await program.post("/parcels", body, key="scan-1")
    assert (taken.status, taken.body["state"], taken.body["shelf"]) == (201, "stored", "B-04")
    assert (await program.post("/parcels", body, key="scan-1")).body == taken.body
    twice = await program.post("/parcels", body, key="scan-2")
    assert (twice.status, twice.body["reason"]) == (409, "parcel.is_here_already")
    parcel = taken.body["id"]
    notices = await program.all("/notices", record=parcel)
    assert notices
    one_fact = await program.post(f"/parcels/{parcel}/hand-out", {"unit": RESIDENT.unit})
    assert (one_fact.status, one_fact.body["reason"]) == (422, "parcel.two_facts_needed")
    handed = await program.post(f"/parcels/{parcel}/hand-out", {"unit": RESIDENT.unit, "tracking_tail": "0011"})
    assert (handed.body["state"], handed.body["taken_by"]) == ("collected", "recipient")


async def test_a_parcel_goes_back(console: Console, program: Program) -> None:
    await fill(console)
    no_reason = await program.post("/parcels/parcel-1/withdraw", {"reason": ""})
    assert (no_reason.status, no_reason.body["faults"][0]["field"]) == (422, "reason")
    gone = await program.post("/parcels/parcel-1/withdraw", {"reason": "退回"})
    assert gone.body["state"] == "withdrawn"


async def test_a_fire_answered_and_judged(console: Console, program: Program) -> None:
    await console.happen(fire(console.clock()))
    [incident] = await program.all("/incidents", state="unanswered")
    identity = incident["id"]
    answered = await program.post(f"/incidents/{identity}/answer")
    assert (answered.body["state"], answered.body["answered_by"]) == ("answered", "token:app-desk")
    assert [alert["handling"] for alert in answered.body["alerts"]] == ["taken"]
    no_cause = await program.post(f"/incidents/{identity}/verdict", {"verdict": "false"})
    assert (no_cause.status, no_cause.body["reason"]) == (422, "incident.cause_missing")
    judged = await program.post(f"/incidents/{identity}/verdict", {"verdict": "false", "cause": "cooking"})
    assert (judged.body["state"], judged.body["verdict"], judged.body["cause"]) == ("judged", "false", "cooking")
    types = [event["type"] for event in judged.body["timeline"]]
    assert types[0] == "fire.alarm"
    assert {"incident.opened", "incident.answered", "incident.judged"} <= set(types)
    by_incident = await program.post(f"/alerts/{judged.body['alerts'][0]['id']}/finish")
    assert (by_incident.status, by_incident.body["reason"]) == (409, "alert.belongs_to_an_incident")


async def test_a_person_reports_an_emergency(console: Console, program: Program) -> None:
    said = {"kind": "lift", "place": "b3", "text": "有人被困", "reporter": "岑启明", "phone": "19900001013"}
    reported = await program.post("/incidents", said, key="call-1")
    assert (reported.status, reported.body["kind"], reported.body["state"]) == (201, "emergency", "unanswered")
    assert (await program.post("/incidents", said, key="call-1")).body["id"] == reported.body["id"]
    assert len(await program.all("/events", type="emergency.reported")) == 1
    assert len(await program.all("/incidents")) == 1


async def test_a_routine_alert_taken_and_done(console: Console, program: Program) -> None:
    await fill(console)
    taken = await program.post("/alerts/left/take")
    assert (taken.body["handling"], taken.body["owner"]) == ("taken", "token:app-desk")
    done = await program.post("/alerts/left/finish", {"note": "已送到"})
    assert (done.body["handling"], done.body["details"]["note"]) == ("done", "已送到")
    again = await program.post("/alerts/left/finish")
    assert (again.status, again.body["reason"]) == (409, "alert.is_done")


async def test_a_door_is_opened_once_with_a_reason(console: Console, program: Program) -> None:
    asked = {"kind": "door.open", "point": "1", "reason": "送货"}
    sent = await program.post("/devices/gate-e1/commands", asked, key="open-1")
    assert (sent.status, sent.body["state"], sent.body["why"]) == (202, "queued", "送货")
    console.desk.performed.clear()
    assert (await program.post("/devices/gate-e1/commands", asked, key="open-1")).body == sent.body
    assert (await program.get(f"/devices/gate-e1/commands/{sent.body['id']}")).body == sent.body
    assert (await program.get("/devices/gate-e1")).body["commands"] == [sent.body]
    assert (await program.get(f"/devices/locker-2/commands/{sent.body['id']}")).status == 404
    no_reason = await program.post("/devices/gate-e1/commands", {"kind": "door.open"})
    assert (no_reason.status, no_reason.body["reason"]) == (422, "reason_missing")


async def test_no_program_can_silence_a_panel(program: Program) -> None:
    refused = await program.post("/devices/fire-b3/commands", {"kind": "panel.reset", "reason": "x"})
    assert (refused.status, refused.body["faults"][0]["field"]) == (422, "kind")


async def test_a_notice_goes_out_once_more(console: Console, program: Program) -> None:
    await fill(console)
    again = await program.post("/notices/pickup/parcel-2/smtp/send-again")
    assert (again.status, again.body["state"], again.body["error"]) == (200, "queued", "")
    [row] = await acts_of(console, "pickup/parcel-2/smtp")
    assert (row.act, row.who) == ("notice.again", "token:app-desk")


async def test_a_frame_is_read_again_where_its_reader_is(console: Console, program: Program) -> None:
    await fill(console)
    nobody = await program.post("/quarantine/q-1/send-again")
    assert (nobody.status, nobody.body["reason"]) == (409, "quarantine.not_here")
    offered: dict[str, QuarantinedFrame] = {}
    object.__setattr__(console.desk, "read_again", lambda kept: offered.setdefault(kept.id, kept) is kept)
    again = await program.post("/quarantine/q-1/send-again")
    assert again.body["sent_again_at"] is not None
    assert list(offered) == ["q-1"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/visits/visit-1", {"name": "李秋白", "phone": "19900002012"}),
        ("/parcels/parcel-1", {"phone": "19900001013", "tracking": "SF0000000001"}),
        ("/notices/pickup/parcel-2/smtp", {"to": "cen@example.com"}),
    ],
)
async def test_what_is_shown_in_full_is_written_down_first(
    path: str, shown: dict[str, str], console: Console, program: Program
) -> None:
    await fill(console)
    masked = (await program.get(path)).body
    assert not any(masked.get(name) == value for name, value in shown.items())
    revealed = (await program.post(f"{path}/reveal")).body
    assert {name: revealed[name] for name in shown} == shown
    target = path.split("/", 2)[2]
    assert [row.act.partition(".")[2] for row in await acts_of(console, target)] == ["reveal"]


async def test_who_only_reads_changes_nothing(console: Console, program_of: ProgramOf) -> None:
    await fill(console)
    for scope in ("auditor", "read"):
        reader = await program_of(scope)
        assert (await reader.get("/visits")).status == 200
        for path, body in (
            ("/visits", VISITOR), ("/visits/visit-1/check-in", None), ("/visits/visit-1/reveal", None),
            ("/incidents", {"kind": "fire", "place": "b3"}), ("/notices/pickup/parcel-2/smtp/send-again", None),
        ):  # fmt: skip
            refused = await reader.post(path, body)
            assert (refused.status, refused.body["reason"]) == (403, "reads_only")

    def nothing(tx: Transaction) -> bool:
        notice = outbox.get_notice(tx, console.desk.site, "pickup/parcel-2/smtp")
        return not audit.listing(tx, console.desk.site).items and notice is not None and notice.state == "failed"

    assert await console.desk.store.read(nothing)
    assert len(await reader.all("/visits")) == 4
