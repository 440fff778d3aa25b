"""`python -m chaos --kills N --seed N`: progress, then one JSON object. Exit 1 if anything but an outcome is wrong."""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from chaos.check import ALLOWED, COLUMNS, Findings
from chaos.life import live
from chaos.plan import lives, plan
from tests.e2e.building import FreePorts, first_building, make_building

SHOWN = 20
"""faults of a column that are told in words"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.disable()  # the simulators' own words: the line is lost, again
    result = asyncio.run(run(asked.kills, asked.seed))
    say(json.dumps(result))
    return int(any(result[column] for column in COLUMNS if column != ALLOWED))


async def run(kills: int, seed: int) -> dict[str, int]:
    """Returns what the last line says."""
    began = time.monotonic()
    counted: Counter[str] = Counter()
    ports = FreePorts(os.environ.get("PYTEST_XDIST_WORKER", ""))
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        first = first_building(Path(folder) / "first")
        for number, some in enumerate(lives(plan(kills, seed)), start=1):
            place = Path(folder) / f"{number}"
            place.mkdir()
            building = make_building(place, first, ports.four())

            def progress(line: str, number: int = number) -> None:
                say(f"{time.monotonic() - began:6.1f} s  building {number}, {line}")

            findings = await live(building, some, f"{seed}/{number}", ports.one(), progress)
            tell(findings)
            counted.update(findings.counts)
    return {"kills": kills, "sent": counted["sent"]} | {column: counted[column] for column in COLUMNS}


def tell(findings: Findings) -> None:
    for column in COLUMNS:
        for line in findings.lines[column][:SHOWN]:
            say(f"          {column}: {line}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
