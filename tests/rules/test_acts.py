"""What a person does at the desk: done once, refused with a reason, in the audit log by reference."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from hub.core.effects import Audit, Effect, Refused, VisitBecomes
from hub.rules import acts
from hub.rules.pickups import pickup_code
from tests.rules.made import DAY, HOUR, MINUTE, WANG, Estate, T, commands, deadlines, notices, refusal

Act = Callable[[Estate], Sequence[Effect]]


def _visit(**form: Any) -> Act:
    values = {"name": "陈欣", "unit": "3-1-702"} | form
    return lambda e: acts.announce(e.facts, acts.AnnounceVisit(**values), WANG, e.now, "act-1")


def _parcel(**form: Any) -> Act:
    values = {"tracking": "SF1122334455", "shelf": "A3", "unit": "3-1-702"} | form
    return lambda e: acts.take_in_parcel(e.facts, acts.TakeInParcel(**values), WANG, e.now, "act-2")


def _asked(device: str, what: Any, point: str = "", reason: str = "送水") -> Act:
    return lambda e: acts.command_device(e.facts, device, what, point, reason, WANG, e.now, "act-3")


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (_visit(name=" "), "visit.name_missing"),
        (_visit(unit=""), "visit.unit_missing"),
        (_visit(starts=T + HOUR, ends=T), "visit.ends_before_it_starts"),
        (_visit(ends=T - HOUR), "visit.is_over_already"),
        (_visit(happened_at=T + HOUR), "entered_later.is_to_come"),
        (lambda e: acts.check_in(e.facts, "nobody", WANG, e.now), "visit.unknown"),
        (lambda e: acts.answer_for_host(e.facts, "nobody", "agreed", WANG, e.now), "visit.unknown"),
        (_parcel(tracking=""), "parcel.tracking_missing"),
        (_parcel(shelf=" "), "parcel.shelf_missing"),
        (_parcel(unit=""), "parcel.recipient_missing"),
        (_parcel(happened_at=T + HOUR), "entered_later.is_to_come"),
        (lambda e: acts.hand_out_parcel(e.facts, "none", WANG, e.now), "parcel.unknown"),
        (lambda e: acts.withdraw_parcel(e.facts, "none", "x", WANG, e.now), "parcel.unknown"),
        (lambda e: acts.answer_incident(e.facts, "none", WANG, e.now), "incident.is_done"),
        (lambda e: acts.judge_incident(e.facts, "none", "real", "", WANG, e.now), "incident.is_done"),
        (lambda e: acts.take_alert(e.facts, "none", WANG, e.now), "alert.is_done"),
        (lambda e: acts.finish_alert(e.facts, "none", WANG, e.now), "alert.is_done"),
        (_asked("nothing", "door.open", "1"), "device.unknown"),
        (_asked("gate-in", "door.open", "1", " "), "reason_missing"),
        (_asked("gate-in", "door.open", "2"), "device.no_such_door"),
        (_asked("locker", "compartment.open", "99"), "device.no_such_compartment"),
        (_asked("locker", "compartment.open", ""), "device.no_such_compartment"),
    ],
)
def test_what_cannot_be_done_as_asked_is_refused_with_its_reason(estate: Estate, act: Act, reason: str) -> None:
    assert refusal(lambda: act(estate)) == reason


def test_an_emergency_is_somewhere(estate: Estate) -> None:
    assert (
        refusal(lambda: acts.report_emergency(estate.facts, "gas", " ", WANG, T, "act-4")) == "emergency.place_missing"
    )


@pytest.mark.parametrize("act", [_visit(), _parcel()])
def test_the_same_act_sent_twice_makes_one_record(estate: Estate, act: Act) -> None:
    estate.does(act(estate))
    assert act(estate) == []


# visits


def test_check_in_and_out_are_each_done_once(estate: Estate) -> None:
    visit = estate.announce(ends=T + HOUR).id
    estate.does(acts.check_in(estate.facts, visit, WANG, estate.now))
    assert acts.check_in(estate.facts, visit, WANG, estate.now) == []
    assert f"overstay/{visit}" in estate.facts.deadlines
    estate.does(acts.check_out(estate.facts, visit, WANG, estate.now))
    assert (estate.visit.state, estate.facts.deadlines) == ("departed", {})
    assert acts.check_out(estate.facts, visit, WANG, estate.now) == []
    assert refusal(lambda: acts.check_in(estate.facts, visit, WANG, estate.now)) == "visit.is_over"
    assert refusal(lambda: acts.cancel_visit(estate.facts, visit, WANG, estate.now)) == "visit.not_waiting"


def test_who_is_not_in_cannot_leave(estate: Estate) -> None:
    visit = estate.announce().id
    assert refusal(lambda: acts.check_out(estate.facts, visit, WANG, estate.now)) == "visit.not_in"


def test_a_visit_entered_later_keeps_its_times_and_sends_nothing(estate: Estate) -> None:
    estate.announce(happened_at=T - 3 * HOUR, ends=T - HOUR)
    assert (commands(estate.last), notices(estate.last)) == ([], [])
    came = acts.check_in(estate.facts, estate.visit.id, WANG, T, happened_at=T - 3 * HOUR)
    assert deadlines(estate.does(came)) == {}
    too_early = T - 4 * HOUR
    assert refusal(lambda: acts.check_out(estate.facts, estate.visit.id, WANG, T, happened_at=too_early)) == (
        "visit.departed_before_it_came"
    )
    estate.does(acts.check_out(estate.facts, estate.visit.id, WANG, T, happened_at=T - HOUR))
    assert (estate.visit.entered_later, estate.visit.opened_at, estate.visit.departed_at) == (
        True, T - 3 * HOUR, T - HOUR,
    )  # fmt: skip


def test_the_hosts_yes_lets_a_waiting_visitor_in_once(estate: Estate) -> None:
    visit = estate.announce(arrived=True).id
    estate.does(acts.answer_for_host(estate.facts, visit, "no_answer", WANG, estate.now))
    assert estate.visit.state == "waiting"
    estate.does(acts.answer_for_host(estate.facts, visit, "agreed", WANG, estate.now))
    assert (estate.visit.state, estate.visit.answered_by) == ("open", "wang")
    assert acts.answer_for_host(estate.facts, visit, "agreed", WANG, estate.now) == []
    assert (
        refusal(lambda: acts.answer_for_host(estate.facts, visit, "refused", WANG, estate.now)) == "visit.not_waiting"
    )


def test_the_hosts_no_ends_the_visit_and_its_pass(estate: Estate) -> None:
    visit = estate.announce().id
    ended = estate.does(acts.answer_for_host(estate.facts, visit, "refused", WANG, estate.now))
    assert [e.step for e in ended if isinstance(e, VisitBecomes)] == ["answered", "cancelled"]
    assert ("credential.remove", "gate-in") in commands(ended)
    assert acts.cancel_visit(estate.facts, visit, WANG, estate.now) == []


# parcels


def test_a_parcel_at_the_desk_goes_out_with_its_code(estate: Estate) -> None:
    estate.does(_parcel()(estate))
    assert ("pickup", "webhook") in notices(estate.last)
    parcel, code = estate.parcel, pickup_code(estate.parcel, estate.facts)
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    assert refusal(lambda: acts.hand_out_parcel(estate.facts, parcel.id, WANG, T, code=wrong)) == "parcel.wrong_code"
    estate.does(acts.hand_out_parcel(estate.facts, parcel.id, WANG, T, code=f" {code} "))
    assert (estate.parcel.state, estate.facts.deadlines) == ("collected", {})
    assert acts.hand_out_parcel(estate.facts, parcel.id, WANG, T, code=code) == []
    assert refusal(lambda: acts.withdraw_parcel(estate.facts, parcel.id, "x", WANG, T)) == "parcel.not_here"


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        (("3-1-702", "1111"), True),
        (("4455", "1111"), True),
        (("1111", "1111"), False),
        (("3-1-702",), False),
        ((), False),
    ],
)
def test_or_with_two_facts_of_three(estate: Estate, facts: tuple[str, ...], given: bool) -> None:
    estate.does(_parcel()(estate))
    with nullcontext() if given else pytest.raises(Refused, match="two_facts_needed"):
        estate.does(acts.hand_out_parcel(estate.facts, estate.parcel.id, WANG, T, facts_given=facts))
    assert (estate.parcel.state == "collected") is given


def test_what_lies_in_a_locker_is_not_handed_out_at_the_desk(estate: Estate) -> None:
    estate.stores()
    parcel = estate.parcel.id
    assert refusal(lambda: acts.hand_out_parcel(estate.facts, parcel, WANG, T, code="1")) == "parcel.is_in_a_locker"


def test_a_parcel_withdrawn_from_a_locker_takes_its_code_along(estate: Estate) -> None:
    estate.stores()
    parcel = estate.parcel.id
    assert refusal(lambda: acts.withdraw_parcel(estate.facts, parcel, " ", WANG, T)) == "reason_missing"
    estate.does(acts.withdraw_parcel(estate.facts, parcel, "退回", WANG, estate.now))
    assert commands(estate.last) == [("pickup.remove", "locker")]
    assert acts.withdraw_parcel(estate.facts, parcel, "退回", WANG, estate.now) == []


def test_one_number_is_taken_in_once(estate: Estate) -> None:
    estate.does(_parcel()(estate))
    form = acts.TakeInParcel(tracking="SF1122334455", shelf="B1", unit="3-1-702")
    assert refusal(lambda: acts.take_in_parcel(estate.facts, form, WANG, T, "act-7")) == "parcel.is_here_already"


def test_a_parcel_entered_later_is_told_to_nobody(estate: Estate) -> None:
    estate.does(_parcel(happened_at=T - DAY)(estate))
    assert (notices(estate.last), estate.facts.deadlines, estate.parcel.stored_at) == ([], {}, T - DAY)


# incidents and alerts


def test_an_incident_is_answered_once_and_a_false_one_has_a_cause(estate: Estate) -> None:
    estate.fire()
    incident = estate.incident.id
    estate.answer()
    assert acts.answer_incident(estate.facts, incident, WANG, estate.now) == []
    assert (
        refusal(lambda: acts.judge_incident(estate.facts, incident, "false", "", WANG, T)) == "incident.cause_missing"
    )
    estate.judge("false", "cooking")
    assert acts.judge_incident(estate.facts, incident, "false", "cooking", WANG, T) == []
    estate.judge("real", "cooking")
    assert (estate.incident.verdict, estate.incident.cause) == ("real", "")


def test_a_verdict_without_an_answer_is_an_answer_too(estate: Estate) -> None:
    estate.fire()
    estate.judge()
    assert (estate.incident.answered_by, estate.alert("fire").handling) == ("wang", "taken")
    assert estate.facts.deadlines == {}


def test_a_life_alert_is_ended_by_its_incident_only(estate: Estate) -> None:
    estate.fire()
    alert = estate.alert("fire").id
    assert refusal(lambda: acts.finish_alert(estate.facts, alert, WANG, T)) == "alert.belongs_to_an_incident"


def test_an_alert_is_taken_and_finished_with_a_note(estate: Estate) -> None:
    estate.hears("access.denied", "gate-in", door="1", reason="other")
    alert = estate.alert("access_denied").id
    estate.does(acts.take_alert(estate.facts, alert, WANG, T))
    assert acts.take_alert(estate.facts, alert, WANG, T) == []
    estate.does(acts.finish_alert(estate.facts, alert, replace(WANG, user="li"), T, note="已劝离"))
    assert (estate.alerts(), estate.facts.deadlines) == ([], {})


def test_a_finished_alert_comes_again_when_its_source_says_so(estate: Estate) -> None:
    estate.hears("door.held_open", "gate-in", door="1", active=True)
    estate.does(acts.finish_alert(estate.facts, estate.alert("door_held_open").id, WANG, T))
    estate.hears("door.held_open", "gate-in", door="1", active=True)
    assert estate.alert("door_held_open").handling == "unanswered"


# devices


def test_a_command_is_made_once_for_one_act(estate: Estate) -> None:
    open_it = _asked("gate-in", "door.open")
    estate.does(open_it(estate))
    record = estate.only(estate.facts.commands.values())
    assert (record.command.kind, record.command.by, record.command.why) == ("door.open", "wang", "送水")
    assert record.command.expires < T + MINUTE
    assert open_it(estate) == []


def test_a_panels_clock_is_not_set_while_an_alarm_is_open(estate: Estate) -> None:
    estate.fire()
    assert refusal(lambda: _asked("panel", "device.set_clock")(estate)) == "device.alarm_open"
    estate.normal()
    estate.judge()
    assert commands(_asked("panel", "device.set_clock")(estate)) == [("device.set_clock", "panel")]


def test_every_act_is_in_the_audit_log_without_personal_values(estate: Estate) -> None:
    estate.announce()
    done = [*estate.last, *estate.does(_parcel()(estate))]
    written = [e for e in done if isinstance(e, Audit)]
    assert [e.act for e in written] == ["visit.announce", "parcel.take_in"]
    assert not any(personal in str(e) for e in written for personal in ("陈欣", "1380000", "3-1-702", "SF11"))
