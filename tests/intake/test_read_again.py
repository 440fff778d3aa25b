"""What failed once can be offered again, by a person's wish; a device's bytes never become an event that way."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from hub.bus.client import BrokerAddress
from hub.core.building import Building
from hub.core.events import dump_event
from hub.core.fire_events import FireAlarm, FireCondition
from hub.intake import Intake
from hub.store.database import Store
from hub.store.quarantine import QuarantinedFrame
from hub.store.sealing import Keys

NOW = datetime(2026, 4, 10, 2, 0, 7, tzinfo=UTC)
BUILDING = Building.model_validate(
    {"site": {"id": "yunhe", "name": {"zh": "云河雅苑", "en": "Yunhe Court"}, "time_zone": "Asia/Shanghai"}}
)
EVENT = FireAlarm(
    id=UUID(int=7 << 80 | 8 << 76 | 2 << 62),
    host="edge",
    sequence=7,
    source="/sites/yunhe/devices/fire-b3",
    time=NOW,
    received=NOW,
    lane="life",
    data=FireCondition(active=True, zone="217", point="1"),
)


def kept(**changes: object) -> QuarantinedFrame:
    known = {"id": str(EVENT.id), "site": "yunhe", "device": "fire-b3", "received": NOW, "reason": "event_failed",
             "frame": dump_event(EVENT)}  # fmt: skip
    return QuarantinedFrame(**{**known, **changes})  # type: ignore[arg-type]  # each test says what matters to it


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    return Intake(BUILDING, store, BrokerAddress("127.0.0.1", 1))


async def test_an_event_that_failed_is_taken_again(intake: Intake) -> None:
    assert intake.read_again(kept())
    assert intake.health["waiting"] == 1


@pytest.mark.parametrize(
    "changes",
    [{"reason": "checksum is 7a"}, {"id": "another"}, {"frame": b"\x40\x40\x01"}, {"frame": b"{}"}, {"frame": b""}],
)
async def test_bytes_of_a_device_are_no_event_whatever_they_say(changes: dict[str, object], intake: Intake) -> None:
    assert not intake.read_again(kept(**changes))
    assert intake.health["waiting"] == 0
