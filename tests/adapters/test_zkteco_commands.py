"""What a reader can be told, as the lines that it fetches with its poll."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.adapters.zkteco_push import ADAPTER
from hub.adapters.zkteco_push.fields import seconds_of
from hub.adapters.zkteco_push.options import Options
from hub.core.adapter import DeviceContext, Encoded, Unsupported
from hub.core.commands import Command, Display, OpenDoor, PutCredential, RemoveCredential, Replay, SetClock

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def reader(dialect: str = "acc", validity: str = "day") -> DeviceContext:
    options = Options.model_validate({"dialect": dialect, "validity": validity})
    return DeviceContext(site="site", id="reader-n1", address="QLNX261300417", time_zone=SHANGHAI, options=options)


def command(kind: type[Any], **fields: Any) -> Any:
    return kind(id=UUID(int=1), site="site", device="reader-n1", expires=RECEIVED, by="test", **fields)


def lines(command: Command, device: DeviceContext | None = None, number: int = 15) -> list[str]:
    encoded = ADAPTER.encode(command, device or reader(), number, RECEIVED)
    assert isinstance(encoded, Encoded)
    assert encoded.ref == str(number)
    return [frame.payload.decode() for frame in encoded.frames]


def refused(command: Command, device: DeviceContext | None = None) -> bool:
    return isinstance(ADAPTER.encode(command, device or reader(), 15, RECEIVED), Unsupported)


def test_a_door_is_opened_by_its_number_for_some_seconds() -> None:
    assert lines(command(OpenDoor, door="1")) == ["C:150:CONTROL DEVICE 01010105\r\n"]
    assert lines(command(OpenDoor, door="16", seconds=254)) == ["C:150:CONTROL DEVICE 011001FE\r\n"]
    assert lines(command(OpenDoor, door="1"), reader("att")) == ["C:150:AC_UNLOCK\r\n"]
    for door in ("0", "17", "01", "1\r\nC:1:REBOOT", "", "²"):
        assert refused(command(OpenDoor, door=door))
    assert refused(command(OpenDoor, door="2"), reader("att"))


def test_a_credential_is_two_lines_with_one_reference() -> None:
    until = datetime(2026, 1, 2, 16, 30, tzinfo=UTC)
    put = command(PutCredential, person="2071", credential="card", number="3387112940", doors=("1", "3"), until=until)
    assert lines(put) == [
        "C:151:DATA UPDATE user Pin=2071\tCardNo=3387112940\tGroup=0\tStartTime=0\tEndTime=20260103"
        "\tName=\tPrivilege=0\r\n",
        "C:150:DATA UPDATE userauthorize Pin=2071\tAuthorizeTimezoneId=1\tAuthorizeDoorId=5\r\n",
    ]
    exact = lines(put, reader(validity="second"))[0]
    assert f"EndTime={seconds_of(until.astimezone(SHANGHAI))}\t" in exact


@given(text=st.text(max_size=60), number=st.integers(1, 10**12))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_name_or_number_breaks_out_of_its_line(text: str, number: int) -> None:
    text = text.replace("\0", "")
    for given_ in (
        {"person": "2071", "name": text, "credential": "card", "number": "42"},
        {"person": text, "name": "", "credential": "card", "number": "42"},
        {"person": "2071", "name": "", "credential": "card", "number": text},
        {"person": "2071", "name": "", "credential": "pin", "number": text},
    ):
        for device in (reader(), reader("att")):
            try:
                put = command(PutCredential, **given_)
            except ValueError:
                continue
            encoded = ADAPTER.encode(put, device, number, RECEIVED)
            for outgoing in encoded.frames if isinstance(encoded, Encoded) else ():
                line = outgoing.payload.decode()
                assert line.endswith("\r\n")
                assert not any(c in line[:-2] for c in "\r\n\x0b\x0c\x1c\x85\u2028")
                assert line.count("\t") in {2, 3, 6}
                assert line.startswith(f"C:{number}")


def test_what_a_reader_cannot_be_told_is_refused_with_a_reason() -> None:
    assert refused(command(PutCredential, person="0", credential="card", number="1"))
    assert refused(command(PutCredential, person="7", credential="card", number="A1"))
    assert refused(command(PutCredential, person="7", credential="card"))
    assert refused(command(PutCredential, person="7", credential="plate", number="1"))
    assert refused(command(PutCredential, person="7", credential="card", number="1", doors=("9",)))
    assert refused(command(PutCredential, person="7", credential="card", number="1", until=RECEIVED), reader("att"))
    assert refused(command(Display, text="hello"))


def test_credentials_clock_and_replay_in_both_dialects() -> None:
    assert lines(command(RemoveCredential, person="2071")) == [
        "C:151:DATA DELETE userauthorize Pin=2071\r\n",
        "C:150:DATA DELETE user Pin=2071\r\n",
    ]
    assert lines(command(RemoveCredential, person="7"), reader("att")) == ["C:150:DATA DELETE USERINFO PIN=7\r\n"]
    assert lines(command(PutCredential, person="7", name="柳", credential="card", number="42"), reader("att")) == [
        "C:150:DATA UPDATE USERINFO PIN=7\tName=柳\tPri=0\tCard=42\r\n"
    ]
    noon = seconds_of(RECEIVED.astimezone(SHANGHAI))
    assert lines(command(SetClock)) == [f"C:150:SET OPTIONS DateTime={noon}\r\n"]
    assert lines(command(SetClock), reader("att")) == ["C:150:CHECK\r\n"]
    replay = command(Replay, since=RECEIVED - timedelta(hours=1))
    assert lines(replay) == ["C:150:DATA QUERY tablename=transaction,fielddesc=*,filter=*\r\n"]
    assert lines(replay, reader("att")) == [
        "C:150:DATA QUERY ATTLOG StartTime=2026-01-02 10:04:05\tEndTime=2026-01-02 11:04:05\r\n"
    ]
