"""A life that was printed happens again, turn by turn, whatever order Python gives its sets."""

import os
import subprocess
import sys
from pathlib import Path

LIFE = """
state = Building()
state.begins(seed=7, split=True)
state.a_parcel_comes_or_goes(ago=0, compartment='1', locker='locker-1', turns=60)
state.a_point_burns_or_is_quiet(point=1, turns=80)
state.the_hubs_clock_is_stepped(wrong_by=datetime.timedelta(days=1, seconds=3600))
state.a_parcel_comes_or_goes(ago=400, compartment='2', locker='locker-2', turns=30)
state.a_compartment_is_left_open_or_closed(compartment='3', locker='locker-2', turns=40)
state.messages_come_twice(count=5, turns=12, which=3)
state.a_process_is_killed_just_after(commits=1, moment='command', slow='', turns=2, which=0)
state.a_connection_breaks(noticed=3.0, turns=50, which=2)
state.a_process_is_killed_just_after(commits=2, moment='deadline', slow='', turns=4, which=1)
state.the_broker_dies_or_comes_back(turns=20)
state.a_process_is_killed_in_a_commit(most=90, which=1)
state.teardown()
"""
HERE = Path(__file__).parents[2]


def test_a_printed_life_happens_again_turn_by_turn(tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    steps.write_text(LIFE)
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.replay", str(steps)],
            cwd=HERE,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (run.communicate(timeout=300)[0].splitlines() for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert len(one) > 1000
    first = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    assert first is None, f"turn {first}: {one[first]} or {other[first]}"
    assert len(one) == len(other)
