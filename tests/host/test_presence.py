"""Who is there: heard, silent, gone by its own word; each change is said once, and said later if the disk was away."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.core.adapter import DeviceContext, Frame
from hub.core.device_events import DeviceOffline, DeviceOnline, Link
from hub.host.presence import Presence
from hub.host.supervision import STARTING, Supervision
from tests.host.house import BUILDING, LOCKER, PANEL, READER

NOW = datetime(2026, 4, 10, tzinfo=UTC)
SILENCE = 90.0


class Watched:
    """`monotonic` seconds pass; the wall clock is what the test says."""

    def __init__(self) -> None:
        self.monotonic = 0.0
        self.now = NOW
        self.contexts = {name: DeviceContext("b1", name, name, UTC) for name in BUILDING.devices}
        self.presence = Presence(self.contexts, Supervision(BUILDING.devices.values(), self.monotonic))

    def heard(self, device: str = PANEL, *, proof: bool = True) -> list[str]:
        frame = Frame(b"", self.now, peer="127.0.0.1")
        return [event.type for event in self.presence.heard(device, frame, self.monotonic, 1, proof=proof)]

    def passes(self, seconds: float) -> list[tuple[str, str]]:
        self.monotonic += seconds
        return [(e.type, e.device) for e in self.presence.fell_silent(self.now, self.monotonic)]

    def will(self, device: str = PANEL) -> list[str]:
        link = Link(cause="lwt")
        frame = Frame(b"", self.now)
        event = self.contexts[device].event(DeviceOffline, link, frame=frame, record="will", boot=self.now)
        return [e.type for e in self.presence.left(event, self.now)]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_silence_is_said_once_and_so_is_coming_back(watched: Watched) -> None:
    assert watched.heard() == ["device.online"]
    assert watched.heard() == []
    watched.passes(SILENCE - 1)
    for other in (LOCKER, READER):
        watched.heard(other)
    assert watched.passes(2) == [("device.offline", PANEL)]
    assert watched.passes(30) == []
    assert watched.heard() == ["device.online"]


def test_a_silence_has_one_id_the_devices_and_its_last_word(watched: Watched) -> None:
    watched.heard()
    watched.monotonic += SILENCE + 1
    watched.now += timedelta(seconds=91)
    (offline,) = [e for e in watched.presence.fell_silent(watched.now, watched.monotonic) if e.device == PANEL]
    assert isinstance(offline, DeviceOffline)
    assert (offline.data.cause, offline.data.last_heard) == ("silence", NOW)
    again = Watched()
    again.heard()
    again.now += timedelta(hours=3)
    (late,) = [e for e in again.presence.fell_silent(again.now, SILENCE + 50) if e.device == PANEL]
    assert late.id == offline.id


def test_a_will_is_said_once_and_not_again_as_silence(watched: Watched) -> None:
    watched.heard()
    assert watched.will() == ["device.offline"]
    assert watched.will() == []
    assert (PANEL, "device.offline") not in watched.passes(SILENCE + 1)
    assert watched.heard() == ["device.online"]


def test_what_any_device_could_have_said_raises_and_never_clears(watched: Watched) -> None:
    assert watched.heard() == ["device.online"]
    assert watched.will() == ["device.offline"]
    assert watched.heard(proof=False) == [], "it may be another one that speaks in its name"
    assert watched.heard(proof=False) == []
    assert watched.heard() == ["device.online"]
    assert watched.heard() == []


def test_after_the_hubs_start_too_only_a_device_itself_clears(watched: Watched) -> None:
    assert watched.heard(proof=False) == []
    assert (PANEL, "device.offline") not in watched.passes(SILENCE - 1)
    assert watched.heard() == ["device.online"]


def test_a_word_on_a_shared_topic_holds_off_the_silence(watched: Watched) -> None:
    watched.heard()
    for _ in range(3):
        assert ("device.offline", PANEL) not in watched.passes(SILENCE - 1)
        watched.heard(proof=False)
    assert ("device.offline", PANEL) in watched.passes(SILENCE + 1)


def test_a_stepped_wall_clock_makes_nobody_silent_and_nobody_heard(watched: Watched) -> None:
    for device in BUILDING.devices:
        watched.heard(device)
    watched.now += timedelta(days=400)
    assert watched.passes(10) == []
    watched.now -= timedelta(days=800)
    assert watched.passes(10) == []
    assert len(watched.passes(SILENCE)) == len(BUILDING.devices)


def test_after_the_hubs_start_each_device_has_time_to_come_back() -> None:
    quick = BUILDING.devices[PANEL].model_copy(update={"silence": timedelta(seconds=5)})
    supervision = Supervision([quick], 0.0)
    assert supervision.fell_silent(NOW, STARTING - 1) == []
    assert len(supervision.fell_silent(NOW, STARTING + 1)) == 1


def test_what_the_disk_did_not_take_is_said_again_before_what_came_after(watched: Watched) -> None:
    watched.heard()
    watched.monotonic += SILENCE + 1
    silent = watched.presence.fell_silent(NOW, watched.monotonic)
    watched.presence.owe(silent)
    assert watched.heard() == ["device.offline", "device.online"]
    assert ("device.offline", LOCKER) in watched.passes(0)
    assert watched.passes(0) == []


def test_an_owed_event_keeps_its_id(watched: Watched) -> None:
    frame = Frame(b"", NOW, peer="127.0.0.1")
    online = watched.presence.heard(PANEL, frame, 0.0, 1)
    assert isinstance(online[0], DeviceOnline)
    watched.presence.owe(online)
    assert watched.presence.fell_silent(NOW, 0.0) == online


def test_a_device_that_comes_and_goes_while_the_disk_is_away_owes_its_last_words(watched: Watched) -> None:
    frame = Frame(b"", NOW)
    for _ in range(1000):
        watched.monotonic += 0.01
        watched.presence.owe(watched.presence.heard(PANEL, frame, watched.monotonic, 1))
        link = Link(cause="lwt")
        will = watched.contexts[PANEL].event(DeviceOffline, link, frame=frame, record="will", boot=NOW)
        watched.presence.owe(watched.presence.left(will, NOW))
    assert watched.passes(1) == [("device.online", PANEL), ("device.offline", PANEL)]
    assert watched.passes(1) == []
