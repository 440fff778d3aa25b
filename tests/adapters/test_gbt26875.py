"""What a fire room relies on when a panel speaks GB/T 26875.3: every bit is an event, nothing is told no in vain."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.adapters.gbt26875 import ADAPTER
from hub.core.adapter import Adapter, CommandOutcome, DeviceContext, Encoded, Frame, Unsupported
from hub.core.commands import Command, DutyCheck, OpenDoor, SetClock
from hub.core.events import Event
from tests.adapters.gbt26875_frames import (
    CENTRE,
    CHINA,
    LABEL,
    PANEL,
    T,
    component,
    decode,
    device,
    events,
    framed,
    objects,
    said,
    system,
    tag,
    yes,
)


def data_of(event: Event) -> dict[str, object]:
    return event.data.model_dump(exclude_none=True)


def test_a_smoke_alarm_names_its_point_as_the_panel_does() -> None:
    (alarm,) = events(2, component(0x0002))
    assert (alarm.type, alarm.lane, alarm.delivery, alarm.clock) == ("fire.alarm", "life", "live", "device")
    assert (alarm.subject, alarm.time, alarm.vendorcode) == ("zone/12/point/34", T, "gb:2/b1")
    assert data_of(alarm) == {
        "active": True,
        "zone": "12",
        "point": "34",
        "panel_label": LABEL,
        "detector": "smoke",
        "coincidence": "none",
    }


@pytest.mark.parametrize(
    ("kind", "detector"),
    [(0, "unknown"), (23, "manual_call_point"), (24, "hydrant_button"), (31, "heat"), (51, "multi"), (61, "flame"),
     (96, "flow_switch"), (137, "sounder"), (200, "unknown")],
)  # fmt: skip
def test_the_component_type_says_what_kind_of_detector(kind: int, detector: str) -> None:
    assert data_of(events(2, component(2, kind=kind))[0])["detector"] == detector


def test_an_alarm_bit_is_an_alarm_whatever_the_normal_bit_says() -> None:
    for word in (0x0002, 0x0003):
        assert said(events(2, component(word))) == [("fire.alarm", "gb:2/b1")]
    assert said(events(2, component(0x0002), test_bit=True)) == [
        ("fire.test", "gb:2/b0"),
        ("fire.alarm", "gb:2/b1"),
    ]


def test_every_component_bit_is_an_event() -> None:
    assert said(events(2, component(0x03FF))) == [
        ("fire.alarm", "gb:2/b1"),
        ("fire.trouble", "gb:2/b2"),
        ("fire.disablement", "gb:2/b3"),
        ("fire.supervisory", "gb:2/b4"),
        ("fire.activation", "gb:2/b5"),
        ("fire.feedback", "gb:2/b6"),
        ("fire.trouble", "gb:2/b8"),
        ("device.reported", "gb:2/b9"),
        ("fire.mode_changed", "gb:2/b7"),
    ]


@pytest.mark.parametrize("word", [0x0000, 0x0001])
def test_a_word_with_no_bit_set_is_quiet(word: int) -> None:
    assert said(events(2, component(word))) == [("fire.normal", "gb:2")]
    assert said(events(1, system(word))) == [("fire.normal", "gb:1"), ("fire.mode_changed", "gb:1")]
    assert said(events(21, bytes([word]) + tag(T))) == [("fire.normal", "gb:21")]


def test_a_test_isnt_quiet_where_the_device_says_test_with_bit_0() -> None:
    assert said(events(2, component(0), test_bit=True)) == [("fire.test", "gb:2/b0")]
    assert said(events(2, component(1), test_bit=True)) == [("fire.normal", "gb:2")]


def test_a_component_that_counts_down_is_not_at_rest() -> None:
    (mode,) = events(2, component(0x0081))
    assert mode.type == "fire.mode_changed"
    assert data_of(mode) == {"zone": "12", "linkage": "auto", "delayed": True, "config_changed": False}


def test_every_system_bit_is_an_event_and_the_mode_is_always_said() -> None:
    found = events(1, system(0xFFFF))
    assert said(found) == [
        ("fire.alarm", "gb:1/b1"),
        ("fire.trouble", "gb:1/b2"),
        ("fire.disablement", "gb:1/b3"),
        ("fire.supervisory", "gb:1/b4"),
        ("fire.activation", "gb:1/b5"),
        ("fire.feedback", "gb:1/b6"),
        ("fire.trouble", "gb:1/b8"),
        ("fire.trouble", "gb:1/b9"),
        ("fire.trouble", "gb:1/b10"),
        ("fire.panel_operated", "gb:1/b13"),
        ("device.reported", "gb:1/b14"),
        ("device.reported", "gb:1/b15"),
        ("fire.mode_changed", "gb:1"),
    ]
    assert {event.subject for event in found} == {"system/1/3"}
    assert [data_of(e)["part"] for e in found if e.type == "fire.trouble"] == [
        "panel",
        "main_power",
        "backup_power",
        "bus",
    ]
    assert data_of(found[9]) == {"operation": "reset"}
    assert data_of(found[-1]) == {"linkage": "manual", "delayed": True, "config_changed": True}


def test_modes_alone_leave_a_system_quiet_and_a_reset_does_not_say_quiet() -> None:
    assert said(events(1, system(0x0801))) == [("fire.normal", "gb:1"), ("fire.mode_changed", "gb:1")]
    assert said(events(1, system(0x2001))) == [("fire.panel_operated", "gb:1/b13"), ("fire.mode_changed", "gb:1")]


def test_the_part_in_trouble_is_named() -> None:
    parts = [data_of(event)["part"] for event in events(21, bytes([0x7D]) + tag(T))]
    assert parts == ["panel", "main_power", "backup_power", "link", "loop"]
    assert [data_of(e)["part"] for e in events(2, component(0x104))] == ["detector", "power"]
    assert data_of(events(2, component(0x004, kind=21))[0])["part"] == "loop"
    assert data_of(events(2, component(0x004, kind=1))[0])["part"] == "panel"


def test_the_transmission_devices_own_alarm_has_no_point() -> None:
    (alarm,) = events(21, bytes([0x03]) + tag(T))
    assert (alarm.type, alarm.subject) == ("fire.alarm", None)
    assert "point" not in data_of(alarm)


def test_operations_name_who_did_them() -> None:
    found = events(4, bytes([1, 3, 0x7F, 7]) + tag(T))
    operations = ["reset", "silence", "manual_alarm", "alarm_clear", "self_test", "acknowledge", "test"]
    assert [data_of(event) for event in found] == [{"operation": o, "operator": "7"} for o in operations]
    (answered,) = events(24, bytes([0x20, 2]) + tag(T))
    assert (answered.subject, data_of(answered)) == (None, {"operation": "duty_check_answered", "operator": "2"})
    assert said(events(24, bytes([0x80, 2]) + tag(T))) == [("device.reported", "gb:24/b7")]
    assert said(events(24, bytes([0x00, 2]) + tag(T))) == [("device.reported", "gb:24")]


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (3, 235, ("temperature", 23.5, "°C")),
        (3, -47, ("temperature", -4.7, "°C")),
        (2, 312, ("height", 3.12, "m")),
        (5, 1013, ("pressure", 101.3, "kPa")),
        (1, 4, ("count", 4.0, "1")),
    ],
)
def test_a_measurement_is_in_its_unit(kind: int, raw: int, expected: tuple[str, float, str]) -> None:
    body = bytes([1, 3, 31, 12, 0, 34, 0, kind]) + raw.to_bytes(2, "little", signed=True) + tag(T)
    (measured,) = events(3, body)
    data = data_of(measured)
    assert (data["quantity"], data["value"], data["unit"]) == expected
    assert (measured.type, measured.lane, measured.subject) == ("fire.measured", "routine", "zone/12/point/34")


def test_an_unknown_quantity_is_still_reported() -> None:
    (event,) = events(3, bytes([1, 3, 31, 12, 0, 34, 0, 130, 5, 0]) + tag(T))
    assert (event.type, event.vendorcode, data_of(event)["text"]) == (
        "device.reported",
        "gb:3/130",
        "analogue type 130: 5",
    )


@pytest.mark.parametrize(
    ("kind", "body", "subject", "what", "text"),
    [
        (5, bytes([1, 3, 2, 14]), "system/1/3", "version", "2.14"),
        (6, bytes([1, 3, 4]) + "两台".encode("gb18030"), "system/1/3", "settings", "两台"),
        (7, bytes([1, 3, 42, 12, 0, 34, 0]) + LABEL.encode("gb18030").ljust(31, b"\0"), "zone/12/point/34",
         "settings", LABEL),
        (8, bytes([1, 3]) + tag(T), "system/1/3", "clock", "2026-03-05 14:07:08"),
        (25, bytes([1, 0]), None, "version", "1.0"),
        (26, b"\x05ready", None, "settings", "ready"),
        (28, tag(T), None, "clock", "2026-03-05 14:07:08"),
    ],
)  # fmt: skip
def test_what_a_device_says_of_itself(kind: int, body: bytes, subject: str | None, what: str, text: str) -> None:
    (event,) = events(kind, body)
    assert (event.type, event.subject, event.lane) == ("device.reported", subject, "life")
    assert data_of(event) == {"what": what, "text": text}


def test_a_label_ends_at_its_first_nul_and_bad_bytes_are_replaced() -> None:
    (event,) = events(2, component(2, label="烟感".encode("gb18030") + b"\xff\x07\0\xc1garbage"))
    assert data_of(event)["panel_label"] == "烟感\ufffd"
    assert "panel_label" not in data_of(events(2, component(2, label=b""))[0])


def test_a_confirm_bears_the_devices_number_and_swapped_addresses() -> None:
    reply = decode(framed(objects(2, component(2)), sequence=513)).reply
    assert reply is not None
    assert reply.payload == yes(sequence=513)


def test_the_three_heartbeats_are_confirmed_and_two_of_them_are_no_event() -> None:
    empty, one_byte, status = framed(b""), framed(b"\x16"), framed(objects(21, b"\x01" + tag(T)))
    for raw, answer in ((empty, b""), (one_byte, b"\x17"), (status, b"")):
        found = decode(raw)
        assert found.reply is not None
        assert found.reply.payload == yes(answer)
        assert found.unreadable is None
        assert bool(found.events) is (raw is status)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (objects(200, b"abc"), "type flag 200"),
        (objects(9, b"abc"), "type flag 9"),
        (objects(91, b"\x0a"), "type flag 91"),
        (b"\x05", "one byte"),
        (bytes([2, 0]) + b"", ""),
        (bytes([2, 1]) + component(2)[:30], "needs 46 bytes, 30 are left"),
        (bytes([6, 1, 1, 3]), "needs 3 bytes, 2 are left"),
        (bytes([2, 1]), "1 objects announced, 0 found"),
    ],
)
def test_what_cant_be_understood_is_confirmed_and_kept(data: bytes, reason: str) -> None:
    found = decode(framed(data))
    assert found.events == ()
    assert found.reply is not None
    assert found.reply.payload[26] == 3
    assert (found.unreadable.reason if found.unreadable else "").find(reason) >= 0
    assert bool(found.unreadable) is bool(reason)


def test_an_alarm_isnt_lost_because_of_what_follows_it() -> None:
    cut = decode(framed(bytes([2, 2]) + component(2) + component(2)[:20]))
    assert said(cut.events) == [("fire.alarm", "gb:2/b1")]
    assert cut.unreadable is not None
    miscounted = decode(framed(bytes([2, 0]) + component(2)))
    assert said(miscounted.events) == [("fire.alarm", "gb:2/b1")]
    assert miscounted.unreadable is not None
    without_time = decode(framed(bytes([2, 1]) + component(2)[:-6]))
    assert said(without_time.events) == [("fire.alarm", "gb:2/b1")]
    assert without_time.unreadable is not None


@pytest.mark.parametrize("command", [0, 7, 128, 255])
def test_a_command_that_no_device_gives_is_denied(command: int) -> None:
    found = decode(framed(objects(91, b"\x0a"), command=command))
    assert found.events == ()
    assert found.unreadable is not None
    assert found.reply is not None
    assert found.reply.payload == yes(command=6)


@pytest.mark.parametrize("command", [1, 4])
def test_what_a_centre_tells_a_device_is_kept_when_it_is_heard_here(command: int) -> None:
    found = decode(framed(objects(91, b"\x0a"), command=command))
    assert said(found.events) == [("device.reported", f"gb:command {command}/91")]
    assert found.unreadable is None
    assert found.reply is not None
    assert found.reply.payload == yes()


def test_a_resend_is_the_same_event_and_a_second_alarm_is_not() -> None:
    first = decode(framed(objects(2, component(2)))).events
    resent = decode(framed(objects(2, component(2)), sequence=88, sent=tag(T + timedelta(seconds=10)))).events
    later = decode(framed(objects(2, component(2, at=T + timedelta(seconds=10))))).events
    assert first[0].id == resent[0].id != later[0].id


def test_two_alike_objects_of_one_frame_are_two_events_and_stay_so_when_resent() -> None:
    twice = events(2, component(2), component(0x0100, point=35), component(2))
    assert len({event.id for event in twice}) == 3
    assert [e.id for e in events(2, component(2), component(2))] == [twice[0].id, twice[2].id]


def test_bits_of_one_word_are_different_events() -> None:
    found = events(1, system(0xFFFF)) + events(4, bytes([1, 3, 0xFF, 7]) + tag(T))
    assert len({event.id for event in found}) == len(found)


def test_a_record_without_time_is_known_by_its_frame() -> None:
    def ids(sequence: int, sent: bytes, received: datetime = T) -> UUID:
        raw = framed(objects(2, component(2, time=b"\0" * 6)), sequence=sequence, sent=sent)
        (event,) = decode(raw, received).events
        assert (event.time, event.clock) == (received, "hub")
        return event.id

    later = T + timedelta(seconds=10)
    assert ids(1, tag(T)) == ids(1, tag(T), later)
    assert len({ids(1, tag(T)), ids(2, tag(T)), ids(1, tag(later))}) == 3
    assert ids(1, b"\0" * 6) != ids(1, b"\0" * 6, later), "nothing tells them apart: better a second line"


@pytest.mark.parametrize("time", [b"\0" * 6, bytes([0, 0, 0, 1, 13, 26]), bytes([60, 0, 0, 1, 1, 26]), b"\xff" * 6])
def test_an_impossible_time_is_no_error(time: bytes) -> None:
    found = decode(framed(objects(2, component(2, time=time))))
    assert [event.clock for event in found.events] == ["hub"]
    assert found.unreadable is None


def test_what_happened_a_minute_before_it_was_sent_is_a_backlog() -> None:
    (old,) = events(2, component(2, at=T - timedelta(seconds=61)))
    (fresh,) = events(2, component(2, at=T - timedelta(seconds=60)))
    assert (old.delivery, fresh.delivery) == ("backlog", "live")


def test_a_wrong_clock_is_suspect_and_makes_no_backlog() -> None:
    wrong = T - timedelta(days=3285)
    (event,) = decode(framed(objects(2, component(2, at=wrong)), sent=tag(wrong))).events
    assert (event.delivery, event.clock, event.time) == ("live", "suspect", wrong)


def duty_check(minutes: int = 15) -> Command:
    return DutyCheck(id=UUID(int=1), site="site", device="fire-b3", expires=T, by="post/desk", minutes=minutes)


def test_a_duty_check_and_its_answer_find_each_other() -> None:
    told = ADAPTER.encode(duty_check(), device(centre=CENTRE), 65536 + 7, T)
    assert isinstance(told, Encoded)
    expected = framed(
        objects(91, b"\x0f"), command=1, sequence=7, source=CENTRE, destination=PANEL, version=b"\x01\x01"
    )
    assert [frame.payload for frame in told.frames] == [expected]
    assert decode(framed(b"", command=3, sequence=7)).outcomes == (CommandOutcome(ref=told.ref, done=True),)
    refused = decode(framed(b"", command=6, sequence=7))
    assert refused.outcomes == (CommandOutcome(ref=told.ref, done=False, result="denied"),)
    assert refused.reply is None, "an answer is not answered"


def test_the_clock_is_set_in_the_devices_zone() -> None:
    told = ADAPTER.encode(SetClock(id=UUID(int=1), site="site", device="fire-b3", expires=T, by="hub"), device(), 3, T)
    assert isinstance(told, Encoded)
    assert told.frames[0].payload[27:-3] == bytes([90, 1, 8, 7, 14, 5, 3, 26])


def test_a_panel_can_be_told_nothing_else() -> None:
    door = OpenDoor(id=UUID(int=1), site="site", device="fire-b3", expires=T, by="post/desk", door="1")
    assert isinstance(ADAPTER.encode(door, device(), 1, T), Unsupported)
    assert ADAPTER.commands == {"panel.duty_check", "device.set_clock"}


@pytest.mark.parametrize("name", ["fire-b3", "", "²", str(2**48)])
def test_a_misdeclared_address_is_said(name: str) -> None:
    misdeclared = DeviceContext(site="site", id="fire-b3", address=name, time_zone=CHINA)
    assert isinstance(ADAPTER.encode(duty_check(), misdeclared, 1, T), Unsupported)


def test_data_that_nobody_asked_for_is_not_dropped() -> None:
    found = decode(framed(objects(2, component(2)), command=5, sequence=7))
    assert said(found.events) == [("fire.alarm", "gb:2/b1")]
    assert found.events[0].delivery == "snapshot"
    assert found.outcomes == (CommandOutcome(ref="7", done=True),)
    assert found.reply is None


def test_the_address_is_the_source_in_decimal() -> None:
    assert ADAPTER.address(Frame(payload=framed(b"", source=3456), received=T), "site") == "3456"
    assert ADAPTER.address(Frame(payload=b"GET / HTTP/1.1", received=T), "site") is None


CENTURY = datetime(2000, 1, 2, tzinfo=UTC)
moments = st.integers(0, 99 * 365 * 86400).map(lambda seconds: CENTURY + timedelta(seconds=seconds))
words = st.integers(0, 0xFFFF)


@settings(deadline=None, derandomize=True)
@given(words, words, words, st.integers(0, 255), moments)
def test_a_component_word_says_exactly_its_bits(word: int, zone: int, point: int, kind: int, at: datetime) -> None:
    found = events(2, component(word, zone=zone, point=point, kind=kind, at=at))
    codes = [f"gb:2/b{bit}" for bit in range(1, 16) if word >> bit & 1]
    assert sorted(str(event.vendorcode) for event in found) == sorted(codes or ["gb:2"])
    assert {event.subject for event in found} == {f"zone/{zone}/point/{point}"}
    assert {event.time for event in found} == {at}


def test_it_is_one_adapter_of_this_name() -> None:
    assert isinstance(ADAPTER, Adapter)
    assert ADAPTER.name == "gbt26875"
