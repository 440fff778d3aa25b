"""Devices in trouble, and what became of commands."""

import pytest

from hub.core.effects import CommandBecomes
from hub.rules import acts
from tests.rules.made import HOUR, WANG, Estate


@pytest.mark.parametrize(
    ("kind", "severity"), [("device.trouble", "low"), ("device.tampered", "high"), ("device.low_battery", "low")]
)
def test_a_devices_condition_lasts_until_it_says_otherwise(estate: Estate, kind: str, severity: str) -> None:
    estate.hears(kind, "locker", active=True, part="cover")
    assert estate.alert(kind.replace(".", "_")).severity == severity
    estate.hears(kind, "locker", active=False, part="cover")
    assert estate.alerts() == []


def test_a_device_that_is_there_and_does_nothing_is_to_be_looked_at(estate: Estate) -> None:
    estate.hears("device.trouble", "gate-in", active=True, part="activity")
    assert estate.alert("device_idle").severity == "low"
    estate.hears("device.trouble", "gate-in", active=False, part="activity")
    assert estate.alerts() == []


def test_a_panels_trouble_is_told_even_late(estate: Estate) -> None:
    estate.hears("device.trouble", "panel", active=True, part="power", delivery="backlog", ago=HOUR)
    assert estate.alert("device_trouble").severity == "medium"


def test_a_wrong_clock_is_shown(estate: Estate) -> None:
    estate.hears("device.clock_wrong", "gate-in", skew=-812.4)
    assert estate.alert("clock_wrong").details == {"skew": "-812"}
    estate.hears("device.clock_wrong", "gate-in", skew=3600.0)
    assert estate.alert("clock_wrong").details == {"skew": "3600"}
    estate.hears("device.clock_wrong", "gate-in", skew=-2.0)
    assert not [alert for alert in estate.facts.alerts.values() if alert.handling != "done"]


def test_a_flood_is_one_alert_and_ends_by_itself(estate: Estate) -> None:
    estate.hears("device.flooding", "gate-in", active=True, let_fall=3)
    estate.hears("device.flooding", "gate-in", active=True, let_fall=900)
    assert estate.alert("device_flooding").severity == "low"
    estate.hears("device.flooding", "gate-in", active=False, let_fall=900)
    assert estate.alerts() == []


def test_a_flood_that_its_host_did_not_live_to_see_the_end_of_is_over_when_the_device_is_heard(estate: Estate) -> None:
    estate.hears("device.flooding", "gate-in", active=True, let_fall=3)
    estate.hears("device.online", "gate-in", cause="connect")
    assert estate.alerts() == []


def test_what_a_panel_says_and_nobody_can_read_needs_a_person(estate: Estate) -> None:
    assert estate.hears("frame.quarantined", "gate-in", reason="x", quarantine="q1") == []
    estate.hears("frame.quarantined", "panel", reason="checksum", quarantine="q2")
    assert estate.alert("panel_unreadable").details == {"reason": "checksum"}


@pytest.mark.parametrize(
    ("kind", "result", "state"),
    [
        ("command.done", "opened", "done"),
        ("command.failed", "denied", "failed"),
        ("command.failed", "no_answer", "unknown"),
        ("command.failed", "connection_lost", "unknown"),
        ("command.failed", "not_sent", "expired"),
    ],
)
def test_a_commands_outcome_is_kept(estate: Estate, kind: str, result: str, state: str) -> None:
    estate.does(acts.command_device(estate.facts, "gate-in", "door.open", "1", "送水", WANG, estate.now, "act-5"))
    command = estate.only(estate.facts.commands)
    assert list(estate.hears(kind, "gate-in", command=command, result=result)) == [
        CommandBecomes(command, state, result)  # type: ignore[arg-type]  # one of the states
    ]
    assert estate.hears(kind, "gate-in", command=command, result=result) == []


def test_an_outcome_of_no_command_changes_nothing(estate: Estate) -> None:
    assert estate.hears("command.done", "gate-in", command="nobody's") == []


def test_a_code_that_did_not_reach_the_locker_is_shown(estate: Estate) -> None:
    estate.stores()
    estate.hears("command.failed", "locker", command=estate.only(estate.facts.commands), result="timeout")
    assert estate.alert("pickup_code_failed").details == {"record": estate.parcel.id, "result": "timeout"}
