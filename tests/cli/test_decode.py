"""`hub decode` shows an integrator what a captured frame means, without a hub."""

import argparse
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.adapters import load_adapters
from hub.cli import decode
from hub.cli.decode import Cut, frames_of
from hub.core.adapter import Adapter, Decoded, Encoded, Frame, Http, Mqtt, Split, Tcp, Unsupported
from hub.core.commands import Command
from hub.core.events import parse_event

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORD = b"time=2026-01-02 11:04:00\tpin=118\tcardno=0\teventaddr=1\tevent=0\tinoutstatus=0\tverifytype=15\tindex=7\r\n"

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with `raw` on standard input: exit status, the lines of stdout as JSON, stderr."""

    def run(*arguments: str, raw: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        parser = argparse.ArgumentParser()
        decode.add_arguments(parser)
        status = decode.run(parser.parse_args(arguments))
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


def request(body: bytes, target: str = "/iclock/cdata?SN=QLNX1&table=rtlog", end: bytes = b"\r\n") -> bytes:
    head = [f"POST {target} HTTP/1.1".encode(), b"Host: hub", b"Content-Length: %d" % len(body), b"", b""]
    return end.join(head) + body


def with_transport(transport: Tcp | Http | Mqtt) -> Adapter:
    def encode(command: Command, *_: object) -> Encoded | Unsupported:
        return Unsupported(command.kind)

    return Adapter(
        name="made_up",
        transport=transport,
        address=lambda frame, site: None,
        decode=lambda frame, device: Decoded(),
        encode=encode,
        commands=frozenset(),
    )


def frames(transport: Tcp | Http | Mqtt, raw: bytes, *, hex: bool = False, topic: str = "") -> list[Frame | Cut]:  # noqa: A002
    return list(frames_of(with_transport(transport), raw, hex=hex, topic=topic, received=NOW))


def bodies(raw: bytes) -> list[bytes]:
    return [frame.payload for frame in frames(Http("/iclock"), raw) if isinstance(frame, Frame)]


def letters(stream: bytes) -> Split:
    """A made-up framing: a frame is a letter and its full stop, `!` is junk."""
    *whole, rest = stream.split(b".")
    return Split(
        frames=tuple(frame for frame in whole if b"!" not in frame),
        junk=tuple((frame, "an exclamation mark") for frame in whole if b"!" in frame),
        rest=rest,
    )


def test_every_installed_adapter_is_found_by_its_name() -> None:
    adapters = load_adapters()
    assert {"face_mqtt", "gbt26875", "locker_mqtt", "zkteco_push"} <= set(adapters)
    assert all(adapter.name == name for name, adapter in adapters.items())


def test_an_event_a_line_for_an_undeclared_device(run: Run) -> None:
    status, lines, err = run("zkteco_push", "--received", "2026-01-02T03:04:05Z", raw=request(RECORD) * 2)
    assert (status, err) == (0, "")
    assert lines[0] == lines[1]
    event = lines[0]
    assert event["source"] == "/sites/site/devices/zkteco_push"
    assert event["time"] == "2026-01-02T03:04:00.000Z"
    assert event["received"] == "2026-01-02T03:04:05.000Z"
    assert "host" not in event
    assert "sequence" not in event
    parse_event(json.dumps(event))


def test_site_device_and_zone_can_be_said(run: Run) -> None:
    arguments = [
        "--site",
        "estate",
        "--device",
        "reader-n1",
        "--timezone",
        "UTC",
        "--received",
        "2026-01-02T19:04:05+08:00",
    ]
    _, (event,), _ = run("zkteco_push", *arguments, raw=request(RECORD))
    assert event["source"] == "/sites/estate/devices/reader-n1"
    assert event["time"] == "2026-01-02T11:04:00.000Z"
    assert event["delivery"] == "live"


def test_without_a_moment_it_came_now(run: Run) -> None:
    _, (event,), _ = run("zkteco_push", raw=request(RECORD))
    assert abs(datetime.fromisoformat(event["received"]) - datetime.now(UTC)).total_seconds() < 60


def test_what_the_device_is_owed_is_shown_on_request(run: Run) -> None:
    _, lines, _ = run("zkteco_push", "--replies", raw=request(RECORD))
    assert lines[1:] == [{"reply": {"status": 200, "body": "OK"}}]


def test_a_frame_that_cannot_be_read_is_told_after_all_the_rest(run: Run) -> None:
    raw = request(b"x", "/iclock/cdata?SN=QLNX1&table=lift") + b"rubbish\n\n" + request(RECORD)
    status, lines, err = run("zkteco_push", "--replies", raw=raw)
    assert status == 1
    assert [line.get("type", "reply") for line in lines] == ["reply", "access.granted", "reply"]
    assert len(err.splitlines()) == 2


def test_a_file_is_read_and_a_missing_one_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.http").write_bytes(request(RECORD))
    assert run("zkteco_push", str(tmp_path / "one.http"))[0] == 0
    status, lines, err = run("zkteco_push", str(tmp_path / "none.http"))
    assert (status, lines) == (2, [])
    assert "none.http" in err


def test_an_unknown_adapter_is_answered_with_those_there_are(run: Run) -> None:
    status, _, err = run("zkteco")
    assert status == 2
    assert "zkteco_push" in err


@pytest.mark.parametrize(
    "wrong",
    [["--received", "yesterday"], ["--received", "2026-01-02T03:04:05"], ["--timezone", "Mars"], ["--site", "a/b"]],
)
def test_a_wrong_option_says_what_is_wrong(run: Run, capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        run("zkteco_push", *wrong)
    assert repr(wrong[1]) in capsys.readouterr().err


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_requests_follow_each_other_by_their_length(end: bytes) -> None:
    raw = b"### noted by hand" + end + request(b"a\r\n\r\nb", end=end) + end + b"### next" + end + request(b"", end=end)
    assert bodies(raw + request(b"last", end=end)) == [b"a\r\n\r\nb", b"", b"last"]


def test_a_head_is_read_as_a_server_reads_it() -> None:
    raw = b"GET /iclock/c%64ata?SN=A%20B&x=&x=2 HTTP/1.1\r\nX-One: a:b\r\nx-one: c\r\n\r\n"
    (frame,) = frames(Http("/iclock"), raw)
    assert isinstance(frame, Frame)
    assert frame.request is not None
    assert (frame.request.method, frame.request.path) == ("GET", "/iclock/cdata")
    assert frame.request.query == {"SN": "A B", "x": "2"}
    assert frame.request.headers == {"x-one": "c"}


def test_a_cut_off_body_is_told() -> None:
    (cut,) = frames(Http("/iclock"), request(b"whole")[:-2])
    assert isinstance(cut, Cut)
    assert "3 of 5" in cut.reason


def test_a_stream_gives_its_frames_its_junk_and_its_unfinished_end() -> None:
    found = frames(Tcp(split=letters, default_port=1), b"a.b!.c.d")
    assert [item.payload for item in found if isinstance(item, Frame)] == [b"a", b"c"]
    assert [item.raw for item in found if isinstance(item, Cut)] == [b"b!", b"d"]


def test_hexadecimal_text_is_a_frame_a_line_and_a_bad_line_harms_no_other() -> None:
    found = frames(Tcp(split=letters, default_port=1), b"# noted\n61 2e\n\n6\xff\n63 2E # c\n", hex=True)
    assert [item.payload for item in found if isinstance(item, Frame)] == [b"a", b"c"]
    (cut,) = (item for item in found if isinstance(item, Cut))
    assert "line 4" in cut.reason


def test_an_mqtt_payload_comes_with_its_topic_and_without_its_pictures() -> None:
    picture = "A" * 4000
    (frame,) = frames(Mqtt(("up",), ("down",)), json.dumps({"pic": picture}).encode(), topic="up")
    assert isinstance(frame, Frame)
    assert frame.topic == "up"
    assert picture.encode() not in frame.payload
