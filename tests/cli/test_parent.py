"""The small parent: starts again what failed, ends with what ended as asked, passes signals on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WITHIN = 60
PARENT = (
    "import sys; from hub.cli.parent import keep_running; sys.exit(keep_running(sys.executable, '-c', sys.argv[1]))"
)


def parent(child: str, folder: Path) -> "subprocess.Popen[str]":
    """A parent of `python -c child`, which finds `lives`: how often it was started."""
    count = f"import os, sys, time; open('lives', 'a').write('x'); lives = len(open('lives').read()); {child}"
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, count],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def lives(folder: Path) -> int:
    return len((folder / "lives").read_text()) if (folder / "lives").exists() else 0


def until_alive(folder: Path, number: int = 1) -> None:
    deadline = time.monotonic() + WITHIN
    while lives(folder) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_ended_as_asked_or_could_not_start_is_not_started_again(tmp_path: Path, code: int) -> None:
    assert parent(f"sys.exit({code})", tmp_path).wait(WITHIN) == code
    assert lives(tmp_path) == 1


@pytest.mark.parametrize("failure", ["sys.exit(70)", "os.kill(os.getpid(), 9)"])
def test_what_failed_is_started_again_and_that_is_said(tmp_path: Path, failure: str) -> None:
    process = parent(f"{failure} if lives == 1 else sys.exit(0)", tmp_path)
    _, said = process.communicate(timeout=WITHIN)
    assert (process.returncode, lives(tmp_path)) == (0, 2)
    assert "started again" in said


def test_one_that_ran_before_and_can_not_start_just_now_is_tried_again(tmp_path: Path) -> None:
    process = parent("sys.exit({1: 70, 2: 1, 3: 0}[lives])", tmp_path)
    assert process.wait(WITHIN) == 0
    assert lives(tmp_path) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_the_status_is_the_childs(tmp_path: Path, number: int) -> None:
    ends = "import signal; signal.signal({0}, lambda *_: sys.exit(0)); open('ready', 'w'); time.sleep(60)"
    process = parent(ends.format(number), tmp_path)
    deadline = time.monotonic() + WITHIN
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(WITHIN) == 0
    assert lives(tmp_path) == 1


def test_a_child_that_a_passed_signal_killed_is_not_started_again(tmp_path: Path) -> None:
    process = parent("time.sleep(60)", tmp_path)
    until_alive(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(WITHIN) == 128 + signal.SIGTERM
    assert lives(tmp_path) == 1


def test_it_can_be_stopped_while_it_waits_to_start_again(tmp_path: Path) -> None:
    process = parent("sys.exit(70)", tmp_path)
    until_alive(tmp_path, 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(WITHIN) in (0, 70, 128 + signal.SIGTERM)


def test_a_parent_that_is_killed_takes_the_child_with_it(tmp_path: Path) -> None:
    process = parent("open('pid', 'w').write(str(os.getpid())); open('ready', 'w'); time.sleep(60)", tmp_path)
    deadline = time.monotonic() + WITHIN
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = int((tmp_path / "pid").read_text())
    process.kill()
    process.wait()
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
