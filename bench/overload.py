"""`make overload`: for a minute ten times what the machine can take, from one gate, while a fire panel alarms.

What was sent is what is kept, what the hub let fall and what the broker dropped, to the last one; the last line is one
JSON object with that sum, the fires' times and the memory.
"""

import argparse
import http.client
import json
import os
import re
import sqlite3
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import fire, stored
from bench.desk import Desk, desk
from bench.process import python
from bench.site import ENTRY

TIMES = 25_000.0
"""frames a second: about ten times the whole path's throughput"""
DRAINED_WITHIN = 180.0


@dataclass(frozen=True, slots=True)
class Told:
    sent: int
    kept: int
    let_fall: int
    dropped: int
    """by the broker, whose queue for the hub was full"""
    fires: int
    fire_p99_ms: float
    rest_mib: float
    most_mib: float

    @property
    def adds_up(self) -> bool:
        return self.sent == self.kept + self.let_fall + self.dropped


def run(directory: Path, seconds: float, *, rate: float = TIMES, stored_before: int = 1000) -> Told:
    """Raises TimeoutError when the hub doesn't come to rest."""
    prefilled = directory / "store"
    stored.fill(prefilled, stored_before)
    with desk(directory, prefilled) as running:
        before = _kept(directory)
        rest = most = running.memory()
        over = threading.Event()
        fires: list[float] = []
        alarms = threading.Thread(target=lambda: fires.extend(fire.during(running, over, seconds + 60)), daemon=True)
        with python("bench.flood", running.broker, seconds, rate) as flood:
            flood.says("ready")
            alarms.start()
            flood.begin()
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                most = max(most, running.memory())
                time.sleep(0.2)
            sent = int(flood.tells()["sent"])
        over.set()
        alarms.join(60)
        told = (0, 0, 0)
        deadline = time.monotonic() + DRAINED_WITHIN
        while sum(told) < sent:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{sent} sent; kept, let fall, dropped: {told}")
            time.sleep(1.0)
            most = max(most, running.memory())
            told = (_kept(directory) - before, _counted(running, "hub_frames_let_fall"), _dropped(running))
        return Told(sent, *told, len(fires), round(fire.percentile(fires, 0.99), 1), round(rest, 1), round(most, 1))


def _kept(directory: Path) -> int:
    """The gate's passages in the store."""
    with sqlite3.connect(f"file:{directory / 'data' / 'hub.db'}?mode=ro", uri=True) as store:
        query = "SELECT count(*) FROM events WHERE device = ? AND type LIKE 'access.%'"
        return int(store.execute(query, (ENTRY,)).fetchone()[0])


def _dropped(running: Desk) -> int:
    return _counted(running, "hub_broker_dropped")


def _counted(running: Desk, name: str) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", running.page, timeout=20)
    asked.request("GET", "/metrics")
    said = asked.getresponse().read().decode()
    asked.close()
    return int(sum(float(number) for number in re.findall(rf"^{name}_total(?:{{.*}})? (\S+)$", said, re.MULTILINE)))


def main() -> None:
    os.environ.pop("HUB_DATABASE", None)  # what was kept is counted in SQLite's file
    parser = argparse.ArgumentParser(prog="make overload")
    parser.add_argument("--seconds", type=float, default=60)
    with tempfile.TemporaryDirectory(prefix="overload-") as directory:
        told = run(Path(directory), parser.parse_args().seconds)
    print(json.dumps(asdict(told) | {"adds_up": told.adds_up}))


if __name__ == "__main__":
    main()
