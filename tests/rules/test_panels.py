"""Fire panels: an alarm is on the board at once, and leaves it by its source's word and a person's."""

from collections.abc import Sequence
from typing import Any

import pytest

from hub.core.effects import Effect, IncidentBecomes, SendNotice
from hub.rules import decide_again
from tests.rules.made import BUILDING, HOUR, MINUTE, SECOND, Estate, T, deadlines, notices


def test_an_alarm_is_an_alert_and_an_incident_at_once(estate: Estate) -> None:
    told = estate.fire()
    alert, incident = estate.alert("fire"), estate.incident
    assert (alert.severity, alert.lane, alert.shown, alert.label) == ("critical", "life", "1-1/1", "7层走廊")
    assert (incident.kind, incident.place, incident.state, incident.counts) == (
        "fire",
        "b3/07",
        "unanswered",
        {"smoke": 1},
    )
    assert ("alert", "desk") in notices(told)


def test_the_ladder_and_the_three_minutes_begin_with_the_first_alarm(estate: Estate) -> None:
    waits = deadlines(estate.fire())
    assert [d.due - estate.now for d in waits.values()] == [30 * SECOND, 60 * SECOND, 3 * MINUTE]


def test_one_incident_a_building_and_fire_zone(estate: Estate) -> None:
    estate.fire("1/1")
    assert deadlines(estate.fire("1/2")) == {}
    assert estate.incident.joined_at == estate.now
    estate.fire("1/3")
    assert sorted(i.place for i in estate.facts.incidents.values()) == ["b3/07", "b3/08"]


def test_a_second_detector_is_a_coincidence(estate: Estate) -> None:
    estate.fire("1/1")
    assert not estate.incident.coincidence
    estate.fire("1/2")
    assert (estate.incident.coincidence, estate.incident.counts) == (True, {"smoke": 2})


def test_a_detector_and_a_call_point_are_one_too_and_two_call_points_are_none(estate: Estate) -> None:
    estate.fire("1/9", detector="manual_call_point")
    estate.fire("1/8", detector="manual_call_point")
    assert not estate.incident.coincidence
    estate.fire("1/1")
    assert estate.incident.coincidence


def test_what_the_panel_itself_calls_met_is_met(estate: Estate) -> None:
    estate.fire(coincidence="met")
    assert estate.incident.coincidence


def test_the_same_point_again_counts_and_does_not_join(estate: Estate) -> None:
    estate.fire()
    estate.fire()
    assert (estate.alert("fire").count, estate.incident.joined_at, estate.incident.counts) == (2, None, {"smoke": 1})


def test_a_point_that_is_not_listed_is_raised_at_its_panels_place(estate: Estate) -> None:
    estate.fire("7/7", panel_label="车棚")
    alert = estate.alert("fire")
    assert (alert.listed, alert.label, alert.shown, estate.incident.place) == (False, "车棚", "7/7", "b3")


def test_an_alarm_without_a_point_is_the_panels_own(estate: Estate) -> None:
    estate.hears("fire.alarm", "panel", "system/1/1", active=True)
    alert = estate.alert("fire")
    assert (alert.listed, alert.label, estate.incident.place) == (True, "panel主机", "b3")


def test_an_unregistered_panel_is_raised_once_a_source(estate: Estate) -> None:
    estate.fire("1/1", "unknown.gbt26875.9.panel")
    estate.fire("1/2", "unknown.gbt26875.9.panel")
    assert (estate.alert("unregistered_fire").count, estate.alert("unregistered_fire").listed) == (2, False)
    assert estate.incident.place == "unknown.gbt26875.9.panel"


def test_the_verdict_ends_what_an_unregistered_panel_said(estate: Estate) -> None:
    estate.fire("1/1", "unknown.gbt26875.9.panel")
    estate.normal("1/1", "unknown.gbt26875.9.panel")
    assert estate.incident.state == "unanswered"
    estate.judge()
    assert (estate.facts.incidents, estate.facts.alerts) == ({}, {})


# restores


def test_an_alarm_is_restored_by_the_same_source_with_a_greater_sequence_only(estate: Estate) -> None:
    estate.fire(sequence=50)
    estate.hears("fire.alarm", "panel", "zone/1/point/1", zone="1", point="1", active=False, sequence=50)
    estate.hears("fire.alarm", "old-panel", "zone/1/point/1", zone="1", point="1", active=False, sequence=60)
    assert estate.incident.source == "active"
    estate.hears("fire.alarm", "panel", "zone/1/point/1", zone="1", point="1", active=False, sequence=51)
    assert (estate.incident.source, estate.alert("fire").source) == ("quiet", "quiet")


def test_a_normal_word_restores_the_point_where_the_panel_restores_by_point(estate: Estate) -> None:
    estate.fire()
    estate.normal("1/2")
    before = estate.incident.source
    estate.normal()
    assert (before, estate.incident.source) == ("active", "quiet")


def test_a_normal_word_restores_nothing_where_the_panel_knows_resets_only(estate: Estate) -> None:
    estate.fire("1/1", "old-panel")
    before = estate.shown()
    estate.normal("1/1", "old-panel")
    assert estate.shown() == before


def test_a_system_reset_quiets_what_it_exceeds(estate: Estate) -> None:
    estate.fire("1/1", "old-panel", sequence=10)
    estate.fire("5/5", "old-panel", sequence=20)
    estate.hears("fire.panel_operated", "old-panel", "system/1/1", operation="reset", sequence=15)
    assert sorted(a.source for a in estate.facts.alerts.values()) == ["active", "quiet"]


@pytest.mark.parametrize(
    ("device", "subject", "operation"),
    [
        ("old-panel", None, "reset"),
        ("old-panel", "system/1/1", "silence"),
        ("old-panel", "system/1/1", "acknowledge"),
        ("panel", "system/1/1", "reset"),
    ],
)
def test_what_is_no_reset_of_the_system_quiets_nothing(
    estate: Estate, device: str, subject: str | None, operation: str
) -> None:
    estate.fire("1/1", device)
    before = estate.shown()
    estate.hears("fire.panel_operated", device, subject, operation=operation)
    assert estate.shown() == before


def test_a_reset_is_of_its_own_system(estate: Estate) -> None:
    estate.hears("fire.alarm", "old-panel", "system/2/1", active=True)
    before = estate.shown()
    estate.hears("fire.panel_operated", "old-panel", "system/1/1", operation="reset")
    assert estate.shown() == before
    estate.hears("fire.panel_operated", "old-panel", "system/2/1", operation="reset")
    assert estate.incident.source == "quiet"


def test_what_a_panel_says_of_itself_stands_in_the_history_of_its_incident(estate: Estate) -> None:
    estate.fire("1/1", "panel")
    estate.fire("1/1", "old-panel")
    here = next(i.id for i in estate.facts.incidents.values() if i.first_device == "panel")

    def of(effects: Sequence[Effect]) -> list[str]:
        return [e.incident.id for e in effects if isinstance(e, IncidentBecomes)]

    for operation in ("acknowledge", "silence", "reset"):
        assert of(estate.hears("fire.panel_operated", "panel", "system/1/1", operation=operation)) == [here]
    assert of(estate.mode("manual")) == [here]
    assert of(estate.normal("1/1")) == [here]
    assert of(estate.normal("1/2")) == []
    assert estate.hears("fire.panel_operated", "panel", "system/1/1", operation="silence", ago=HOUR,
                        delivery="backlog") == []  # fmt: skip


def test_a_transmission_device_restores_itself_by_its_own_word(estate: Estate) -> None:
    estate.hears("fire.trouble", "old-panel", active=True, part="main_power")
    estate.hears("fire.panel_operated", "old-panel", "system/1/1", operation="reset")
    assert estate.alerts() == ["fire_trouble"]
    estate.hears("fire.normal", "old-panel")
    assert estate.alerts() == []


# a person's word


def test_answered_stops_the_ladder_and_leaves_three_minutes(estate: Estate) -> None:
    estate.fire()
    estate.passes(20 * SECOND)
    estate.answer()
    assert [(d.kind, d.due) for d in estate.facts.deadlines.values()] == [("verify", estate.now + 3 * MINUTE)]
    assert (estate.incident.state, estate.incident.answered_by, estate.alert("fire").owner) == (
        "answered",
        "wang",
        "wang",
    )


def test_not_verified_in_three_minutes_is_treated_as_real_and_the_verdict_stays_open(estate: Estate) -> None:
    estate.fire()
    estate.answer()
    told = estate.reaches(f"verify/{estate.incident.id}")
    assert (estate.incident.treated_as_real, estate.incident.verdict, estate.incident.state) == (True, None, "answered")
    assert notices(told)


def test_the_ladder_climbs_while_nobody_answers(estate: Estate) -> None:
    estate.fire()
    assert notices(estate.reaches(f"ladder/{estate.incident.id}/1"))
    estate.reaches(f"ladder/{estate.incident.id}/2")
    assert estate.incident.rung == 2


def test_a_timer_that_nobody_waits_for_any_more_changes_nothing(estate: Estate) -> None:
    waits = deadlines(estate.fire())
    estate.judge()
    estate.facts.deadlines.update(waits)
    assert [list(estate.reaches(key)) for key in waits] == [[], [], []]


def test_a_point_whose_declared_place_changed_stays_in_its_incident(estate: Estate) -> None:
    estate.fire()
    panel = BUILDING.devices["panel"]
    moved = panel.model_copy(update={"points": {"1/1": panel.points["1/3"]}})
    estate.facts.building = BUILDING.model_copy(update={"devices": {**BUILDING.devices, "panel": moved}})
    estate.fire()
    assert (estate.incident.place, estate.alert("fire").count) == ("b3/07", 2)
    estate.normal()
    estate.judge()
    assert estate.facts.incidents == {}


def test_quiet_then_verdict_is_done(estate: Estate) -> None:
    estate.fire()
    estate.normal()
    assert estate.incident.state == "unanswered"
    estate.judge()
    assert (estate.facts.incidents, estate.facts.alerts, estate.facts.deadlines) == ({}, {}, {})


def test_verdict_then_quiet_is_done(estate: Estate) -> None:
    estate.fire()
    estate.judge("real", "")
    assert (estate.incident.state, estate.incident.source) == ("judged", "active")
    estate.normal()
    assert (estate.facts.incidents, estate.facts.alerts, estate.facts.deadlines) == ({}, {}, {})


def test_a_new_alarm_after_the_end_is_a_new_incident(estate: Estate) -> None:
    estate.fire()
    first = estate.incident.id
    estate.judge()
    estate.normal()
    assert deadlines(estate.fire())
    assert estate.incident.id != first
    assert estate.alert("fire").incident == estate.incident.id


def test_a_point_that_joins_an_answered_incident_sounds_and_stays_answered(estate: Estate) -> None:
    estate.fire()
    estate.answer()
    estate.fire("1/2")
    assert (estate.incident.state, estate.incident.joined_at) == ("answered", estate.now)


@pytest.mark.parametrize("verdict", ["false", "test"])
def test_a_new_point_after_a_verdict_of_no_fire_asks_again(estate: Estate, verdict: str) -> None:
    first = notices(estate.fire())
    keys = {d.key for d in estate.facts.deadlines.values()}
    estate.judge("false" if verdict == "false" else "test", "cooking" if verdict == "false" else "")
    told = estate.fire("1/2")
    incident = estate.incident
    assert (incident.state, incident.verdict, incident.asked_again_at) == ("unanswered", None, estate.now)
    assert (incident.details["earlier_verdict"], incident.details["earlier_judged_by"]) == (verdict, "wang")
    assert (set(estate.facts.deadlines), notices(told)) == (keys, first)


def test_the_notices_of_the_second_asking_are_not_those_of_the_first(estate: Estate) -> None:
    first = [e.notice.key for e in estate.fire() if isinstance(e, SendNotice)]
    estate.judge()
    again = [e.notice.key for e in estate.fire("1/2") if isinstance(e, SendNotice)]
    assert set(first).isdisjoint(again)


def test_a_new_point_in_a_real_fire_joins_it(estate: Estate) -> None:
    estate.fire()
    estate.judge("real", "")
    estate.fire("1/2")
    assert (estate.incident.state, estate.incident.verdict, estate.incident.joined_at) == ("judged", "real", estate.now)


def test_the_same_point_alarming_again_after_its_restore_asks_again(estate: Estate) -> None:
    estate.fire("1/1")
    estate.fire("1/2")
    estate.normal("1/1")
    estate.judge()
    estate.fire("1/1")
    assert (estate.incident.state, estate.incident.counts) == ("unanswered", {"smoke": 2})


def test_what_alarms_restores_and_alarms_within_one_second_of_its_panel_burns(estate: Estate) -> None:
    """The second alarm has the first one's bytes, and so its id: only the sequence tells it from a resend."""
    estate.fire("1/1", shows=T)
    first = estate.heard
    estate.normal("1/1", shows=T)
    assert decide_again(first, estate.facts) == []  # the first one's row, told once more
    resent = first.model_copy(update={"sequence": estate.sequence + 1})
    estate.facts.apply(decide_again(resent, estate.facts))
    assert (estate.alert("fire").source, estate.alert("fire").count) == ("active", 2)
    assert decide_again(resent, estate.facts) == []
    assert decide_again(first.model_copy(update={"sequence": estate.sequence + 2}), estate.facts) == []


@pytest.mark.parametrize("delivery", ["live", "backlog"])
def test_an_alarm_sent_twice_whose_end_was_told_meanwhile_does_not_burn_again(estate: Estate, delivery: str) -> None:
    """The hub's yes was lost on its way, and the panel sends both again: nothing would end the alarm any more."""
    estate.fire("1/1", shows=T)
    alarm = estate.heard
    estate.normal("1/1", shows=T + SECOND)
    end = estate.heard
    for number, event in enumerate((alarm, end), start=estate.sequence + 1):
        resent = event.model_copy(update={"sequence": number, "delivery": delivery})
        assert decide_again(resent, estate.facts) == []
    assert estate.incident.source == "quiet"


def test_a_frame_without_a_time_of_its_own_sent_twice_says_nothing_anew(estate: Estate) -> None:
    estate.fire("1/1", clock="hub")
    alarm = estate.heard
    estate.normal("1/1", clock="hub")
    resent = alarm.model_copy(
        update={"sequence": estate.sequence + 1, "time": estate.now + SECOND, "received": estate.now + SECOND}
    )
    assert decide_again(resent, estate.facts) == []
    assert estate.incident.source == "quiet"


# late, and snapshots


def test_late_alarms_are_one_line_a_panel_and_start_no_ladder(estate: Estate) -> None:
    for number, hours in enumerate((3, 2, 1), start=1):
        estate.fire(f"1/{number}", delivery="backlog", ago=hours * HOUR)
    incident = estate.incident
    assert (incident.late, incident.late_count, incident.first_at) == (True, 3, T + SECOND - 3 * HOUR)
    assert (incident.coincidence, estate.facts.deadlines, incident.state) == (False, {}, "unanswered")


def test_an_alarm_of_now_is_not_swallowed_by_one_of_the_past(estate: Estate) -> None:
    estate.fire(delivery="backlog", ago=HOUR)
    assert deadlines(estate.fire())
    assert sorted((i.place, i.late) for i in estate.facts.incidents.values()) == [
        ("b3/07", False),
        ("late/panel", True),
    ]
    estate.normal()
    assert {i.source for i in estate.facts.incidents.values()} == {"quiet"}


def test_a_restore_of_the_past_is_not_about_an_alarm_of_now(estate: Estate) -> None:
    estate.fire()
    estate.fire(delivery="backlog", ago=2 * HOUR)
    estate.normal(delivery="backlog", ago=HOUR)
    assert {i.place: i.source for i in estate.facts.incidents.values()} == {"b3/07": "active", "late/panel": "quiet"}


def test_a_restore_that_was_on_its_way_is_taken(estate: Estate) -> None:
    estate.fire()
    estate.passes(HOUR)
    estate.normal(delivery="backlog", ago=10 * MINUTE)
    assert estate.incident.source == "quiet"


def test_a_fire_that_a_snapshot_shows_and_nobody_knew_is_raised_as_of_now(estate: Estate) -> None:
    assert deadlines(estate.fire(delivery="snapshot", ago=HOUR))
    assert (estate.incident.place, estate.incident.late) == ("b3/07", False)
    assert estate.fire(delivery="snapshot", ago=HOUR) == []
    estate.normal()
    estate.fire(delivery="snapshot")
    assert estate.incident.source == "active"


# an end that comes late: by the panel's own clock and the sequence, never by the hub's time of its beginning

AT_A_POINT: dict[str, Any] = {"subject": "zone/1/point/1", "zone": "1", "point": "1"}


def test_an_end_in_the_second_of_its_beginning_is_taken_however_late_it_comes(estate: Estate) -> None:
    estate.hears("fire.disablement", "panel", active=True, shows=T, **AT_A_POINT)
    estate.hears(
        "fire.disablement", "panel", active=True, shows=T, **AT_A_POINT
    )  # received seconds after the panel told it
    estate.passes(5 * MINUTE)
    estate.hears("fire.disablement", "panel", active=False, shows=T, **AT_A_POINT)
    assert estate.alerts() == []


@pytest.mark.parametrize("delivery", ["live", "backlog"])
def test_an_end_told_late_is_taken_though_the_panels_clock_is_behind_ours(estate: Estate, delivery: str) -> None:
    estate.fire(shows=T - 50 * SECOND)
    estate.passes(5 * MINUTE)
    estate.normal(shows=T - 20 * SECOND, delivery=delivery)
    assert estate.incident.source == "quiet"


def test_an_end_of_now_is_taken_though_the_panels_clock_was_put_back_since(estate: Estate) -> None:
    estate.fire(shows=T + 30 * SECOND)
    estate.normal(shows=T)
    assert estate.incident.source == "quiet"


@pytest.mark.parametrize("delivery", ["live", "backlog"])
def test_an_end_out_of_the_panels_memory_is_not_that_of_what_began_after_it(estate: Estate, delivery: str) -> None:
    estate.passes(5 * MINUTE)
    now = estate.now
    for subject in ("zone/1/point/1", "zone/1/point/2"):
        estate.hears("fire.disablement", "panel", subject, active=True, shows=now, zone="1", point=subject[-1])
    estate.hears(
        "fire.disablement", "panel", "zone/1/point/2", active=True, shows=T, delivery="backlog", zone="1", point="2"
    )
    estate.passes(5 * MINUTE)
    for subject in ("zone/1/point/1", "zone/1/point/2"):
        told: dict[str, Any] = {"shows": now - SECOND, "delivery": delivery, "zone": "1", "point": subject[-1]}
        estate.hears("fire.disablement", "panel", subject, active=False, **told)
    assert estate.alerts() == ["fire_disablement", "fire_disablement"]


def test_an_end_whose_sequence_is_no_greater_is_never_taken(estate: Estate) -> None:
    estate.fire(shows=T, sequence=7)
    estate.normal(shows=T + MINUTE, sequence=7)
    assert estate.incident.source == "active"


# other conditions


def test_conditions_of_one_point_are_never_merged(estate: Estate) -> None:
    for kind in ("trouble", "disablement", "supervisory", "pre_alarm"):
        part: dict[str, Any] = {"part": "loop"} if kind == "trouble" else {}
        estate.hears(f"fire.{kind}", "panel", "zone/1/point/1", zone="1", point="1", active=True, **part)
    assert estate.alerts() == ["fire_disablement", "fire_pre_alarm", "fire_supervisory", "fire_trouble"]
    assert estate.facts.incidents == {}
    estate.normal()
    assert estate.alerts() == []


def test_a_trouble_told_late_is_shown_as_late(estate: Estate) -> None:
    estate.hears("fire.trouble", "panel", active=True, part="main_power", delivery="backlog", ago=HOUR)
    assert estate.alert("fire_trouble").late


def test_a_pre_alarm_becomes_the_incidents_first_line(estate: Estate) -> None:
    estate.hears("fire.pre_alarm", "panel", "zone/1/point/2", zone="1", point="2", active=True, detector="heat")
    before = estate.now
    estate.fire()
    assert (estate.incident.first_at, estate.incident.first_detector) == (before, "heat")
    assert estate.alert("fire_pre_alarm").incident == estate.incident.id
    estate.normal("1/1")
    assert estate.incident.source == "quiet"


def test_activations_and_feedbacks_fold_into_their_zones_incident(estate: Estate) -> None:
    estate.hears("fire.activation", "panel", "zone/1/point/2", zone="1", point="2", active=True)
    estate.fire()
    estate.hears("fire.activation", "panel", "zone/1/point/2", zone="1", point="2", active=True)
    estate.hears("fire.feedback", "panel", "zone/1/point/2", zone="1", point="2", active=True)
    assert (estate.incident.activations, estate.incident.feedbacks) == (1, 1)
    estate.normal("1/1")
    estate.judge()
    assert estate.facts.alerts == {}


def test_an_activation_without_a_fire_is_an_alert_of_its_own(estate: Estate) -> None:
    estate.hears("fire.feedback", "panel", "zone/1/point/2", zone="1", point="2", active=True)
    assert estate.alert("fire_feedback").severity == "medium"


def test_an_evacuation_is_an_incident_of_its_own_kind(estate: Estate) -> None:
    estate.fire()
    estate.hears("fire.evacuation", "panel", "zone/1/point/1", zone="1", point="1", active=True)
    assert sorted(i.kind for i in estate.facts.incidents.values()) == ["evacuation", "fire"]


# modes


def test_linkage_left_manual_longer_than_a_test_is_an_alert_and_auto_clears_it(estate: Estate) -> None:
    estate.mode("auto")
    estate.mode("manual")
    estate.reaches("linkage/panel/system/1/1", later=HOUR)
    alert = estate.alert("linkage_manual")
    assert (alert.severity, alert.device, alert.late) == ("high", "panel", False)
    estate.mode("auto")
    assert estate.alerts() == []


def test_linkage_back_in_time_is_no_alert(estate: Estate) -> None:
    estate.mode("manual")
    estate.mode("auto")
    assert estate.facts.deadlines == {}


def test_a_mode_said_again_changes_nothing(estate: Estate) -> None:
    estate.mode("manual")
    due = estate.facts.deadlines["linkage/panel/system/1/1"].due
    assert estate.mode("manual") == []
    estate.mode("manual", delayed=True)
    assert estate.facts.deadlines["linkage/panel/system/1/1"].due == due


def test_an_older_mode_changes_nothing(estate: Estate) -> None:
    estate.mode("manual", sequence=50)
    assert estate.mode("auto", sequence=49) == []
    assert estate.mode("auto", sequence=51, delivery="backlog", ago=HOUR) == []


def test_a_mode_told_late_changes_what_the_panel_said_before_by_its_own_clock(estate: Estate) -> None:
    estate.mode("manual", shows=T)
    estate.reaches("linkage/panel/system/1/1")
    estate.mode("auto", shows=T + SECOND, delivery="backlog")
    assert estate.alerts() == []


def test_a_points_mode_says_nothing_of_the_systems_linkage(estate: Estate) -> None:
    estate.mode("manual", "zone/1/point/1")
    assert estate.facts.deadlines == {}
