"""A stored parcel is told to its recipient, reminded of, and closed when it is collected."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.effects import SendCommand, SendNotice
from tests.rules.made import DAY, HOUR, MINUTE, OWNER, SECOND, Estate, T, commands, deadlines, notices


def test_a_stored_parcel_is_told_with_a_code_that_the_locker_gets_too(estate: Estate) -> None:
    stored = estate.stores()
    put = estate.only(e.record.command for e in stored if isinstance(e, SendCommand))
    sent = [e.notice for e in stored if isinstance(e, SendNotice)]
    assert put.kind == "pickup.put"
    assert {notice.params["code"] for notice in sent} == {put.code}
    assert [(n.channel, n.to, n.person) for n in sent] == [("desk", "", "p1"), ("webhook", OWNER.phone, "p1")]
    assert estate.facts.code_hash(estate.parcel.id, put.code) == estate.parcel.code_hash


def test_a_notice_names_things_in_its_own_language(estate: Estate) -> None:
    estate.facts.people["p1"] = replace(OWNER, language="en")
    stored = estate.stores()
    assert {(n.notice.language, n.notice.params["locker"]) for n in stored if isinstance(n, SendNotice)} == {
        ("en", "Locker")
    }


def test_where_the_locker_makes_its_own_codes_the_hub_makes_none(estate: Estate) -> None:
    stored = estate.stores("own-codes")
    assert commands(stored) == []
    assert all("code" not in e.notice.params for e in stored if isinstance(e, SendNotice))
    assert notices(stored)


def test_an_undeclared_locker_gets_no_command(estate: Estate) -> None:
    assert commands(estate.stores("unknown.locker_mqtt.x")) == []


def test_a_parcel_for_nobody_known_still_reaches_the_phone_on_it(estate: Estate) -> None:
    stored = estate.stores(recipient={"phone": "13711112222"})
    assert [(e.notice.channel, e.notice.to) for e in stored if isinstance(e, SendNotice)][1] == (
        "webhook",
        "13711112222",
    )


def test_reminders_are_set_for_one_three_and_seven_days(estate: Estate) -> None:
    waits = deadlines(estate.stores())
    assert sorted(d.due - estate.parcel.stored_at for d in waits.values()) == [DAY, 3 * DAY, 7 * DAY]


def test_reminders_remind_and_the_last_is_an_alert(estate: Estate) -> None:
    estate.stores()
    key = f"reminder/{estate.parcel.id}"
    assert ("pickup_reminder_24h", "webhook") in notices(estate.reaches(f"{key}/pickup_reminder_24h"))
    early = estate.parcel.overdue
    assert ("pickup_reminder_72h", "webhook") in notices(estate.reaches(f"{key}/pickup_reminder_72h"))
    assert (early, estate.parcel.overdue) == (False, True)
    estate.reaches(f"{key}/pickup_overdue_7d", later=HOUR)
    assert (estate.parcel.reminders, estate.alerts()) == (3, ["parcel_overdue"])


def test_collected_closes_the_parcel_and_clears_what_waited_for_it(estate: Estate) -> None:
    estate.stores()
    estate.reaches(f"reminder/{estate.parcel.id}/pickup_overdue_7d")
    estate.collects(by="proxy")
    assert (estate.parcel.state, estate.parcel.taken_by, estate.parcel.code_hash) == ("collected", "proxy", None)
    assert (estate.facts.deadlines, estate.alerts()) == ({}, [])


def test_withdrawn_closes_it_too(estate: Estate) -> None:
    estate.stores()
    estate.hears("parcel.withdrawn", "locker", compartment="12", by="courier")
    assert (estate.parcel.state, estate.parcel.taken_by) == ("withdrawn", "courier")


def test_a_parcel_told_late_is_notified_once_after_the_late_run(estate: Estate) -> None:
    late = estate.stores(delivery="backlog", ago=HOUR)
    wait = estate.only(deadlines(late).values())
    assert (notices(late), commands(late)) == ([], [])
    assert (wait.absence, wait.devices, wait.due) == (True, ("locker",), estate.now + 30 * SECOND)
    assert commands(estate.reaches(wait.key)) == [("pickup.put", "locker")]
    assert ("pickup", "webhook") in notices(estate.last)
    assert estate.parcel.notified


def test_what_is_notified_is_not_notified_again(estate: Estate) -> None:
    wait = deadlines(estate.stores(delivery="backlog", ago=HOUR)).popitem()[1]
    estate.reaches(wait.key)
    estate.facts.deadlines[wait.key] = wait
    assert estate.reaches(wait.key) == []


def test_a_parcel_stored_and_collected_while_the_locker_was_away_is_told_to_nobody(estate: Estate) -> None:
    estate.stores(delivery="backlog", ago=HOUR)
    estate.collects(delivery="backlog", ago=MINUTE)
    assert (estate.parcel.state, estate.facts.deadlines) == ("collected", {})


def test_who_hears_of_an_old_parcel_only_now_is_not_reminded_in_the_same_minute(estate: Estate) -> None:
    estate.stores(delivery="backlog", ago=8 * DAY)
    waits = deadlines(estate.reaches(f"notify/{estate.parcel.id}"))
    assert [d.due - estate.now for d in waits.values()] == [DAY]
    assert estate.parcel.overdue


def test_an_older_collect_never_closes_a_newer_parcel_in_the_same_compartment(estate: Estate) -> None:
    estate.stores()
    assert estate.collects(delivery="backlog", ago=HOUR) == []
    assert estate.parcel.state == "stored"


@pytest.mark.parametrize("delivery", ["live", "backlog"])
def test_a_parcel_whose_end_was_received_before_its_beginning_is_over(estate: Estate, delivery: str) -> None:
    """What a locker says again, since nobody answered, is overtaken by what it says meanwhile."""
    label = {"tracking": "SF4455667788"}
    estate.collects(parcel=label, shows=T + 4 * SECOND)
    assert (estate.parcel.state, estate.parcel.taken_at) == ("collected", estate.now)
    stored = estate.stores(shows=T, delivery=delivery)
    parcel = estate.parcel
    assert (parcel.state, parcel.person, parcel.compartment) == ("collected", "p1", "12")
    assert parcel.taken_at
    assert parcel.stored_at <= parcel.taken_at
    assert (notices(stored), commands(stored), estate.facts.deadlines) == ([], [], {})
    assert estate.collects(parcel=label, shows=T + 4 * SECOND) == []
    estate.stores(shows=T + HOUR)  # the same number again, later: it lies there again
    assert sorted(p.state for p in estate.facts.parcels.values()) == ["collected", "stored"]


def test_a_beginning_that_was_overtaken_does_not_drive_out_what_was_stored_after_it(estate: Estate) -> None:
    estate.stores(parcel={"tracking": "YT2"}, shows=T + 9 * SECOND)
    there = estate.parcel
    estate.stores(shows=T)
    assert estate.facts.parcels[there.id].state == "stored"


def test_a_late_collect_closes_the_parcel_that_was_there_then(estate: Estate) -> None:
    estate.stores()
    first = estate.parcel.id
    estate.passes(2 * HOUR)
    estate.stores(parcel={"tracking": "YT1"})
    missing = estate.alerts()
    estate.collects(delivery="backlog", ago=HOUR)
    assert {p.id == first: p.state for p in estate.facts.parcels.values()} == {True: "collected", False: "stored"}
    assert (missing, estate.alerts()) == (["parcel_missing"], [])


def test_another_parcel_in_the_same_compartment_means_that_the_first_is_gone(estate: Estate) -> None:
    estate.stores()
    first = estate.parcel.id
    stored = estate.stores(parcel={"tracking": "YT1"})
    gone = estate.facts.parcels.pop(first)
    assert (gone.state, gone.taken_by, gone.taken_at, gone.code_hash) == ("withdrawn", "unknown", estate.now, None)
    assert estate.alert("parcel_missing").details == {"parcel": first}
    assert (estate.alert("parcel_missing").severity, estate.alert("parcel_missing").label) == ("medium", "12")
    assert not [key for key in estate.facts.deadlines if first in key]
    assert commands(stored) == [("pickup.remove", "locker"), ("pickup.put", "locker")]
    assert estate.parcel.state == "stored"


def test_the_next_compartment_and_the_next_locker_are_other_places(estate: Estate) -> None:
    estate.stores()
    estate.stores(compartment="13", parcel={"tracking": "YT1"})
    estate.stores("own-codes", parcel={"tracking": "YT2"})
    assert [p.state for p in estate.facts.parcels.values()] == ["stored"] * 3
    assert estate.alerts() == []


def test_the_same_number_in_its_compartment_is_the_same_parcel_and_tells_nobody_twice(estate: Estate) -> None:
    estate.stores()
    first = estate.parcel
    again = estate.stores(recipient={"unit": "3-1-702"}, size="M")
    assert (notices(again), commands(again)) == ([], [("pickup.put", "locker")])
    assert (estate.parcel.id, estate.parcel.size, estate.parcel.phone) == (first.id, "M", first.phone)
    assert (estate.parcel.stored_at, estate.parcel.code_hash) == (first.stored_at, first.code_hash)


def test_the_same_parcel_that_was_never_told_is_told_now(estate: Estate) -> None:
    estate.stores(delivery="backlog", ago=HOUR)
    again = estate.stores()
    assert ("pickup", "webhook") in notices(again)
    assert not [key for key in estate.facts.deadlines if key.startswith("notify/")]


def test_late_news_of_another_parcel_closes_the_first_without_an_alert(estate: Estate) -> None:
    estate.stores(delivery="backlog", ago=2 * HOUR)
    first = estate.parcel.id
    late = estate.stores(delivery="backlog", ago=HOUR, parcel={"tracking": "YT1"})
    assert (estate.facts.parcels[first].taken_by, estate.alerts(), commands(late)) == ("unknown", [], [])


def test_late_news_of_an_older_parcel_closes_nothing(estate: Estate) -> None:
    estate.stores()
    first = estate.parcel.id
    estate.stores(delivery="backlog", ago=HOUR, parcel={"tracking": "YT1"})
    assert estate.facts.parcels[first].state == "stored"


def test_a_collect_that_names_another_parcel_closes_none(estate: Estate) -> None:
    estate.stores()
    there = estate.parcel
    told = estate.collects(parcel={"tracking": "YT1"})
    assert estate.facts.parcels[there.id] == there
    assert (notices(told), commands(told), estate.alerts()) == ([], [], [])


def test_a_number_is_enough_without_a_compartment(estate: Estate) -> None:
    estate.stores()
    estate.collects(compartment=None, parcel={"tracking": "SF4455667788"})
    assert estate.parcel.state == "collected"


@pytest.mark.parametrize(("ago", "state"), [(20 * SECOND, "collected"), (HOUR, "stored")])
def test_a_parcel_received_after_it_was_collected_is_closed_by_its_number(
    estate: Estate, ago: timedelta, state: str
) -> None:
    estate.stores(ago=30 * SECOND)  # live, and resent until the hub was there again: it counts as of then
    estate.collects(delivery="backlog", ago=ago, parcel={"tracking": "SF4455667788"})
    assert estate.parcel.state == state


def test_who_took_a_parcel_is_kept_though_the_next_one_there_was_heard_of_first(estate: Estate) -> None:
    estate.stores()
    first = estate.parcel.id
    estate.stores(parcel={"tracking": "YT1"})
    estate.collects(parcel={"tracking": "SF4455667788"})
    assert (estate.facts.parcels[first].state, estate.alerts()) == ("collected", [])


@pytest.mark.parametrize("delivery", ["live", "backlog"])
def test_a_parcel_that_came_while_the_hubs_clock_was_ahead_is_closed_by_who_takes_it(
    estate: Estate, delivery: str
) -> None:
    estate.passes(3 * DAY)
    estate.stores(shows=T, clock="suspect")
    estate.passes(-3 * DAY)
    estate.collects(shows=T + SECOND, delivery=delivery)
    assert (estate.parcel.state, estate.facts.deadlines) == ("collected", {})


def test_a_clock_that_was_behind_makes_no_older_collect_a_newer_one(estate: Estate) -> None:
    estate.passes(-DAY)
    estate.stores(shows=T, clock="suspect")
    estate.passes(DAY)
    estate.collects(shows=T - MINUTE, delivery="backlog")
    assert estate.parcel.state == "stored"


def test_what_is_said_live_closes_a_parcel_though_its_lockers_clock_was_set_back(estate: Estate) -> None:
    estate.stores()
    estate.collects(shows=T - 9000 * DAY, clock="suspect")
    assert estate.parcel.state == "collected"


def test_by_its_number_who_took_it_is_kept_though_the_hubs_clock_was_behind_when_the_next_one_came(
    estate: Estate,
) -> None:
    estate.stores(shows=T)
    first = estate.parcel.id
    estate.passes(-DAY)
    estate.stores(parcel={"tracking": "YT1"}, shows=T + 9 * SECOND, clock="suspect")
    estate.passes(DAY)
    estate.collects(parcel={"tracking": "SF4455667788"}, shows=T + 5 * SECOND)
    assert estate.facts.parcels[first].state == "collected"


def test_an_older_parcel_told_after_a_newer_one_closes_nothing_and_ends_by_itself(estate: Estate) -> None:
    """A locker with several under way loses an older one, and says it again."""
    estate.passes(3 * DAY)
    estate.stores(parcel={"tracking": "YT2"}, shows=T + 9 * SECOND, clock="suspect")
    newer = estate.parcel
    estate.passes(-3 * DAY)
    estate.stores(shows=T)
    estate.collects(parcel={"tracking": "SF4455667788"}, shows=T + 5 * SECOND)
    assert estate.facts.parcels.pop(newer.id) == newer
    assert (estate.parcel.state, estate.alerts()) == ("collected", [])


@pytest.mark.parametrize(("host", "state"), [("hub-1", "stored"), ("hub-2", "collected")])
def test_sequences_of_different_hosts_are_never_compared(estate: Estate, host: str, state: str) -> None:
    estate.stores(sequence=900)
    estate.collects(sequence=3, host=host)
    assert estate.parcel.state == state


def test_a_snapshot_of_a_parcel_that_is_known_makes_no_second(estate: Estate) -> None:
    estate.stores()
    assert estate.stores(delivery="snapshot") == []


def test_a_locked_keypad_needs_the_desk_and_a_wrong_code_nobody(estate: Estate) -> None:
    assert estate.hears("pickup.refused", "locker", compartment="12", attempts=1) == []
    estate.hears("pickup.refused", "locker", compartment="12", attempts=5, locked_out=True)
    assert estate.alert("pickup_locked").label == "12"


@pytest.mark.parametrize(
    ("condition", "over"),
    [("compartment.left_open", "compartment.closed"), ("compartment.open_failed", "compartment.opened")],
)
def test_a_compartments_condition_ends_with_the_move_that_was_missing(
    estate: Estate, condition: str, over: str
) -> None:
    estate.hears(condition, "locker", compartment="12", active=True)
    assert estate.alerts() == [condition.replace(".", "_")]
    estate.hears(over, "locker", compartment="12")
    assert estate.alerts() == []


def test_a_forced_compartment_is_high_and_ends_when_the_locker_says_so(estate: Estate) -> None:
    estate.hears("compartment.forced", "locker", compartment="12", active=True)
    assert estate.alert("compartment_forced").severity == "high"
    estate.hears("compartment.forced", "locker", compartment="12", active=False)
    assert estate.alerts() == []
