"""The kill loop itself, short: `make chaos` is the same with more kills."""

import json
import subprocess
import sys


def test_six_kills_under_load_lose_nothing_and_do_nothing_twice() -> None:
    loop = [sys.executable, "-m", "chaos", "--kills", "6", "--seed", "3"]
    ended = subprocess.run(loop, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (found["kills"], found["lost"], found["twice"], found["wrong"]) == (6, 0, 0, 0)
    assert found["sent"] > 100
