"""Captured and vendor's own frames mean what the protocol's page says. Read only where they are."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.adapters.face_mqtt import ADAPTER
from hub.core.access_events import AccessGranted, PersonSeen
from hub.core.adapter import Decoded, DeviceContext, Frame
from hub.core.device_events import DeviceOnline


def captured(name: str) -> bytes:
    found = list(Path(os.environ["HUB_CAPTURED_SAMPLES"]).rglob(name))
    assert found, f"{name} isn't in the folder that HUB_CAPTURED_SAMPLES names"
    return found[0].read_bytes()


def decoded(name: str, topic: str, received: datetime) -> tuple[Decoded, str]:
    payload = captured(name)
    address = str(json.loads(payload)["info"]["facesluiceId"])
    frame = Frame(payload, received, topic.format(address=address))
    assert ADAPTER.address(frame, "site") == address
    device = DeviceContext("site", "face_mqtt", address, ZoneInfo("Asia/Shanghai"), options=ADAPTER.options())
    return ADAPTER.decode(frame, device), address


def test_a_real_recognition() -> None:
    received = datetime(2026, 4, 10, 2, 0, 9, tzinfo=UTC)
    found, address = decoded("face-mqtt-recpush-real.json", "mqtt/face/{address}/Rec", received)
    (event,) = found.events
    assert isinstance(event, AccessGranted)
    assert (event.time, event.clock, event.delivery) == (datetime(2026, 4, 10, 2, 0, 7, tzinfo=UTC), "device", "live")
    assert event.data.model_dump(exclude_none=True) == {
        "door": "1",
        "direction": "unknown",
        "method": "face",
        "person": {"ref": "", "name": "PERSON-A", "list": "allow"},
        "similarity": 83.0,
        "mask": "not_worn",
    }
    assert b"12345" not in event.model_dump_json().encode().replace(str(event.id).encode(), b"")
    assert found.reply is not None
    assert found.reply.topic == f"mqtt/face/{address}"
    assert json.loads(found.reply.payload)["info"] == {"PushAckType": 2, "SnapOrRecordID": 2}


def test_a_recognition_asked_for_again() -> None:
    received = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found, _ = decoded("face-mqtt-recpush-manual-replay-vendor.json", "mqtt/face/{address}/Rec", received)
    (event,) = found.events
    assert isinstance(event, AccessGranted)
    assert (event.time, event.delivery) == (datetime(2023, 9, 22, 6, 38, tzinfo=UTC), "backlog")
    assert event.data.person is not None
    assert event.data.person.name == "PERSON-C"
    assert event.data.mask == "unknown"
    assert found.reply is not None
    assert json.loads(found.reply.payload)["info"] == {"PushAckType": 2, "SnapOrRecordID": 466}


def test_a_stranger() -> None:
    received = datetime(2023, 9, 18, 4, 0, 31, tzinfo=UTC)
    found, _ = decoded("face-mqtt-strsnappush-vendor.json", "mqtt/face/{address}/Snap", received)
    (event,) = found.events
    assert isinstance(event, PersonSeen)
    assert event.time == datetime(2023, 9, 18, 4, 0, 30, tzinfo=UTC)
    assert event.data.person is not None
    assert event.data.person.list == "stranger"
    assert found.reply is not None
    assert json.loads(found.reply.payload)["info"] == {"PushAckType": 1, "SnapOrRecordID": 946}


def test_a_gate_comes_online() -> None:
    found, address = decoded("face-mqtt-online-vendor.json", "mqtt/face/basic", datetime(2022, 8, 4, 7, 11, tzinfo=UTC))
    (event,) = found.events
    assert isinstance(event, DeviceOnline)
    assert event.data.cause == "connect"
    assert found.reply is not None
    assert json.loads(found.reply.payload) == {
        "operator": "Online-Ack",
        "info": {"facesluiceId": address, "result": "ok"},
    }
