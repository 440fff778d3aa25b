"""Requests of a real reader decode to what the protocol's page says that they mean."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.adapters.zkteco_push import ADAPTER
from hub.cli.decode import frames_of
from hub.core.adapter import Decoded, DeviceContext, Frame, RequestHead

CAPTURED = Path(os.environ["HUB_CAPTURED_SAMPLES"]) / "access"
READER = DeviceContext(
    site="site", id="captured", address="captured", time_zone=ZoneInfo("Asia/Shanghai"), options=ADAPTER.options()
)


def post(table: str, body: str, received: str) -> Decoded:
    head = RequestHead("POST", "/iclock/cdata", {"SN": "captured", "table": table}, {})
    moment = datetime.fromisoformat(received).replace(tzinfo=UTC)
    decoded = ADAPTER.decode(Frame(payload=body.encode(), received=moment, request=head), READER)
    assert decoded.unreadable is None
    assert decoded.reply is not None
    assert decoded.reply.payload == b"OK"
    return decoded


def test_every_record_is_one_event_of_its_code() -> None:
    lines = (CAPTURED / "zk-acc-rtlog-real.tsv").read_text().splitlines()[1:]
    events = [event for line in lines for event in post("rtlog", line.split("|\t", 1)[1] + "\r\n", line[:19]).events]
    assert len(events) == len(lines)
    assert len({event.id for event in events}) == len(events)
    assert Counter((event.vendorcode, event.type) for event in events) == {
        ("zk:3", "access.granted"): 38,
        ("zk:10", "access.granted"): 2,
        ("zk:206", "device.reported"): 5,
        ("zk:102", "door.forced"): 5,
        ("zk:100", "device.tampered"): 1,
        ("zk:239", "device.reported"): 1,
        ("zk:240", "device.reported"): 1,
    }
    for event in events:
        if event.type == "access.granted":
            assert event.data.model_dump()["method"] == "face"
            assert event.data.model_dump()["person"]["ref"] in {"1", "2", "120"}


def test_every_state_line_tells_the_door_and_both_alarms() -> None:
    blocks = (CAPTURED / "zk-acc-rtstate-real.txt").read_text().split("\n", 1)[1].strip().split("\n\n")
    seen = Counter[str]()
    for block in blocks:
        received, *lines = block.splitlines()
        events = post("rtstate", "\r\n".join(lines) + "\r\n", received).events
        assert len(events) == 3 * len(lines)
        for number, line in enumerate(lines):
            moved, forced, tampered = events[3 * number : 3 * number + 3]
            assert moved.type == ("door.closed" if "sensor=01" in line else "door.opened")
            assert (forced.type, forced.data.model_dump()["active"]) == ("door.forced", "alarm=01" in line)
            assert (tampered.type, tampered.data.model_dump()["active"]) == ("device.tampered", "alarm=02" in line)
            seen[moved.type] += 1
    assert min(seen.values()) > 0


def test_the_handshake_is_answered_step_by_step() -> None:
    raw = (CAPTURED / "zk-acc-session-real.http").read_bytes()
    frames = list(frames_of(ADAPTER, raw, hex=False, topic="", received=datetime(2026, 2, 23, 4, 20, 52, tzinfo=UTC)))
    answers = []
    for frame in frames:
        assert isinstance(frame, Frame)
        decoded = ADAPTER.decode(frame, READER)
        assert decoded.unreadable is None
        assert decoded.reply is not None
        answers.append(decoded.reply.payload.decode().split("=")[0].splitlines()[0])
    assert answers == ["registry", "RegistryCode", "ServerVersion", "OK", "OK", "OK"]
