"""What a card reader can rely on from us, and we from it: every request answered as it waits for, nothing lost."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from hub.adapters.zkteco_push import ADAPTER
from hub.adapters.zkteco_push.fields import Broken, seconds_of, time_of_seconds
from hub.adapters.zkteco_push.options import Options
from hub.core.adapter import Decoded, DeviceContext, Frame, RequestHead

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SERIAL = "QLNX261300417"


def reader(dialect: str = "acc", zone: str = "Asia/Shanghai") -> DeviceContext:
    return DeviceContext(
        site="site",
        id="reader-n1",
        address=SERIAL,
        time_zone=ZoneInfo(zone),
        options=Options.model_validate({"dialect": dialect}),
    )


def frame(page: str, body: bytes | None = None, **query: str) -> Frame:
    head = RequestHead("GET" if body is None else "POST", f"/iclock/{page}", {"SN": SERIAL, **query}, {})
    return Frame(payload=body or b"", received=RECEIVED, request=head, peer="10.61.4.57")


def ask(page: str, body: bytes | None = None, device: DeviceContext | None = None, **query: str) -> Decoded:
    return ADAPTER.decode(frame(page, body, **query), device or reader())


def answer(decoded: Decoded) -> str:
    assert decoded.reply is not None
    assert decoded.reply.status == 200
    assert decoded.reply.content_type == "text/plain"
    return decoded.reply.payload.decode()


def record(event: int, *, pin: str = "0", card: str = "0", time: str = "2026-01-02 11:04:00", **more: str) -> bytes:
    fields = {"time": time, "pin": pin, "cardno": card, "eventaddr": "1", "event": str(event), "inoutstatus": "0"}
    return "\t".join(
        f"{key}={value}" for key, value in (fields | {"verifytype": "200", "index": "7"} | more).items()
    ).encode()


def meaning(event: int, **fields: str) -> dict[str, Any]:
    decoded = ask("cdata", record(event, **fields) + b"\r\n", table="rtlog")
    assert decoded.unreadable is None
    (told,) = decoded.events
    assert told.vendorcode == f"zk:{event}"
    return {"type": told.type, "lane": told.lane, **told.data.model_dump(exclude_none=True)}


def test_the_reader_is_known_by_its_serial_number() -> None:
    assert ADAPTER.address(frame("ping"), "site") == SERIAL
    assert ADAPTER.address(Frame(b"", RECEIVED, request=RequestHead("GET", "/iclock/ping", {}, {})), "site") is None
    assert ADAPTER.address(Frame(b"", RECEIVED), "site") is None


def test_registration_is_the_same_after_a_restart_and_another_for_another_reader() -> None:
    def announce() -> str:
        return answer(ask("cdata", options="all", pushver="3.1.2", DeviceType="acc", PushOptionsFlag="1"))

    first = announce()
    assert first.startswith("registry=ok\nRegistryCode=")
    assert announce() == first
    code = next(line for line in first.splitlines() if line.startswith("RegistryCode="))
    assert len(code.removeprefix("RegistryCode=")) == 32
    assert answer(ask("registry", b"DeviceType=acc,~DeviceName=X")) == code + "\n"
    for needed in ("TransTables=User Transaction", "Realtime=1", "RequestDelay=5", "SessionID=", "TimeoutSec="):
        assert needed in first
        assert needed in answer(ask("push", b""))
    other = DeviceContext(site="site", id="r2", address="QLNX261300418", time_zone=SHANGHAI, options=Options())
    assert code not in answer(ask("registry", b"", other))


@pytest.mark.parametrize(
    ("zone", "told"), [("Asia/Shanghai", "8"), ("Asia/Kolkata", "330"), ("UTC", "0"), ("America/St_Johns", "-210")]
)
def test_an_attendance_terminal_gets_its_options_and_its_zone(zone: str, told: str) -> None:
    options = answer(ask("cdata", None, reader("att", zone), options="all", pushver="2.4.1", language="83"))
    assert options.startswith(f"GET OPTION FROM: {SERIAL}\n")
    assert f"\nTimeZone={told}\n" in options
    assert "Photo\t" not in options
    assert "Realtime=1" in options


def test_every_poll_carries_commands_away_and_says_ok() -> None:
    poll = ask("getrequest")
    assert answer(poll) == "OK"
    assert poll.takes_commands >= 1


def test_small_pages_are_answered_in_plain_text() -> None:
    assert answer(ask("ping")) == "OK"
    assert answer(ask("exchange", b"PublicKey=x", type="publickey")) == "OK"
    assert answer(ask("cdata")) == "OK"
    assert answer(ask("rtdata", type="time")) == f"DateTime={seconds_of(RECEIVED)},ServerTZ=+0800"


@pytest.mark.parametrize("page", ["iclock/ping", "ping.aspx", "Ping", "iclock//ping/"])
def test_an_address_typed_oddly_at_the_reader_works_too(page: str) -> None:
    assert ask(page).unreadable is None


def test_an_uploaded_table_is_answered_by_its_name_and_count() -> None:
    assert answer(ask("cdata", b"user uid=1\tpin=4\r\n", table="tabledata", tablename="user", count="1")) == "user=1"
    assert answer(ask("cdata", b"biophoto pin=4\n" * 3, table="tabledata", tablename="biophoto")) == "biophoto=3"
    assert answer(ask("querydata", b"biodata=2", type="count", tablename="biodata", count="1")) == "biodata=1"


def test_people_that_a_reader_uploads_are_not_taken() -> None:
    body = "user uid=1\tpin=4\tname=顾晓岚\r\n".encode()
    for decoded in (
        ask("cdata", body, table="tabledata", tablename="user", count="1"),
        ask("cdata", b"USER PIN=4\tName=Gu\nFP PIN=4\tTMP=AAAA\n", table="OPERLOG"),
        ask("fdata", b"PIN=4.jpg\0\xff\xd8"),
    ):
        assert decoded.events == ()
        assert decoded.unreadable is None


def test_an_unknown_table_or_page_is_kept_and_the_reader_moves_on() -> None:
    for decoded in (ask("cdata", b"x", table="liftlog"), ask("cdata", b"x"), ask("nothing", b"x")):
        assert answer(decoded) == "OK"
        assert decoded.unreadable is not None
    unknown = ask("cdata", b"x", table="tabledata", tablename="lift", count="2")
    assert answer(unknown) == "lift=2"
    assert unknown.unreadable is not None


def test_one_broken_record_loses_no_other_and_is_told_without_its_content() -> None:
    body = record(0, pin="118") + b"\r\n" + b"time=yesterday\tpin=50118\tevent=0\r\n" + record(200, index="8") + b"\r\n"
    decoded = ask("cdata", body, table="rtlog")
    assert [event.type for event in decoded.events] == ["access.granted", "door.opened"]
    assert decoded.unreadable is not None
    assert "record 2 of 3" in decoded.unreadable.reason
    assert "50118" not in decoded.unreadable.reason
    assert answer(decoded) == "OK"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (20, "other"), (21, "not_permitted_at_this_time"), (22, "not_permitted_at_this_time"), (23, "unauthorized"),
        (24, "passback"), (25, "interlock"), (27, "credential_not_found"), (29, "credential_expired"),
        (30, "invalid_pin"), (33, "credential_expired"), (34, "credential_not_found"),
        (35, "not_permitted_at_this_time"), (36, "not_permitted_at_this_time"), (39, "blocked_person"), (41, "other"),
        (88, "other"), (5021, "other"),
    ],
)  # fmt: skip
def test_the_refused_band_is_a_refusal_and_the_table_gives_its_reason(event: int, reason: str) -> None:
    told = meaning(event, pin="305")
    assert (told["type"], told["reason"]) == ("access.denied", reason)
    assert told["person"]["ref"] == "305"


def test_a_refused_record_without_a_person_is_an_unknown_credential() -> None:
    told = meaning(27, card="771204455", verifytype="4")
    assert told["type"] == "access.denied"
    assert "person" not in told
    assert told["credential"] == {"kind": "card", "number": "771204455"}


@pytest.mark.parametrize("event", [0, 1, 3, 10, 11, 14, 207, 222])
def test_the_normal_band_with_a_person_is_a_passage(event: int) -> None:
    told = meaning(event, pin="118", verifytype="15")
    assert (told["type"], told["method"], told["direction"]) == ("access.granted", "face", "entry")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (28, {"type": "door.held_open", "active": True}),
        (100, {"type": "device.tampered", "active": True}),
        (102, {"type": "door.forced", "active": True}),
        (101, {"type": "access.duress", "lane": "life"}),
        (103, {"type": "access.duress", "lane": "life"}),
        (200, {"type": "door.opened"}),
        (201, {"type": "door.closed"}),
        (202, {"type": "access.granted", "method": "exit_button"}),
        (8, {"type": "access.granted", "method": "remote"}),
        (9, {"type": "door.locked", "cause": "remote"}),
        (204, {"type": "door.locked", "cause": "schedule"}),
        (205, {"type": "door.unlocked", "cause": "remote"}),
        (210, {"type": "door.unlocked", "cause": "fire"}),
        (206, {"type": "device.reported", "what": "started"}),
        (221, {"type": "input.changed", "active": True}),
        (54, {"type": "device.low_battery", "active": True}),
        (107, {"type": "device.trouble", "part": "main_power"}),
        (239, {"type": "device.reported", "what": "other"}),
        (77, {"type": "device.reported", "what": "other"}),
        (199, {"type": "device.reported", "what": "other"}),
        (9999, {"type": "device.reported", "what": "other"}),
    ],
)
def test_a_record_without_a_person_is_about_the_door_or_the_device(event: int, expected: dict[str, Any]) -> None:
    assert expected.items() <= meaning(event).items()


def test_a_linkage_that_names_a_person_lets_nobody_in() -> None:
    assert meaning(6, pin="118")["type"] == "device.reported"


@pytest.mark.parametrize(
    ("verified", "card", "method"),
    [
        ("1", "0", "fingerprint"), ("3", "0", "pin"), ("4", "9", "card"), ("6", "9", "card"), ("10", "9", "combined"),
        ("11", "9", "combined"), ("15", "0", "face"), ("200", "0", "other"), ("0000000000000010", "0", "face"),
        ("0000100000000000", "9", "card"), ("0000101000000011", "9", "combined"), ("0000000000000000", "0", "other"),
        ("0000000000000001", "0", "other"), ("²", "0", "other"), ("", "0", "other"),
    ],
)  # fmt: skip
def test_the_way_of_verifying_is_read_from_a_number_or_a_mask(verified: str, card: str, method: str) -> None:
    assert meaning(0, pin="118", card=card, verifytype=verified)["method"] == method


def test_fields_are_read_by_name_in_any_order() -> None:
    shuffled = b"event=0\tcardno=42\tverifytype=4\ttime=2026-01-02 11:04:00\tinoutstatus=1\tpin=9\teventaddr=3"
    (event,) = ask("cdata", shuffled, table="rtlog").events
    assert event.subject == "door/3"
    assert event.data.model_dump()["direction"] == "exit"


def ids(*bodies: bytes) -> list[UUID]:
    return [event.id for body in bodies for event in ask("cdata", body, table="rtlog").events]


def test_a_resend_is_the_same_event_however_it_is_packed() -> None:
    first, second = record(0, pin="1", index="4"), record(0, pin="1", index="5")
    assert ids(first, second) == ids(first + b"\r\n" + second + b"\r\n")
    assert len(set(ids(first, second))) == 2
    assert ids(first) != ids(record(0, pin="1", index="4", time="2026-01-02 11:04:01"))
    unnumbered = record(0, pin="1", index="")
    assert ids(unnumbered) == ids(unnumbered)
    assert ids(unnumbered) != ids(record(0, pin="2", index=""))


def test_a_record_asked_for_again_is_the_event_that_was_pushed() -> None:
    seconds = seconds_of(datetime(2026, 1, 2, 11, 4, 0))  # noqa: DTZ001
    asked = f"transaction cardno=0\tpin=1\tverified=200\tdoorid=1\teventtype=0\ttime_second={seconds}\tindex=7"
    found = ask("querydata", asked.encode(), type="tabledata", tablename="transaction", count="1", cmdid="70")
    assert answer(found) == "transaction=1"
    assert [event.id for event in found.events] == ids(record(0, pin="1"))


def test_old_records_are_backlog_and_a_clock_that_runs_ahead_is_suspect() -> None:
    def told(moment: timedelta) -> tuple[str, str]:
        local = (RECEIVED + moment).astimezone(SHANGHAI)
        (event,) = ask("cdata", record(0, pin="1", time=f"{local:%Y-%m-%d %H:%M:%S}"), table="rtlog").events
        return event.delivery, event.clock

    assert told(timedelta(seconds=-60)) == ("live", "device")
    assert told(timedelta(seconds=-61)) == ("backlog", "device")
    assert told(timedelta(days=-200)) == ("backlog", "device")
    assert told(timedelta(hours=8)) == ("live", "suspect")


def test_a_state_line_tells_every_door_and_alarm_as_a_snapshot() -> None:
    line = b"time=2026-01-02 11:04:00\tsensor=09\trelay=00\talarm=0200010000000000\tdoor=01\r\n"
    decoded = ask("cdata", line, table="rtstate")
    told = [(e.type, e.subject, e.data.model_dump().get("active")) for e in decoded.events]
    assert told == [
        ("door.closed", "door/1", None),
        ("door.forced", "door/1", False),
        ("door.opened", "door/2", None),
        ("door.forced", "door/2", False),
        ("door.forced", "door/3", True),
        ("device.tampered", None, True),
    ]
    assert {e.delivery for e in decoded.events} == {"snapshot"}


def test_attendance_lines_are_passages_at_the_terminals_one_door() -> None:
    body = b"1043\t2026-01-02 11:03:55\t0\t15\t0\n1043\t2026-01-02 11:03:56\t2\t1\nonly-a-pin\n"
    decoded = ask("cdata", body, reader("att"), table="ATTLOG", Stamp="9999")
    assert answer(decoded) == "OK: 3"
    told = [e.data.model_dump() for e in decoded.events]
    assert [(d["direction"], d["method"], d["person"]["ref"]) for d in told] == [
        ("entry", "face", "1043"),
        ("exit", "fingerprint", "1043"),
    ]
    assert decoded.unreadable is not None
    assert "only-a-pin" not in decoded.unreadable.reason


def test_what_was_done_at_a_terminal_is_told_without_names() -> None:
    body = b"OPLOG 5\t1\t2026-01-02 11:03:00\t3\t4\t0\t0\nUSER PIN=9\tName=Liu\nOPLOG 32\t0\t2026-01-02 11:03:01\t0\n"
    decoded = ask("cdata", body, reader("att"), table="OPERLOG")
    assert answer(decoded) == "OK: 3"
    assert [(e.type, e.lane) for e in decoded.events] == [("device.reported", "routine"), ("access.duress", "life")]
    assert b"Liu" not in b"".join(e.model_dump_json().encode() for e in decoded.events)


def test_a_command_is_done_by_its_last_line_and_failed_by_any() -> None:
    def outcomes(body: str) -> list[tuple[str, bool, str]]:
        return [(o.ref, o.done, o.result) for o in ask("devicecmd", body.encode()).outcomes]

    assert outcomes("ID=151&Return=0&CMD=DATA UPDATE\n") == []
    assert outcomes("ID=150&Return=0&CMD=DATA UPDATE\r\n") == [("15", True, "Return=0")]
    assert outcomes("ID=151&Return=-13&CMD=DATA") == [("15", False, "Return=-13")]
    assert outcomes("ID=700&return=41&CMD=DATA\nID=80&Return=-5000&CMD=X") == [("70", True, "Return=41")]
    unnamed = ask("devicecmd", b"what?")
    assert unnamed.unreadable is not None
    assert answer(unnamed) == "OK"


def test_zktecos_seconds_are_those_of_its_own_paper() -> None:
    assert seconds_of(datetime(2018, 2, 22, 14, 54, 54)) == 583080894  # noqa: DTZ001
    assert time_of_seconds(583080894, reader()) == datetime(2018, 2, 22, 6, 54, 54, tzinfo=UTC)
    with pytest.raises(Broken):
        time_of_seconds(seconds_of(datetime(2018, 2, 28, 0, 0, 0)) + 3 * 86_400, reader())  # noqa: DTZ001
