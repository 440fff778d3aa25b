"""A worker that stops is named, where everything stands is written down, and the process ends to be started again."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from hub import systemd, watchdog
from hub.pulse import AT_MOST, USUAL, Pulse
from hub.watchdog import STOPPED, Watchdog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_pulse_is_overdue_when_it_has_not_beaten_for_its_time(clock: Clock) -> None:
    pulse = Pulse(clock)
    assert pulse.overdue(1000) == 0, "it hasn't begun"
    pulse.beat()
    assert pulse.overdue(USUAL - 1) == 0
    assert pulse.overdue(USUAL + 1) == 1
    pulse.beat(30)
    assert pulse.overdue(29) == 0
    pulse.rest()
    assert pulse.overdue(1000) == 0


def test_who_waits_for_a_disk_has_stopped_only_where_nobody_asks_the_disk(clock: Clock) -> None:
    asked = True
    pulse = Pulse(clock)
    pulse.beat(disk=lambda: asked)
    assert pulse.overdue(USUAL + 5) == 0
    assert pulse.overdue(USUAL + AT_MOST + 1) > 0, "but not for ever"
    asked = False
    assert pulse.overdue(USUAL + 5) == 5


async def test_the_one_that_stopped_is_named_and_every_stack_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(watchdog, "SHOWN_FOR", 0.1)
    ended: list[int] = []
    stopped, well = Pulse(), Pulse()
    stopped.beat(0.1)
    well.beat()
    dog = Watchdog(tmp_path, lambda: {"scheduler": stopped, "host": well}, ended.append)

    async def waits_for_what_never_comes() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(waits_for_what_never_comes(), name="the-one-that-waits")
    async with dog.watching():
        async with asyncio.timeout(20):
            while not dog.health["stopped"]:
                await asyncio.sleep(0.01)
            assert (dog.health["ticking"], dog.health["stopped"]) == (False, ["scheduler"])
            while not ended:
                await asyncio.sleep(0.01)
    task.cancel()
    assert ended == [STOPPED]
    said = capfd.readouterr().err
    assert "Thread" in said
    assert "the-one-that-waits" in said
    assert "waits_for_what_never_comes" in said
    again = Watchdog(tmp_path, dict)
    before = again.health["before"]
    assert isinstance(before, dict)
    assert before["workers"] == ["scheduler"]


async def test_the_process_ends_also_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(watchdog, "SHOWN_FOR", 0.1)
    never = threading.Event()
    monkeypatch.setattr("faulthandler.dump_traceback", lambda **_: never.wait(60))
    ended = threading.Event()
    stopped = Pulse()
    stopped.beat(0.1)
    async with Watchdog(tmp_path, lambda: {"host": stopped}, lambda _: ended.set()).watching():
        assert await asyncio.to_thread(ended.wait, 20), "a full pipe holds the watchdog too"
    never.set()


async def test_a_process_that_was_held_is_not_one_that_stopped(tmp_path: Path, clock: Clock) -> None:
    pulse = Pulse(clock)
    pulse.beat()
    dog = Watchdog(tmp_path, lambda: {"host": pulse}, clock=clock)
    clock.now = 60.0
    assert dog.overdue(clock.now) == {"host": 50.0}
    dog._start_anew(60.0)
    assert dog.overdue(clock.now) == {}


async def test_systemd_hears_that_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.02)
        systemd.notify("READY=1")
        assert ear.recv(100) == b"READY=1"
        async with Watchdog(tmp_path, dict).watching():
            assert await asyncio.to_thread(ear.recv, 100) == b"WATCHDOG=1"


def test_a_socket_that_is_not_there_is_no_matter_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody-listens-here")
    systemd.notify("READY=1")
