"""The kill loop finds what it is there to find: of a hub that is broken on purpose it tells what was lost, or stored
twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ONE_KILL_OF_A_READY_HUB = "171"


@pytest.mark.e2e
@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize(("broken", "column"), [("yes_too_early", "lost"), ("no_id_check", "twice")])
def test_a_broken_hub_is_found_out(broken: str, column: str) -> None:
    loop = [sys.executable, "-m", "chaos", "--kills", "1", "--seed", ONE_KILL_OF_A_READY_HUB]
    environment = {**os.environ, "PYTHONPATH": str(HERE / broken)}
    ended = subprocess.run(loop, capture_output=True, text=True, timeout=280, check=False, env=environment)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])[column] > 0, ended.stdout
