"""The kill loop's check finds each kind of fault that is planted, and nothing where all is well."""

from collections import Counter
from copy import deepcopy

import pytest

from chaos.check import COLUMNS, Asked, Notice, Outside, Stored, Thing, check
from chaos.plan import KILLS_A_LIFE, lives, plan

PASSAGE = Thing("gate-e1", "access.granted", "C-1")
FIRE = Thing("fire-b3", "fire.alarm", "zone/217/point/6")
PARCEL, VISIT, ALARM = Asked("parcel", "CH1"), Asked("visit", "70001"), Asked("fire", "zone/217/point/6")


@pytest.fixture
def outside() -> Outside:
    return Outside(
        sent=Counter({PASSAGE: 1, FIRE: 1}),
        told=Counter({PASSAGE: 1, FIRE: 1}),
        states={PARCEL: frozenset({"collected"}), VISIT: frozenset({"open"}), ALARM: frozenset({"active"})},
        commands=[("gate-e1", "c1"), ("locker-2", "c1"), ("locker-2", "c2")],
        notices=[Notice("pickup CH1", "pickup/p1/webhook"), Notice("pickup CH1", "pickup/p1/webhook")],
        must_fire={"overstay/v1"},
        must_not_fire={"overstay/v2"},
    )


@pytest.fixture
def stored() -> Stored:
    return Stored(
        things=Counter({PASSAGE: 1, FIRE: 1}),
        states={PARCEL: ["collected"], VISIT: ["open"], ALARM: ["active"]},
        fired=Counter({("overstay/v1", "12:00"): 1, ("fade/x", "12:00"): 1, ("fade/x", "12:30"): 1}),
        waiting={"reminder/p2/pickup_reminder_24h"},
        must_wait={"reminder/p2/pickup_reminder_24h"},
        notices=[Notice("pickup p1 webhook", "pickup/p1/webhook"), Notice("pickup p1 desk", "pickup/p1/desk")],
    )


def faults(outside: Outside, stored: Stored) -> dict[str, int]:
    counts = check(outside, stored).counts
    return {column: counts[column] for column in COLUMNS if counts[column]}


def test_where_all_is_well_it_finds_nothing(outside: Outside, stored: Stored) -> None:
    assert faults(outside, stored) == {}
    assert check(outside, stored).counts["sent"] == 2


def test_what_was_told_yes_and_is_not_there_is_lost(outside: Outside, stored: Stored) -> None:
    del stored.things[PASSAGE]
    assert faults(outside, stored) == {"lost": 1}


def test_two_equal_things_are_two(outside: Outside, stored: Stored) -> None:
    outside.sent[PASSAGE] = outside.told[PASSAGE] = 3
    assert faults(outside, stored) == {"lost": 2}


def test_what_was_sent_and_never_told_yes_may_be_there_or_not(outside: Outside, stored: Stored) -> None:
    del outside.told[PASSAGE]
    assert faults(outside, stored) == {}
    del stored.things[PASSAGE]
    assert faults(outside, stored) == {}


def test_what_is_stored_more_often_than_it_happened_is_twice(outside: Outside, stored: Stored) -> None:
    stored.things[FIRE] = 3
    assert faults(outside, stored) == {"twice": 2}


def test_what_nobody_sent_is_wrong(outside: Outside, stored: Stored) -> None:
    stored.things[Thing("gate-e1", "access.granted", "C-9")] = 1
    assert faults(outside, stored) == {"wrong": 1}


@pytest.mark.parametrize("found", [[], ["stored"], ["collected", "collected"]], ids=["none", "other", "two"])
def test_a_record_that_is_not_what_its_device_said_last_is_wrong(
    outside: Outside, stored: Stored, found: list[str]
) -> None:
    stored.states[PARCEL] = found
    assert faults(outside, stored) == {"wrong": 1}


def test_a_fire_without_its_alert_is_wrong(outside: Outside, stored: Stored) -> None:
    del stored.states[ALARM]
    assert faults(outside, stored) == {"wrong": 1}


def test_a_deadline_that_fired_twice_is_found(outside: Outside, stored: Stored) -> None:
    stored.fired["overstay/v1", "12:00"] = 2
    assert faults(outside, stored) == {"deadlines_wrong": 1}


def test_deadlines_that_were_missed_are_found(outside: Outside, stored: Stored) -> None:
    del stored.fired["overstay/v1", "12:00"]
    assert faults(outside, stored) == {"deadlines_wrong": 1}
    stored.overdue.add("overstay/v1")  # the same one, once
    assert faults(outside, stored) == {"deadlines_wrong": 1}
    stored.waiting.clear()
    assert faults(outside, stored) == {"deadlines_wrong": 2}


def test_a_deadline_that_fired_though_it_was_cleared_is_found(outside: Outside, stored: Stored) -> None:
    stored.fired["overstay/v2", "12:00"] = 1
    assert faults(outside, stored) == {"deadlines_wrong": 1}


def test_two_keys_for_one_cause_are_found_outside_and_inside(outside: Outside, stored: Stored) -> None:
    outside.notices.append(Notice("pickup CH1", "pickup/p9/webhook"))
    assert faults(outside, stored) == {"notices_two_keys": 1}
    stored.notices.append(Notice("pickup p1 desk", "pickup/p9/desk"))
    assert faults(outside, stored) == {"notices_two_keys": 2}


def test_a_command_twice_on_the_wire_is_found(outside: Outside, stored: Stored) -> None:
    outside.commands.append(("locker-2", "c2"))
    assert faults(outside, stored) == {"commands_twice": 1}


def test_unknown_outcomes_are_counted(outside: Outside, stored: Stored) -> None:
    stored.unknown.append("door.open c1 at gate-e1")
    assert faults(outside, stored) == {"outcomes_unknown": 1}


def test_it_changes_nothing_of_what_it_was_given(outside: Outside, stored: Stored) -> None:
    before = deepcopy((outside, stored))
    check(outside, stored)
    assert (outside, stored) == before


def test_a_seed_always_draws_the_same_kills() -> None:
    assert plan(60, 1) == plan(60, 1)
    assert plan(60, 1) != plan(60, 2)
    assert plan(30, 1) == plan(60, 1)[:30]
    assert {kill.target for kill in plan(60, 1)} == {"hub", "host", "broker", "both"}


def test_a_building_lives_for_so_many_kills() -> None:
    drawn = plan(60, 1)
    assert [len(life) for life in lives(drawn)] == [KILLS_A_LIFE, KILLS_A_LIFE, 60 - 2 * KILLS_A_LIFE]
    assert [len(life) for life in lives(drawn[:21])] == [11, 10]
    assert [kill for life in lives(drawn) for kill in life] == drawn
