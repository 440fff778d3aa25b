"""Devices that fall silent and come back, alone or with the switch that they hang behind."""

from hub.core.records import Alert
from hub.rules import acts
from hub.rules.silence import silent_ones
from tests.rules.made import HOUR, WANG, Estate


def silent(estate: Estate, *devices: str) -> None:
    for device in devices:
        estate.hears("device.offline", device, cause="silence")


def back(estate: Estate, *devices: str) -> None:
    for device in devices:
        estate.hears("device.online", device, cause="connect")


def cabinet(estate: Estate) -> Alert:
    """The one alert there is."""
    (alert,) = estate.facts.alerts.values()
    assert alert.kind == "link_offline"
    return alert


def test_a_silent_device_is_an_alert_and_back_clears_it(estate: Estate) -> None:
    estate.hears("device.offline", "gate-in", cause="silence")
    assert (estate.alert("device_offline").severity, estate.alert("device_offline").label) == ("medium", "gate-in")
    estate.hears("device.online", "gate-in", cause="connect")
    assert estate.alerts() == []


def test_back_by_an_older_word_clears_nothing(estate: Estate) -> None:
    estate.hears("device.offline", "gate-in", cause="silence", sequence=9)
    assert estate.hears("device.online", "gate-in", cause="connect", sequence=8) == []
    assert estate.hears("device.online", "gate-out", cause="connect") == []


def test_a_silent_panel_is_high_even_when_that_is_told_late(estate: Estate) -> None:
    estate.hears("device.offline", "panel", cause="silence", ago=HOUR)
    assert estate.alert("panel_offline").severity == "high"


def test_a_silent_gate_told_late_is_not_shown(estate: Estate) -> None:
    assert estate.hears("device.offline", "gate-in", cause="lwt", ago=HOUR) == []


def test_a_switch_that_dies_is_one_alert_that_names_what_it_takes_away(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2", "lane-3")
    alert = cabinet(estate)
    assert (alert.details["link"], alert.details["of"]) == ("cabinet", "4")
    assert silent_ones(alert) == ["lane-1", "lane-2", "lane-3"]
    assert (alert.severity, alert.count, alert.device) == ("medium", 1, "")


def test_it_lasts_until_the_last_of_them_is_back(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2", "lane-3")
    back(estate, "lane-2", "lane-1")
    assert silent_ones(cabinet(estate)) == ["lane-3"]
    back(estate, "lane-3")
    assert estate.alerts() == []


def test_one_device_alone_behind_a_switch_is_its_own_alert(estate: Estate) -> None:
    silent(estate, "lane-1")
    assert estate.alerts() == ["device_offline"]
    back(estate, "lane-1")
    silent(estate, "lane-2", "gate-in")
    assert estate.alerts() == ["device_offline", "device_offline"], "the other one hangs elsewhere"


def test_a_panel_among_them_asks_for_a_hand_anew_and_is_high(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2")
    estate.does(acts.take_alert(estate.facts, cabinet(estate).id, WANG, estate.now))
    silent(estate, "lane-3")
    assert cabinet(estate).handling == "taken"
    silent(estate, "lane-panel")
    assert (cabinet(estate).severity, cabinet(estate).lane, cabinet(estate).handling) == ("high", "life", "unanswered")


def test_a_panel_that_was_first_keeps_the_alert_high(estate: Estate) -> None:
    silent(estate, "lane-panel", "lane-1")
    assert (cabinet(estate).severity, cabinet(estate).lane) == ("high", "life")


def test_words_of_two_lanes_may_overtake_one_another(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2")
    estate.hears("device.offline", "lane-panel", cause="silence", sequence=90)
    estate.hears("device.online", "lane-1", cause="connect", sequence=80)
    assert silent_ones(cabinet(estate)) == ["lane-2", "lane-panel"]
    estate.hears("device.offline", "lane-1", cause="silence", sequence=100)
    estate.hears("device.online", "lane-1", cause="connect", sequence=95)
    estate.hears("device.offline", "lane-1", cause="silence", sequence=95)
    assert silent_ones(cabinet(estate)) == ["lane-2", "lane-panel", "lane-1"]


def test_what_was_finished_by_hand_begins_again_with_the_next_silence(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2")
    estate.does(acts.finish_alert(estate.facts, cabinet(estate).id, WANG, estate.now))
    back(estate, "lane-1")
    assert estate.alerts() == []
    silent(estate, "lane-3")
    assert estate.alerts() == ["device_offline"]


def test_late_news_of_a_gate_joins_nothing(estate: Estate) -> None:
    silent(estate, "lane-1", "lane-2")
    estate.hears("device.offline", "lane-3", cause="lwt", ago=HOUR)
    assert silent_ones(cabinet(estate)) == ["lane-1", "lane-2"]
