"""A face gate: what its records mean, what it is answered, what it can be told, and that no bytes upset it."""

import json
import os
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.adapters.face_mqtt import ADAPTER
from hub.adapters.face_mqtt.commands import FaceOptions
from hub.adapters.face_mqtt.messages import Message, parse_message
from hub.core.access_events import AccessDenied, AccessGranted, CredentialPresented, PersonSeen
from hub.core.adapter import Decoded, DeviceContext, Encoded, Frame, Mqtt, Unsupported
from hub.core.commands import COMMAND
from hub.core.device_events import DeviceReported
from hub.core.events import dump_event, parse_event
from hub.core.pictures import cut_pictures

EXAMPLES = 10_000 if os.environ.get("CI") else 500
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = "2031577"
REC, SNAP, ACK = f"mqtt/face/{ID}/Rec", f"mqtt/face/{ID}/Snap", f"mqtt/face/{ID}/Ack"
TERMINAL = DeviceContext("site", "gate-e1", ID, ZoneInfo("Asia/Shanghai"), options=FaceOptions())
CAMERA = DeviceContext("site", "gate-e1", ID, ZoneInfo("Asia/Shanghai"), options=FaceOptions(family="camera"))
RECORD: dict[str, Any] = {
    "customId": "p-1", "personId": "4", "RecordID": "31", "VerifyStatus": "1", "PersonType": "0",
    "similarity1": "91.000000", "Sendintime": 1, "personName": "陈晓梅", "facesluiceId": ID,
    "idCard": "310000000000000000", "telnum": "13900000000", "time": "2026-01-02 11:04:02", "isNoMask": "1",
    "PushType": 0,
}  # fmt: skip


def decode(payload: bytes | dict[str, Any], topic: str = REC, device: DeviceContext = TERMINAL) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return ADAPTER.decode(Frame(raw, NOW, topic), device)


def record(**changes: Any) -> dict[str, Any]:
    return {"operator": "RecPush", "info": {**RECORD, **changes}}


def answer(decoded: Decoded) -> Any:
    assert decoded.reply is not None
    assert decoded.reply.topic == f"mqtt/face/{ID}"
    return json.loads(decoded.reply.payload)


# What a record means


@pytest.mark.parametrize("number", ["31", 31, 31.0, "31.0", " 31 "])
@pytest.mark.parametrize("status", ["1", 1, 1.0])
def test_numbers_mean_the_same_in_every_type(number: object, status: object) -> None:
    (event,) = decode(record(RecordID=number, VerifyStatus=status, Sendintime="1", similarity1=91)).events
    assert event == decode(record()).events[0]


def test_a_replay_and_a_resend_are_the_record_they_repeat() -> None:
    (first,) = decode(record()).events
    for again in (record(Sendintime=0), record(PushType="2", targetPosInScene=[0, 0, 0, 0])):
        (event,) = decode(again).events
        assert (event.id, event.delivery) == (first.id, "backlog")


def test_a_number_used_again_after_a_factory_reset_is_another_record() -> None:
    (first,), (second,) = decode(record()).events, decode(record(time="2026-01-02 11:04:03")).events
    assert first.id != second.id


def test_a_recognition_and_a_stranger_with_the_same_number_are_two_records() -> None:
    stranger = {"operator": "StrSnapPush", "info": {"SnapID": "31", "time": RECORD["time"]}}
    seen = decode(record(VerifyStatus=0))
    assert seen.events[0].id != decode(stranger, SNAP).events[0].id


def test_a_record_on_a_topic_of_bare_reads_is_still_a_record() -> None:
    decoded = decode(record(), f"mqtt/face/{ID}/Card")
    assert decoded.events == decode(record()).events
    assert answer(decoded)["info"] == {"PushAckType": 2, "SnapOrRecordID": 31}


def test_two_records_with_neither_number_nor_time_are_two_events() -> None:
    bare = json.dumps({"operator": "RecPush", "info": {"VerifyStatus": 1}}).encode()
    later = Frame(bare, NOW.replace(second=9), REC)
    assert decode(bare).events[0].id != ADAPTER.decode(later, TERMINAL).events[0].id
    assert decode(bare).reply is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"VerifyStatus": "2"}, "unauthorized"),
        ({"VerifyStatus": 2, "PersonType": 1}, "blocked_person"),
        ({"VerifyStatus": 2, "ValidEnd": "2026-01-02 11:00:00"}, "credential_expired"),
        ({"VerifyStatus": 2, "cardValidBegin": "2026-01-02 12:00:00"}, "credential_not_active"),
        ({"VerifyStatus": 2, "ValidBegin": "0000-00-00 00:00:00", "ValidEnd": "0000-00-00 00:00:00"}, "unauthorized"),
        ({"VerifyStatus": 3}, "credential_not_found"),
        ({"VerifyStatus": 22}, "other"),
        ({"VerifyStatus": "24"}, "other"),
    ],
)
def test_why_the_gate_refused(changes: dict[str, Any], reason: str) -> None:
    (event,) = decode(record(**changes)).events
    assert isinstance(event, AccessDenied)
    assert event.data.reason == reason
    assert event.vendorcode == f"face:{changes['VerifyStatus']}"


def test_an_identity_and_a_phone_number_never_leave_the_frame() -> None:
    for status in range(4):
        (event,) = decode(record(VerifyStatus=status)).events
        assert not any(secret in dump_event(event) for secret in (b"310000000000000000", b"13900000000"))


@pytest.mark.parametrize(
    ("fields", "method", "credential"),
    [
        ({"cardNum2": "1", "RFIDCard": "0", "szQrCodeData": " "}, "face", None),
        ({"RFIDCard": "0912345678", "similarity1": "0.000000"}, "card", {"kind": "card", "number": "0912345678"}),
        ({"MjCardNo": 761}, "face", {"kind": "card", "number": "761"}),
        ({"szQrCodeData": "FD7K29QX"}, "qr", {"kind": "qr", "number": "FD7K29QX"}),
    ],
)
def test_how_somebody_came_in(fields: dict[str, Any], method: str, credential: dict[str, str] | None) -> None:
    (event,) = decode(record(**fields)).events
    assert isinstance(event, AccessGranted)
    assert event.data.method == method
    shown = event.data.credential
    assert (shown.model_dump(exclude_none=True) if shown else None) == credential


def test_the_picture_is_only_a_hash_whether_cut_before_or_not() -> None:
    picture = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8 + b"\xff\xd9"
    uncut = json.dumps(record(pic="data:image/jpeg;base64," + b64encode(picture).decode())).encode()
    (event,), (again,) = decode(uncut).events, decode(cut_pictures(uncut)).events
    assert event == again
    assert isinstance(event, AccessGranted)
    assert event.data.snapshot is not None
    assert event.data.snapshot.startswith("sha256:")


@pytest.mark.parametrize("time", ["", " ", "0000-00-00 00:00:00", "2026-13-01 00:00:00", "soon", None, 17, {"a": 1}])
def test_a_record_without_a_readable_time_has_the_hubs(time: object) -> None:
    (event,) = decode(record(time=time)).events
    assert (event.time, event.clock) == (NOW, "hub")


def test_a_camera_alarm_keeps_its_vendors_name_and_is_answered() -> None:
    decoded = decode({"operator": "FireSmokeSnapPush", "info": {"SnapID": "8", "time": RECORD["time"]}}, SNAP)
    (event,) = decoded.events
    assert isinstance(event, DeviceReported)
    assert event.vendorcode == "face:FireSmokeSnapPush"
    assert answer(decoded)["info"] == {"PushAckType": 1, "SnapOrRecordID": 8}


@pytest.mark.parametrize(
    ("topic", "payload", "number"),
    [
        ("QRCode", b"FD7K29QX\r\n", "FD7K29QX"),
        ("Card", b"0912345678", "0912345678"),
        ("Card", b'{"operator":"CardPush","info":{"CardInfo":{"CardNum":912345678}}}', "912345678"),
        ("QRCode", b'{"operator":"QRCodePush","info":{"QRcodeInfo":"FD7K29QX"}}', "FD7K29QX"),
        ("IDCard", b"0912345678", "0912345678"),
        ("IDCard", b"11010119900307987X", None),
        ("IDCard", b'{"operator":"IDCardPush","info":{"idCard":"11010119900307987X","name":"x"}}', None),
    ],
)
def test_bare_reads(topic: str, payload: bytes, number: str | None) -> None:
    decoded = decode(payload, f"mqtt/face/{ID}/{topic}")
    (event,) = decoded.events
    assert isinstance(event, CredentialPresented)
    assert event.data.credential.number == number


# What the gate is answered


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(record())[:-20].encode(),
        json.dumps(record(personName="\x00")).encode(),
        json.dumps(record(personName="\ud800")).encode(),
        json.dumps(record(similarity1=float("nan"))).encode(),
        json.dumps(record(similarity1="x", personId=10**30)).encode(),
        json.dumps(record(targetPosInScene=[[[[[]]]]] * 2)).encode().replace(b"[[]]", b"[" * 60 + b"]" * 60),
        json.dumps(record()).encode().replace(b"p-1", b"\xff"),
        json.dumps(record(VerifyStatus="yes")).encode(),
        json.dumps(record(facesluiceId="9911223")).encode(),
    ],
)
def test_a_record_that_is_quarantined_is_answered_or_the_gate_is_stuck(payload: bytes) -> None:
    decoded = decode(payload)
    assert decoded.events == ()
    assert decoded.unreadable is not None
    assert "陈" not in decoded.unreadable.reason
    assert answer(decoded) == {
        "operator": "PushAck",
        "messageId": "RecordID-31",
        "info": {"PushAckType": 2, "SnapOrRecordID": 31},
    }


def test_a_number_that_may_be_cut_short_is_not_answered() -> None:
    assert decode(b'{"operator":"RecPush","info":{"RecordID":31').reply is None


def test_a_message_id_comes_back() -> None:
    assert answer(decode({**record(), "messageId": "m-7"}))["messageId"] == "m-7"


@pytest.mark.parametrize("device", [TERMINAL, CAMERA], ids=["terminal", "camera"])
def test_online_is_answered_where_the_family_listens(device: DeviceContext) -> None:
    online = {"operator": "Online", "info": {"facesluiceId": int(ID), "time": "2026-01-02 11:04:05"}}
    reply = decode(online, "mqtt/face/basic", device).reply
    assert reply is not None
    assert reply.topic == ("mqtt/face/basic" if device is CAMERA else f"mqtt/face/{ID}")
    assert isinstance(ADAPTER.transport, Mqtt)
    assert reply.topic in [topic.format(address=ID) for topic in ADAPTER.transport.down]
    assert json.loads(reply.payload) == {"operator": "Online-Ack", "info": {"facesluiceId": ID, "result": "ok"}}
    assert decode(reply.payload, "mqtt/face/basic") == Decoded()


def test_shared_topics_carry_presence_only() -> None:
    for topic in ("mqtt/face/basic", "mqtt/face/heartbeat"):
        for message in (record(), {"operator": "EditPerson-Ack", "info": {"facesluiceId": ID, "result": "ok"}}):
            decoded = decode(message, topic)
            assert (decoded.events, decoded.reply, decoded.outcomes) == ((), None, ())
            assert decoded.unreadable is not None
    assert decode({"operator": "Offline", "info": {"facesluiceId": "9911223"}}, "mqtt/face/basic").events == ()


def test_a_beat_on_a_shared_topic_is_followed_up_where_only_that_gate_can_answer() -> None:
    beat = {"operator": "HeartBeat", "info": {"facesluiceId": ID}}
    asked = decode(beat, "mqtt/face/heartbeat").reply
    assert asked is not None
    assert (asked.topic, json.loads(asked.payload)["operator"]) == (f"mqtt/face/{ID}", "GetSysTime")
    answered = {"operator": "GetSysTime-Ack", "messageId": "beat", "info": {"facesluiceId": ID, "result": "ok"}}
    assert decode(answered, f"mqtt/face/{ID}/Ack") == Decoded(), "it is no outcome of a command under way"


@pytest.mark.parametrize("device", [TERMINAL, CAMERA], ids=["terminal", "camera"])
def test_a_gate_may_have_presence_topics_of_its_own(device: DeviceContext) -> None:
    assert decode({"operator": "HeartBeat", "info": {"facesluiceId": ID}}, f"mqtt/face/{ID}/heartbeat") == Decoded()
    online = decode({"operator": "Online", "info": {"facesluiceId": ID}}, f"mqtt/face/{ID}/basic", device)
    assert [event.type for event in online.events] == ["device.online"]
    assert online.reply is not None
    assert online.reply.topic == f"mqtt/face/{ID}", "the hub's own word on its basic topic would count as the gate's"
    for operator in ("Online", "Offline", "HeartBeat"):
        other = decode({"operator": operator, "info": {"facesluiceId": "9911223"}}, f"mqtt/face/{ID}/basic", device)
        assert other.events == ()
        assert other.unreadable is not None


def test_who_sent_it() -> None:
    for name in ("basic", "heartbeat"):
        assert ADAPTER.address(Frame(b"\xff", NOW, f"mqtt/face/{ID}/{name}"), "site") == ID
    heartbeat = b'{"operator":"HeartBeat","info":{"facesluiceId":2031577}}'
    assert ADAPTER.address(Frame(b"\xff", NOW, REC), "site") == ID
    assert ADAPTER.address(Frame(heartbeat, NOW, "mqtt/face/heartbeat"), "site") == ID
    assert ADAPTER.address(Frame(b"{}", NOW, "mqtt/face/basic"), "site") is None
    assert ADAPTER.address(Frame(heartbeat, NOW, "elsewhere/2031577/Rec"), "site") is None


# Commands


def command(kind: str, **fields: Any) -> Any:
    about = {"id": UUID(int=7), "site": "site", "device": "gate-e1", "expires": NOW, "by": "desk"}
    return COMMAND.validate_python({**about, "kind": kind, **fields})


def told(kind: str, device: DeviceContext = TERMINAL, **fields: Any) -> Any:
    encoded = ADAPTER.encode(command(kind, **fields), device, 1, NOW)
    assert isinstance(encoded, Encoded)
    (frame,) = encoded.frames
    message = json.loads(frame.payload)
    assert (frame.topic, message.pop("messageId")) == (f"mqtt/face/{ID}", encoded.ref)
    return message


def test_what_a_gate_is_told() -> None:
    assert told("door.open", door="1") == {"operator": "Unlock", "info": {"openDoor": 1}}
    assert told("credential.remove", person="v-9") == {"operator": "DelPerson", "info": {"customId": "v-9"}}
    assert told("device.set_clock") == {"operator": "SetSysTime", "info": {"SysTime": "2026-01-02T11:04:05"}}
    since = datetime(2026, 1, 1, 22, tzinfo=UTC)
    assert told("device.replay", since=since)["info"] == {
        "TimeS": "2026-01-02 06:00:00",
        "TimeE": "2026-01-02 11:04:05",
    }


def test_a_credential_is_a_window_and_a_number_never_a_picture() -> None:
    put = told(
        "credential.put", person="v-9", name="名" * 40, credential="card", number="0912345678",
        from_=NOW, until=datetime(2026, 1, 2, 10, tzinfo=UTC),
    )  # fmt: skip
    assert put["operator"] == "EditPerson"
    assert put["info"] == {
        "customId": "v-9", "name": "名" * 32, "personType": 0, "RFIDCard": "0912345678", "RFCardMode": 0,
        "tempValid": 1, "validBegin": "2026-01-02 11:04:05", "validEnd": "2026-01-02 18:00:00",
        "tempCardType": 1, "cardValidBegin": "2026-01-02 11:04:05", "cardValidEnd": "2026-01-02 18:00:00",
    }  # fmt: skip
    face = told("credential.put", CAMERA, person="v-9", credential="face", until=datetime.max.replace(tzinfo=UTC))
    assert face["info"]["validEnd"].startswith("2099-12-")


@pytest.mark.parametrize(
    ("kind", "fields", "device"),
    [
        ("door.open", {"door": "1"}, CAMERA),
        ("door.release", {"door": "1"}, TERMINAL),
        ("credential.put", {"person": "v-9", "credential": "card", "number": "091"}, CAMERA),
        ("credential.put", {"person": "v-9", "credential": "card"}, TERMINAL),
        ("credential.put", {"person": "v-9", "credential": "pin", "number": "1234"}, TERMINAL),
        ("credential.put", {"person": "v" * 49, "credential": "face"}, TERMINAL),
        ("credential.remove", {"person": ""}, TERMINAL),
        ("announce.say", {"text": "x"}, TERMINAL),
    ],
)
def test_what_a_gate_cant_be_told(kind: str, fields: dict[str, Any], device: DeviceContext) -> None:
    assert isinstance(ADAPTER.encode(command(kind, **fields), device, 1, NOW), Unsupported)


@pytest.mark.parametrize(
    ("message", "done", "result"),
    [
        ({"operator": "Unlock-Ack", "code": "200", "info": {"result": "ok"}}, True, "ok"),
        ({"operator": "EditPerson-Ack", "code": "200", "info": {"result": "ok", "AddErrNum": "0"}}, True, "ok"),
        (
            {
                "operator": "AddPersons-Ack", "code": "200",
                "info": {"result": "ok", "AddErrNum": 1, "AddErrInfo": [{"customId": "p", "errcode": "461"}]},
            },
            False, "AddPersons/461",
        ),
        ({"operator": "EditPerson-Ack", "code": 464, "info": {"result": "fail"}}, False, "EditPerson/464"),
        ({"operator": "DelPerson-Ack", "info": {"result": "fail", "errcode": "461"}}, False, "DelPerson/461"),
        ({"operator": "SetSysTime-Ack", "info": {}}, False, "SetSysTime/no result"),
    ],
)  # fmt: skip
def test_a_command_is_done_only_if_nothing_went_wrong(message: dict[str, Any], done: bool, result: str) -> None:
    for topic in (ACK, f"mqtt/face/{ID}/ack"):
        (outcome,) = decode({"messageId": "c-1", **message}, topic).outcomes
        assert (outcome.ref, outcome.done, outcome.result) == ("c-1", done, result)


def test_the_answer_to_our_own_answer_is_nothing() -> None:
    assert decode({"operator": "PushAck-Ack", "info": {"result": "ok", "SnapOrRecordID": "31"}}, ACK) == Decoded()


# Any bytes

TOPICS = st.sampled_from(
    [f"mqtt/face/{ID}/{name}" for name in ("Rec", "rec/AttendanceRecord", "Snap", "Ack", "ack", "QRCode", "IDCard")]
    + ["mqtt/face/basic", "mqtt/face/heartbeat", "mqtt/face/", "", "mqtt/face//Rec"]
) | st.text(max_size=30)
SCALARS = st.sampled_from(["", " ", "0", "1", 1, "2", 3, 22, ID, True, None, 1e300, -1, "9" * 25, 2**70, "\x00"])
VALUES = SCALARS | st.text(max_size=20) | st.recursive(
    st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.sampled_from(
    [*RECORD, "SnapID", "ID", "persionName", "temperature", "direction", "RFIDCard", "szQrCodeData", "ValidEnd", "pic",
     "result", "code", "AddErrNum", "AddErrInfo", "CardInfo", "QRCodeInfo"]
)  # fmt: skip
OPERATORS = (
    st.sampled_from(
        [
            "RecPush",
            "StrSnapPush",
            "Online",
            "Offline",
            "HeartBeat",
            "EditPerson-Ack",
            "PushAck-Ack",
            "FireSmokeSnapPush",
        ]
    )
    | SCALARS
)
MESSAGES = st.fixed_dictionaries(
    {"operator": OPERATORS, "info": st.dictionaries(NAMES, VALUES, max_size=12) | VALUES},
    optional={"messageId": VALUES, "code": VALUES, "facesluiceId": VALUES},
).map(lambda message: json.dumps(message).encode())
SAMPLES = [path.read_bytes() for path in Path(str(ADAPTER.decode.__code__.co_filename)).parent.glob("samples/*.in")]
BROKEN = st.builds(
    lambda raw, at, what, take: raw[: at % len(raw)] + what + raw[at % len(raw) + take :],
    st.sampled_from(SAMPLES),
    st.integers(0, 2000),
    st.binary(max_size=6),
    st.integers(0, 40),
)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(payload=st.binary(max_size=300) | MESSAGES | BROKEN, topic=TOPICS, device=st.sampled_from([TERMINAL, CAMERA]))
@example(payload=b"[" * 100_000, topic=REC, device=TERMINAL)
@example(payload=b'{"operator":"RecPush","info":{"RecordID":' + b"9" * 5000 + b"}}", topic=REC, device=TERMINAL)
@example(payload=b'{"operator":"RecPush","info":[]}', topic=REC, device=CAMERA)
def test_any_bytes_give_events_an_answer_or_one_reason(payload: bytes, topic: str, device: DeviceContext) -> None:
    frame = Frame(payload, NOW, topic)
    ADAPTER.address(frame, "site")
    decoded = ADAPTER.decode(frame, device)
    assert not (decoded.events and decoded.unreadable)
    for event in decoded.events:
        assert parse_event(dump_event(event)) == event
        assert not isinstance(event, PersonSeen) or event.data.person is not None
    if decoded.reply:
        json.loads(decoded.reply.payload)
    if decoded.unreadable:
        assert 0 < len(decoded.unreadable.reason) < 200


@pytest.mark.parametrize(
    "value",
    ["1e999", "-1e999", "NaN", "Infinity", "9223372036854775808", "-9223372036854775809", r'"\u0000"', r'"\ud83d"'],
)
@pytest.mark.parametrize("around", ["%s", '{"b":%s}', '[[%s],"x"]'])
def test_what_no_database_keeps_is_refused_wherever_it_stands(value: str, around: str) -> None:
    payload = '{"operator":"RecPush","info":{"RecordID":31,"x":%s}}' % (around % value)
    decoded = ADAPTER.decode(Frame(payload.encode(), NOW, REC), TERMINAL)
    assert decoded.unreadable
    assert not decoded.events


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(payload=st.binary(max_size=300) | MESSAGES | BROKEN)
@example(payload=b'\xef\xbb\xbf{"operator":"RecPush","info":{"customId":"\\ud83d\\ude00"}}')
@example(payload=b'{"operator":"RecPush","info":{"customId":"p-1\t"}}')
def test_the_quick_reader_reads_nothing_otherwise_than_the_exact_one(payload: bytes) -> None:
    try:
        exact = json.loads(payload.decode("utf-8-sig"))
    except ValueError:
        exact = None
    message = parse_message(payload)
    if isinstance(message, Message):
        top = {name.lower(): value for name, value in exact.items()}
        info = top.get("info")
        inside = {name.lower(): value for name, value in info.items()} if isinstance(info, dict) else {}
        assert message.fields.values == {**top, **inside}
