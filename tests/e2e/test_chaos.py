"""The kill loop itself: `make chaos` is the same with other numbers."""

import json
import subprocess
import sys

import pytest

KEYS = {
    "kills", "sent", "lost", "twice", "wrong", "deadlines_wrong", "notices_two_keys", "commands_twice",
    "outcomes_unknown",
}  # fmt: skip
ALLOWED = {"kills", "sent", "outcomes_unknown"}


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize(("kills", "more"), [(50, []), (20, ["--postgresql"])], ids=["sqlite", "postgresql"])
def test_kills_under_load_lose_nothing_and_do_nothing_twice(kills: int, more: list[str]) -> None:
    loop = [sys.executable, "-m", "chaos", "--kills", f"{kills}", "--seed", "3", *more]
    ended = subprocess.run(loop, capture_output=True, text=True, timeout=500, check=False)
    told = ended.stdout + ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found.keys() == KEYS
    assert {column: found[column] for column in KEYS - ALLOWED} == dict.fromkeys(KEYS - ALLOWED, 0), told
    assert found["kills"] == kills
    assert found["sent"] > 20 * kills
    assert ended.returncode == 0, told
