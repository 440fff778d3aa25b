"""Duress, help and what people report."""

from uuid import UUID

from hub.core.events import EVENT
from hub.core.fire_events import EmergencyKind
from hub.rules import acts
from hub.rules.bare import raise_bare
from tests.rules.made import HOUR, WANG, Estate, deadlines, notices


def _report(estate: Estate, kind: EmergencyKind = "gas", place: str = "3-1-702", cause: str = "act-9") -> None:
    estate.takes(
        acts.report_emergency(estate.facts, kind, place, WANG, estate.now, cause, text="有味", phone="13900001111")
    )


def test_duress_is_an_incident_at_its_door_that_the_verdict_ends(estate: Estate) -> None:
    told = estate.hears("access.duress", "gate-in", "door/1", door="1")
    assert (estate.incident.kind, estate.incident.place, estate.alert("duress").severity) == (
        "duress",
        "east",
        "critical",
    )
    assert {d.kind for d in deadlines(told).values()} == {"ladder"}
    assert notices(told)
    estate.judge("real", "")
    assert (estate.facts.incidents, estate.facts.alerts) == ({}, {})


def test_duress_twice_sounds_twice(estate: Estate) -> None:
    estate.hears("access.duress", "gate-in", "door/1", door="1")
    estate.hears("access.duress", "gate-in", "door/1", door="1")
    assert estate.incident.joined_at == estate.now


def test_duress_of_now_after_one_told_late_climbs_the_ladder(estate: Estate) -> None:
    estate.hears("access.duress", "gate-in", "door/1", door="1", delivery="backlog", ago=HOUR)
    assert (estate.incident.late, estate.facts.deadlines) == (True, {})
    estate.answer()
    assert deadlines(estate.hears("access.duress", "gate-in", "door/1", door="1"))
    assert (estate.incident.late, estate.incident.state) == (False, "unanswered")


def test_help_is_called_until_the_button_is_reset_and_judged(estate: Estate) -> None:
    estate.hears("help.called", "gate-in", "input/1", active=True, by="toilet", place="1层无障碍卫生间")
    assert (estate.incident.kind, estate.incident.place) == ("help", "1层无障碍卫生间")
    estate.judge("real", "")
    assert estate.incident.state == "judged"
    estate.hears("help.called", "gate-in", "input/1", active=False, by="toilet")
    assert estate.facts.incidents == {}


def test_a_dry_contact_of_life_is_help_and_another_is_routine(estate: Estate) -> None:
    estate.hears("input.changed", "panel", "input/1", input="1", active=True, meaning="一键呼叫")
    assert (estate.incident.kind, estate.alert("help").label) == ("help", "一键呼叫")
    estate.hears("input.changed", "gate-in", "input/1", input="1", active=True)
    assert estate.alert("input").severity == "medium"
    estate.hears("input.changed", "gate-in", "input/1", input="1", active=False)
    assert estate.alerts() == ["help"]


def test_what_a_person_reports_is_an_incident_that_waits_for_the_verdict_only(estate: Estate) -> None:
    _report(estate)
    assert (estate.incident.kind, estate.incident.details["kind"]) == ("emergency", "gas")
    assert (estate.incident.source, estate.alert("emergency").source) == ("quiet", "quiet")
    estate.judge("real", "")
    assert (estate.facts.incidents, estate.facts.alerts, estate.facts.deadlines) == ({}, {}, {})


def test_two_callers_about_one_thing_are_one_incident_and_it_still_ends(estate: Estate) -> None:
    _report(estate)
    _report(estate, cause="act-10")
    assert (estate.incident.joined_at, estate.incident.source) == (estate.now, "quiet")
    estate.judge("real", "")
    assert estate.facts.incidents == {}


def test_two_things_at_one_place_are_two_incidents(estate: Estate) -> None:
    _report(estate, "gas")
    _report(estate, "lift", cause="act-10")
    assert sorted(i.details["kind"] for i in estate.facts.incidents.values()) == ["gas", "lift"]


def test_a_fire_that_a_person_reports_is_to_be_verified_like_any(estate: Estate) -> None:
    _report(estate, "fire")
    assert estate.incident.kind == "fire"
    assert f"verify/{estate.incident.id}" in estate.facts.deadlines


def test_the_same_report_sent_again_is_the_same_event(estate: Estate) -> None:
    first = acts.report_emergency(estate.facts, "gas", "x", WANG, estate.now, "act-1")
    again = acts.report_emergency(estate.facts, "gas", "x", WANG, estate.now + HOUR, "act-1")
    assert first.id == again.id


def test_what_no_rule_could_take_is_raised_bare(estate: Estate) -> None:
    event = EVENT.validate_python({
        "type": "fire.alarm", "id": UUID(int=7), "source": "/sites/cedar/devices/panel", "time": estate.now,
        "received": estate.now, "lane": "life", "data": {"active": True}, "host": "hub-1", "sequence": 4,
    })  # fmt: skip
    estate.does(raise_bare(event))
    assert (estate.alert("bare").severity, estate.alert("bare").details) == ("critical", {"type": "fire.alarm"})
    assert raise_bare(event) == raise_bare(event)
