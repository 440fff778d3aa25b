"""Announced visitors come and go; residents are nobody's business; strangers and refusals are shown and fade."""

from dataclasses import replace

from hub.core.effects import DoorBecomes, SendNotice
from hub.rules import acts
from tests.rules.made import DAY, HOUR, MINUTE, OWNER, SECOND, WANG, Estate, T, commands, deadlines, notices


def test_the_first_granted_entry_opens_the_visit_and_tells_the_host(estate: Estate) -> None:
    ref = estate.announce().ref
    told = estate.passage(ref)
    assert (estate.visit.state, estate.visit.opened_door) == ("open", "east")
    assert ("visitor_arrived", "webhook") in notices(told)


def test_the_host_is_told_in_their_own_language_at_which_door(estate: Estate) -> None:
    estate.facts.people["p1"] = replace(OWNER, language="en")
    told = estate.passage(estate.announce().ref)
    assert {n.notice.params["door"] for n in told if isinstance(n, SendNotice)} == {"East door"}


def test_an_announced_visitor_gets_a_pass_at_every_gate_and_a_code(estate: Estate) -> None:
    estate.announce()
    assert commands(estate.last) == [("credential.put", "gate-in"), ("credential.put", "gate-out")]
    assert ("visitor_code", "webhook") in notices(estate.last)


def test_a_second_entry_changes_nothing(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref)
    assert estate.passage(ref) == []


def test_the_exit_closes_the_visit_and_ends_the_pass(estate: Estate) -> None:
    ref = estate.announce(ends=T + HOUR).ref
    estate.passage(ref)
    left = estate.passage(ref, "gate-out")
    assert (estate.visit.state, estate.visit.departed_door) == ("departed", "west")
    assert ("credential.remove", "gate-in") in commands(left)
    assert not estate.facts.deadlines


def test_a_residents_passage_is_a_line_in_the_records_only(estate: Estate) -> None:
    assert estate.passage("p1") == []
    assert estate.passage("") == []


def test_a_visitor_who_waits_at_the_desk_may_also_come_through_the_gate(estate: Estate) -> None:
    ref = estate.announce(arrived=True).ref
    estate.passage(ref)
    assert estate.visit.state == "open"


def test_an_entry_told_late_opens_without_notice_and_without_command(estate: Estate) -> None:
    ref = estate.announce().ref
    late = estate.passage(ref, delivery="backlog", ago=HOUR)
    assert (estate.visit.state, estate.visit.opened_at) == ("open", estate.now - HOUR)
    assert notices(late) == []
    assert commands(late) == []


def test_an_exit_told_late_sends_no_command(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref, delivery="backlog", ago=HOUR)
    assert commands(estate.passage(ref, "gate-out", delivery="backlog", ago=30 * MINUTE)) == []
    assert estate.visit.departed_at == estate.now - 30 * MINUTE


def test_an_older_entry_fills_the_history_and_never_reopens(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref, "gate-out")
    left = estate.visit.departed_at
    estate.passage(ref, delivery="backlog", ago=HOUR)
    assert (estate.visit.state, estate.visit.departed_at) == ("departed", left)
    assert estate.visit.opened_at == estate.now - HOUR
    assert estate.passage(ref) == []


def test_an_exit_from_before_the_entry_closes_nothing(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref)
    estate.passage(ref, "gate-out", delivery="backlog", ago=2 * HOUR)
    assert estate.visit.state == "open"


def test_an_exit_told_late_is_that_of_the_entry_however_the_two_gates_clocks_differ(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref, shows=T)
    entered = estate.now
    estate.passes(HOUR)
    estate.passage(ref, "gate-out", delivery="backlog", shows=entered - 40 * SECOND)
    assert estate.visit.state == "departed"


def test_an_exit_of_now_closes_the_visit_though_the_hubs_clock_was_put_back(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref)
    estate.passes(-DAY)
    estate.passage(ref, "gate-out")
    assert estate.visit.state == "departed"


def test_a_door_told_late_is_as_its_device_said_last(estate: Estate) -> None:
    estate.hears("door.opened", "gate-in", door="1", shows=T)
    estate.passes(HOUR)
    estate.hears("door.closed", "gate-in", door="1", shows=T, delivery="backlog")
    assert estate.facts.doors["east"].open is False
    estate.hears("door.opened", "gate-in", door="1", shows=T - SECOND, delivery="backlog")
    assert estate.facts.doors["east"].open is False


def test_an_entry_with_a_smaller_sequence_than_the_last_change_changes_nothing(estate: Estate) -> None:
    ref = estate.announce().ref
    estate.passage(ref, sequence=50)
    assert estate.passage(ref, "gate-out", sequence=49) == []


def test_who_stays_beyond_the_end_is_an_alert_and_leaving_ends_it(estate: Estate) -> None:
    ref = estate.announce(ends=T + HOUR).ref
    estate.passage(ref)
    estate.reaches(f"overstay/{estate.visit.id}")
    assert estate.alert("visit_overstay").severity == "medium"
    estate.passage(ref, "gate-out")
    assert estate.alerts() == []


def test_overstaying_is_told_even_when_the_hub_was_down_at_that_time(estate: Estate) -> None:
    estate.passage(estate.announce(ends=T + HOUR).ref)
    estate.reaches(f"overstay/{estate.visit.id}", later=2 * HOUR)
    assert not estate.alert("visit_overstay").late


def test_an_overstay_waits_for_an_exit_that_may_be_on_its_way(estate: Estate) -> None:
    late = estate.passage(estate.announce(ends=T + MINUTE).ref, delivery="backlog", ago=HOUR)
    waits = estate.only(deadlines(late).values())
    assert (waits.absence, waits.due) == (True, estate.visit.ends)


def test_a_deadline_is_never_set_to_the_past(estate: Estate) -> None:
    ref = estate.announce(ends=T + MINUTE).ref
    estate.passes(HOUR)
    late = estate.passage(ref, delivery="backlog", ago=HOUR)
    assert estate.only(deadlines(late).values()).due == estate.now + 30 * SECOND


def test_a_stranger_is_shown_and_fades(estate: Estate) -> None:
    estate.hears("person.seen", "gate-in", person={"list": "stranger"}, door="1")
    assert estate.alert("stranger").door == "east"
    estate.reaches("fade/stranger/east")
    assert estate.alerts() == []


def test_a_refused_credential_is_shown_once_a_door_and_fades_after_the_last(estate: Estate) -> None:
    for _ in range(3):
        estate.hears("access.denied", "gate-in", door="1", reason="credential_not_found")
    assert estate.alert("access_denied").count == 3
    assert estate.facts.deadlines["fade/access_denied/east"].due == estate.now + 30 * MINUTE


def test_what_someone_has_taken_does_not_fade(estate: Estate) -> None:
    estate.hears("access.denied", "gate-in", door="1", reason="unauthorized")
    estate.does(acts.take_alert(estate.facts, estate.alert("access_denied").id, WANG, estate.now))
    estate.reaches("fade/access_denied/east")
    assert estate.alert("access_denied").owner == "wang"


def test_a_blocked_person_stays_on_the_board(estate: Estate) -> None:
    estate.hears("access.denied", "gate-in", door="1", reason="blocked_person")
    assert estate.alert("blocked_person").severity == "high"
    assert not estate.facts.deadlines


def test_late_strangers_and_refusals_raise_nothing(estate: Estate) -> None:
    for delivery in ("backlog", "snapshot"):
        assert estate.hears("person.seen", "gate-in", person={"list": "stranger"}, delivery=delivery) == []
        assert estate.hears("access.denied", "gate-in", door="1", reason="other", delivery=delivery) == []


def test_a_face_that_is_no_stranger_is_not_shown(estate: Estate) -> None:
    assert estate.hears("person.seen", "gate-in", person={"list": "allow"}) == []


def test_a_door_held_open_is_an_alert_until_it_is_closed(estate: Estate) -> None:
    estate.hears("door.held_open", "gate-in", door="1", active=True)
    assert estate.alert("door_held_open").severity == "high"
    estate.hears("door.closed", "gate-in", door="1")
    assert estate.alerts() == []


def test_another_devices_word_on_the_same_door_ends_nothing(estate: Estate) -> None:
    estate.hears("door.held_open", "gate-in", door="1", active=True)
    estate.hears("door.held_open", "gate-out", door="2", active=False)
    assert estate.alerts() == ["door_held_open"]


def test_a_forced_door_stays_on_the_board_when_it_falls_shut(estate: Estate) -> None:
    estate.hears("door.forced", "gate-in", door="1", active=True)
    estate.hears("door.closed", "gate-in", door="1")
    assert estate.alerts() == ["door_forced"]
    estate.hears("door.forced", "gate-in", door="1", active=False)
    assert estate.alerts() == []


def test_a_doors_state_follows_the_newest_word(estate: Estate) -> None:
    estate.hears("door.opened", "gate-in", door="1")
    assert estate.facts.doors["east"].open
    assert estate.hears("door.closed", "gate-in", door="1", sequence=0) == []
    assert estate.hears("door.closed", "gate-in", door="1", delivery="backlog", ago=HOUR) == []
    assert [type(effect) for effect in estate.hears("door.locked", "gate-in", door="1")] == [DoorBecomes]
    assert (estate.facts.doors["east"].open, estate.facts.doors["east"].locked) == (True, True)
