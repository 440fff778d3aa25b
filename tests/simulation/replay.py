"""A life again, step by step, from what a failing run printed: `.venv/bin/python -m tests.simulation.replay FILE`.

Prints each turn and each message, and in the end what wasn't as promised.
"""

import datetime
import sys
from pathlib import Path

import structlog

from tests.simulation.machine import Building


def replay(steps: str) -> Building:
    """`steps`: the lines that begin with `state`; others are passed over."""
    known = {"state": Building(), "datetime": datetime}
    for line in steps.splitlines():
        if line.strip().startswith("state.") and "teardown" not in line:
            exec(line.strip(), known)
    state = known["state"]
    assert isinstance(state, Building)
    return state


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    building = replay(Path(sys.argv[1]).read_text())
    try:
        building.teardown()
    finally:
        sys.stdout.writelines(f"{turn}\n" for turn in building.world.trace)
