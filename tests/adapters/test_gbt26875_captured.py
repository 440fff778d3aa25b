"""Frames captured from real transmission devices decode to what they are known to mean."""

import os
from datetime import UTC, datetime
from pathlib import Path

from hub.adapters.gbt26875 import ADAPTER
from hub.adapters.gbt26875.framing import split
from hub.core.adapter import Decoded, Frame
from tests.adapters.gbt26875_frames import device, said

FOLDER = Path(os.environ["HUB_CAPTURED_SAMPLES"]) / "fire"


def captured(name: str) -> list[tuple[str | None, Decoded]]:
    """Each frame of a file: its source address and its meaning."""
    stream = bytes.fromhex((FOLDER / name).read_text())
    found = split(stream)
    assert (found.junk, found.rest) == ((), b"")
    frames = [Frame(payload=raw, received=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) for raw in found.frames]
    return [(ADAPTER.address(frame, "site"), ADAPTER.decode(frame, device())) for frame in frames]


def test_a_component_in_fire_told_weeks_later() -> None:
    ((address, found),) = captured("gb26875_component_fire.hex")
    assert address == "0"
    assert said(found.events) == [("fire.alarm", "gb:2/b1")]
    (alarm,) = found.events
    assert (alarm.subject, alarm.delivery, alarm.clock) == ("zone/217/point/6", "backlog", "device")
    assert alarm.time == datetime(2020, 8, 1, 11, 18, 48, tzinfo=UTC)
    assert alarm.data.model_dump(exclude_none=True) == {
        "active": True,
        "zone": "217",
        "point": "6",
        "panel_label": "Ａ区１层呷哺走廊",
        "detector": "unknown",
        "coincidence": "none",
    }
    assert found.reply is not None
    expected = "40400000010105040b02011a0605040302010000000000000000034b2323"
    assert found.reply.payload.hex() == expected
    assert found.unreadable is None


def test_main_power_lost_and_the_two_answers() -> None:
    fault, confirm, deny = captured("gb26875_main_power_fault_confirm_deny.hex")
    assert fault[0] == "889"
    assert said(fault[1].events) == [("fire.trouble", "gb:21/b3")]
    (trouble,) = fault[1].events
    assert (trouble.subject, trouble.time) == (None, datetime(2012, 9, 26, 1, 58, 2, tzinfo=UTC))
    assert trouble.data.model_dump()["part"] == "main_power"
    assert fault[1].reply is not None
    for (_, answer), done in ((confirm, True), (deny, False)):
        assert [(outcome.ref, outcome.done) for outcome in answer.outcomes] == [("1", done)]
        assert (answer.events, answer.reply) == ((), None)


def test_a_centres_duty_check_is_kept_and_nothing_is_done() -> None:
    ((_, found),) = captured("gb26875_inspection_command.hex")
    assert found.unreadable is None
    assert said(found.events) == [("device.reported", "gb:command 1/91")]
    assert found.events[0].data.model_dump()["text"] == "a centre's command: duty check, 10 minutes"
