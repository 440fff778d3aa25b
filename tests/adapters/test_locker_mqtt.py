"""A locker's messages mean what docs/locker-protocol.md says, and every record is answered kept."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from hub.adapters.locker_mqtt import ADAPTER
from hub.adapters.locker_mqtt.vocabulary import telephone
from hub.core.adapter import CommandOutcome, Decoded, DeviceContext, Encoded, Frame, Unsupported
from hub.core.commands import Command, DutyCheck, OpenCompartment, PutPickup, RemovePickup, Replay, SetClock
from hub.core.device_events import ParcelStored
from hub.core.events import dump_event

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "hub/adapters/locker_mqtt"
SCHEMA = json.loads((FOLDER / "schema.json").read_bytes())
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UP, DOWN = "locker/v1/yangguang/locker-2/up", "locker/v1/yangguang/locker-2/down"
LOCKER = DeviceContext(site="yangguang", id="locker-2", address="locker-2", time_zone=ZoneInfo("Asia/Shanghai"))


def schema_of(part: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{part}"}]})


def decode(message: object, received: datetime = NOW) -> Decoded:
    payload = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    return ADAPTER.decode(Frame(payload, received, topic=UP), LOCKER)


def record(type_name: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_name, "boot": 7, "number": 12, "time": "2026-01-02T11:04:01+08:00", **fields}


def stored(**fields: Any) -> dict[str, Any]:
    return record("parcel.stored", compartment="7", parcel={"tracking": "YT1"}, recipient={"unit": "3-1-702"}, **fields)


def kept(decoded: Decoded) -> dict[str, Any] | None:
    if decoded.reply is None:
        return None
    assert decoded.reply.topic == DOWN
    answer: dict[str, Any] = json.loads(decoded.reply.payload)
    schema_of("down").validate(answer)
    return answer


KEPT = {"type": "kept", "boot": 7, "number": 12}


# the schema, the page and the samples say the same


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_example_of_the_page_is_a_message_of_the_schema() -> None:
    examples = re.findall(r"```json\n(.*?)```", (ROOT / "docs/locker-protocol.md").read_text(), re.DOTALL)
    assert len(examples) >= 8
    for example in examples:
        Draft202012Validator(SCHEMA).validate(json.loads(example))


@pytest.mark.parametrize("path", sorted((FOLDER / "samples").glob("*.in")), ids=lambda path: path.stem)
def test_every_sample_is_a_message_of_the_schema_or_says_why_not(path: Path) -> None:
    is_wrong_on_purpose = path.stem in ("unknown-type", "parcel-stored-masked-phone")
    assert schema_of("up").is_valid(json.loads(path.read_bytes())) is not is_wrong_on_purpose


def test_the_schema_refuses_a_field_that_the_page_does_not_name() -> None:
    assert schema_of("up").is_valid(stored())
    assert not schema_of("up").is_valid(stored(code="384921"))


# kept


def test_a_record_is_answered_kept_by_its_own_boot_and_number() -> None:
    assert kept(decode(stored())) == KEPT


@pytest.mark.parametrize(
    "message",
    [
        record("compartment.opened", compartment=7, cause="courier"),
        record("compartment.opened", compartment="7", cause="cat"),
        record("parcel.stored"),
        {**stored(), "time": "yesterday"},
        {**stored(), "time": "2026-01-02T11:04:01"},
        {**stored(), "parcel": "YT1"},
        {"boot": 7, "number": 12},
        json.dumps({**stored(), "size": "中号"}, ensure_ascii=False).encode("gb18030"),
        json.dumps(stored(), ensure_ascii=True).replace("YT1", "\\ud83d").encode(),
    ],
)
def test_a_record_that_cannot_be_read_is_kept_with_a_reason(message: object) -> None:
    decoded = decode(message)
    assert decoded.unreadable
    assert decoded.unreadable.reason
    assert not decoded.events
    assert kept(decoded) == KEPT


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"[1]",
        b"[" * 100_000,
        b'{"type":"parcel.stored","boot":7,"number":12',
        {**stored(), "boot": True},
        {**stored(), "boot": 2**70},
        {**stored(), "number": 0},
        {**stored(), "number": "12"},
        {"type": "something"},
        {**KEPT},
    ],
)
def test_what_names_no_record_is_quarantined_without_an_answer(message: object) -> None:
    decoded = decode(message)
    assert decoded.unreadable
    assert decoded.reply is None


def test_a_kept_that_an_echoing_bridge_sends_back_is_not_answered() -> None:
    assert decode(KEPT).reply is None


def test_the_reason_names_the_field_and_never_what_it_held() -> None:
    decoded = decode({**stored(), "recipient": {"phone": {"is": "13800000000"}}})
    assert decoded.unreadable
    assert decoded.unreadable.reason == "`parcel.stored.recipient.phone` isn't text"
    decoded = decode({**stored(), "recipient": {"phone": "13800000000 张三"}})
    assert decoded.unreadable
    assert "138" not in decoded.unreadable.reason
    assert "张三" not in decoded.unreadable.reason


# identity and time


def test_a_resend_is_the_same_event_whatever_its_backlog_flag_says() -> None:
    first, again = decode(stored()), decode(stored(backlog=True), NOW + timedelta(hours=3))
    assert first.events[0].id == again.events[0].id
    assert [first.events[0].delivery, again.events[0].delivery] == ["live", "backlog"]


@pytest.mark.parametrize("other", [{"number": 13}, {"boot": 8}, {"time": "2026-01-02T11:04:02+08:00"}])
def test_another_number_boot_or_time_is_another_event(other: dict[str, Any]) -> None:
    assert decode(stored()).events[0].id != decode({**stored(), **other}).events[0].id


def test_a_resend_without_a_time_is_the_same_event() -> None:
    message = stored()
    del message["time"]
    first, again = decode(message), decode(message, NOW + timedelta(hours=1))
    assert first.events[0].id == again.events[0].id
    assert (first.events[0].clock, first.events[0].time) == ("hub", NOW)


def test_a_record_without_a_time_is_ordered_by_the_boot_it_names() -> None:
    message = stored(booted="2026-01-01T00:00:00Z")
    del message["time"]
    expected = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert decode(message).events[0].id.int >> 80 == expected


def test_a_live_record_with_a_wrong_clock_is_suspect() -> None:
    assert decode({**stored(), "time": "1970-01-01T08:00:31+08:00"}).events[0].clock == "suspect"


@pytest.mark.parametrize("time", ["1970-01-01T08:00:31+08:00", "2031-01-01T00:00:00Z"])
def test_a_backlog_from_a_clock_that_cannot_be_right_has_our_time_and_one_identity(time: str) -> None:
    event = decode({**stored(backlog=True), "time": time}).events[0]
    assert (event.clock, event.time) == ("hub", NOW)
    assert event.id == decode({**stored(), "time": time}).events[0].id


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z"])
def test_a_time_that_is_none_is_unreadable(time: str) -> None:
    assert decode({**stored(), "time": time}).unreadable


def test_a_second_hello_of_a_boot_is_a_new_connection_and_the_same_start() -> None:
    hello = {"type": "hello", "boot": 7, "connection": 1, "firmware": "2.4.1", "booted": "2026-01-01T00:00:00Z"}
    online, started = decode(hello).events
    online_again, started_again = decode({**hello, "connection": 2}, NOW + timedelta(hours=1)).events
    assert online.id != online_again.id
    assert started.id == started_again.id
    assert started.data.model_dump(exclude_none=True) == {"what": "started", "text": "2.4.1"}


def test_two_wills_of_one_boot_are_two_events() -> None:
    first = decode({"type": "offline", "boot": 7, "connection": 1}).events[0]
    second = decode({"type": "offline", "boot": 7, "connection": 2}).events[0]
    assert first.type == "device.offline"
    assert first.id != second.id


# what it means


def test_a_field_that_is_not_known_is_no_reason_to_lose_a_parcel() -> None:
    decoded = decode(stored(temperature=21))
    assert [event.type for event in decoded.events] == ["parcel.stored"]
    assert decoded.unreadable is None


@pytest.mark.parametrize("type_name", ["lamp.replaced", "fire.alarm", "door.opened", "frame.quarantined"])
def test_a_type_that_lockers_do_not_have_is_reported_by_name(type_name: str) -> None:
    event = decode(record(type_name, phone="13800000000")).events[0]
    assert (event.type, event.lane, event.vendorcode) == ("device.reported", "routine", f"locker:{type_name}")
    assert b"138" not in dump_event(event)


def test_a_parcel_with_a_masked_phone_is_stored_without_one_and_shown() -> None:
    decoded = decode({**stored(), "recipient": {"phone": "138****0000", "unit": "3-1-702"}})
    event = decoded.events[0]
    assert isinstance(event, ParcelStored)
    assert (event.data.recipient.phone, event.data.recipient.unit) == (None, "3-1-702")
    assert decoded.unreadable
    assert kept(decoded) == KEPT


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("13800000000", "13800000000"),
        ("+86 138-0000-0000", "13800000000"),
        ("008613800000000", "13800000000"),
        ("１３８０００００００0", "13800000000"),
        ("(0571) 8800-0001", "057188000001"),
        ("+852 5100 0000", "85251000000"),
        ("8613", "8613"),
        ("138****0000", None),
        ("张三", None),
        ("", None),
    ],
)
def test_a_telephone_number_is_digits(raw: str, plain: str | None) -> None:
    assert telephone(raw) == plain


def test_a_heartbeat_says_which_compartments_are_out_of_use() -> None:
    compartments = {
        "7": {"door": "closed", "occupied": True, "fault": False},
        "8": {"door": "unknown", "occupied": None, "fault": True},
    }
    decoded = decode({"type": "heartbeat", "boot": 7, "state": {"compartments": compartments}})
    assert decoded.reply is None
    assert [(event.type, event.subject, event.delivery) for event in decoded.events] == [
        ("compartment.faulted", "compartment/7", "snapshot"),
        ("compartment.faulted", "compartment/8", "snapshot"),
    ]
    assert [event.data.model_dump()["active"] for event in decoded.events] == [False, True]


def test_a_bare_heartbeat_says_nothing_but_that_the_locker_lives() -> None:
    assert decode({"type": "heartbeat", "boot": 7}) == Decoded()


def test_accepted_is_no_outcome() -> None:
    assert decode({"type": "command.accepted", "command": "c1"}) == Decoded()


def test_an_outcome_is_kept_like_any_record() -> None:
    done = decode(record("command.done", command="c1", result="opened"))
    assert done.outcomes == (CommandOutcome(ref="c1", done=True, result="opened"),)
    assert kept(done) == KEPT
    failed = decode(record("command.failed", command="c1", result="timeout"))
    assert failed.outcomes == (CommandOutcome(ref="c1", done=False, result="timeout"),)


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        (UP, "locker-2"),
        ("locker/v1/elsewhere/locker-2/up", None),
        ("locker/v1/yangguang/locker-2/down", None),
        ("locker/v1/yangguang/a/b/up", None),
        ("", None),
    ],
)
def test_the_address_stands_in_the_topic(topic: str, address: str | None) -> None:
    assert ADAPTER.address(Frame(b"{}", NOW, topic=topic), "yangguang") == address


# commands

ASKED: dict[str, Any] = {
    "id": UUID("0195f3a2-7c1e-7d3a-9b1f-2f6f0d3c5e11"),
    "site": "yangguang",
    "device": "locker-2",
    "expires": NOW + timedelta(seconds=30),
    "by": "desk",
}


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (OpenCompartment(**ASKED, compartment="7"), {"compartment": "7"}),
        (
            PutPickup(**ASKED, parcel="p1", compartment="7", code="384921", code_expires=NOW + timedelta(days=3)),
            {"parcel": "p1", "compartment": "7", "code": "384921", "code_expires": "2026-01-05T03:04:05.000Z"},
        ),
        (PutPickup(**ASKED, parcel="p1", compartment="7", code="384921"), {"code": "384921"}),
        (RemovePickup(**ASKED, parcel="p1", compartment="7"), {"parcel": "p1", "compartment": "7"}),
        (SetClock(**ASKED), {"time": "2026-01-02T03:04:05.000Z"}),
        (Replay(**ASKED, since=NOW, until=NOW), {"since": "2026-01-02T03:04:05.000Z"}),
        (Replay(**ASKED, since=NOW), {"since": "2026-01-02T03:04:05.000Z"}),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else "",
)
def test_a_command_is_a_message_of_the_schema(command: Command, fields: dict[str, str]) -> None:
    encoded = ADAPTER.encode(command, LOCKER, 1, NOW)
    assert isinstance(encoded, Encoded)
    assert encoded.ref == str(command.id)
    (frame,) = encoded.frames
    message = json.loads(frame.payload)
    schema_of("down").validate(message)
    assert frame.topic == DOWN
    wanted = {"type": command.kind, "command": encoded.ref, "expires": "2026-01-02T03:04:35.000Z", **fields}
    assert wanted.items() <= message.items()
    assert command.kind in ADAPTER.commands


@pytest.mark.parametrize("command", [DutyCheck(**ASKED), OpenCompartment(**ASKED, compartment="7/8")])
def test_what_a_locker_cannot_be_told_is_said_so(command: Command) -> None:
    assert isinstance(ADAPTER.encode(command, LOCKER, 1, NOW), Unsupported)
