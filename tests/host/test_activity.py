"""What a device's rhythm says, as events; kept over the hub's own restarts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.core.adapter import DeviceContext, Frame
from hub.core.device_events import DeviceTrouble
from hub.core.events import Event
from hub.host.activity import SAVE_EVERY, Activity
from hub.host.supervision import Supervision
from hub.store.sealing import Keys
from hub.store.spool import Spool
from tests.host.house import BUILDING, LOCKER, PANEL, House, record

NOON = datetime(2026, 4, 10, 12, tzinfo=UTC)


class Watched:
    """A locker that is used all day long, by its declaration; its link is there."""

    def __init__(self, spool: Spool) -> None:
        busy = {"busy": "00:00-24:00 every 1h"}
        self.devices = {d.id: d.model_copy(update=busy) for d in BUILDING.devices.values()}
        self.monotonic = 0.0
        self.now = NOON
        supervision = Supervision(self.devices.values(), 0.0)
        for device in self.devices:
            supervision.heard(device, NOON, 0.0, peer="", connection=1)
        self.contexts = {
            name: DeviceContext("b1", name, name, UTC, kind_lane="life" if name == PANEL else "routine")
            for name in BUILDING.devices
        }
        self.activity = Activity(self.devices, self.contexts, supervision, spool, 0.0)

    def passes(self, seconds: float) -> list[str]:
        found: list[Event] = []
        for _ in range(int(seconds // 30)):
            self.monotonic += 30
            self.now += timedelta(seconds=30)
            found += self.activity.fell_quiet(self.now, self.monotonic)
        return [event.device for event in found if isinstance(event, DeviceTrouble) and event.data.active]

    def used(self, type_name: str = "compartment.opened") -> list[bool]:
        from hub.adapters import load_adapters

        adapter = load_adapters()["locker_mqtt"]
        frame = Frame(record(1, type_name), self.now, topic=f"locker/v1/b1/{LOCKER}/up")
        events = adapter.decode(frame, self.contexts[LOCKER]).events
        heard = self.activity.heard(LOCKER, frame, events)
        return [event.data.active for event in heard if isinstance(event, DeviceTrouble)]


async def spool(folder: Path) -> Spool:
    opened = Spool(folder / "spool.db", Keys.load_or_create(folder))
    await opened.open()
    return opened


async def test_a_device_that_does_nothing_is_told_once_and_so_is_its_being_at_work_again(tmp_path: Path) -> None:
    watched = Watched(await spool(tmp_path))
    assert watched.passes(3500) == []
    idle = watched.passes(600)
    assert LOCKER in idle
    assert PANEL not in idle, "a fire panel is quiet while all is well"
    assert watched.passes(7200) == []
    assert watched.used() == [False]
    assert watched.used() == []


async def test_a_held_process_makes_nobody_quiet(tmp_path: Path) -> None:
    watched = Watched(await spool(tmp_path))
    watched.monotonic += 7200
    assert watched.activity.fell_quiet(watched.now, watched.monotonic) == []


async def test_a_restart_forgets_no_quiet_and_a_long_one_counts_none(tmp_path: Path) -> None:
    kept = await spool(tmp_path)
    first = Watched(kept)
    first.passes(3000)
    await first.activity.save(first.now, SAVE_EVERY + 1)
    soon = Watched(kept)
    await soon.activity.open(first.now + timedelta(minutes=5))
    assert LOCKER in soon.passes(900)
    long_after = Watched(kept)
    await long_after.activity.open(first.now + timedelta(hours=5))
    assert long_after.passes(3000) == []


async def test_one_that_was_idle_before_the_restart_still_is_and_can_end_it(tmp_path: Path) -> None:
    kept = await spool(tmp_path)
    first = Watched(kept)
    assert LOCKER in first.passes(4000)
    await first.activity.save(first.now, first.monotonic)
    again = Watched(kept)
    await again.activity.open(first.now + timedelta(days=3))
    assert LOCKER not in again.passes(8000)
    assert again.used() == [False]


async def test_a_habit_that_cannot_be_read_is_learned_anew(tmp_path: Path) -> None:
    kept = await spool(tmp_path)
    await kept.keep_habits({LOCKER: "{", "gone": "{}"})
    watched = Watched(kept)
    await watched.activity.open(NOON)
    assert LOCKER in watched.passes(4000)


async def test_a_running_host_keeps_them(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.running():
        await house.host._activity.save(NOON, float("inf"))
        assert LOCKER in await house.spool.habits()
        assert PANEL not in await house.spool.habits()
