"""`python -m chaos --kills N --seed N`: progress, then one JSON object. Exit 1 if anything but an outcome is wrong."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.check import ALLOWED, COLUMNS, Findings
from chaos.life import Database, live
from chaos.plan import AT_ONCE, Kill, lives, plan
from tests.e2e.building import FreePorts, first_building, make_building
from tests.postgresql import Server

SHOWN = 20
"""faults of a column that are told in words"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="the records in a PostgreSQL of its own")
    asked = parser.parse_args()
    logging.disable()  # the simulators' own words: the line is lost, again
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, _server(asked.postgresql) as server:
        result = asyncio.run(Loop(Path(folder), asked.seed, server).run(asked.kills))
    say(json.dumps(result))
    return int(any(result[column] for column in COLUMNS if column != ALLOWED))


@contextlib.contextmanager
def _server(wanted: bool) -> Iterator[Server | None]:
    if not wanted:
        yield None
        return
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.end()


class Loop:
    """Building after building, AT_ONCE of them at a time."""

    def __init__(self, folder: Path, seed: int, server: Server | None) -> None:
        self._folder = folder
        self._seed = seed
        self._server = server
        self._began = time.monotonic()
        self._ports = FreePorts(os.environ.get("PYTEST_XDIST_WORKER", ""))
        self._free = asyncio.Semaphore(AT_ONCE)
        self._counted: Counter[str] = Counter()
        self._kills = 0

    async def run(self, kills: int) -> dict[str, int]:
        """Returns what the last line says."""
        first = first_building(self._folder / "first")
        async with asyncio.TaskGroup() as group:
            for number, some in enumerate(lives(plan(kills, self._seed)), start=1):
                group.create_task(self._one(number, some, first))
        return self._result()

    async def _one(self, number: int, kills: list[Kill], first: Path) -> None:
        """A building that can't be brought to its end is a fault, and the others go on."""
        async with self._free:
            try:
                findings = await self._live(number, kills, first)
            except (Exception, pytest.fail.Exception) as problem:  # noqa: BLE001  # whatever it was, it is told
                self._say(number, f"given up: {problem!r}"[:4000])
                self._counted["wrong"] += 1
            else:
                self._tell(findings)
                self._counted.update(findings.counts)
            self._kills += len(kills)
            self._say(number, f"over; by now {json.dumps(self._result())}")

    async def _live(self, number: int, kills: list[Kill], first: Path) -> Findings:
        place = self._folder / f"{number}"
        place.mkdir()
        building = make_building(place, first, self._ports.four())
        database = None
        if server := self._server:
            name = server.create()
            database = Database(server.url(name), lambda query: server.rows(name, query))
        return await live(
            building,
            kills,
            f"{self._seed}/{number}",
            self._ports.one(),
            lambda line: self._say(number, line),
            database,
        )

    def _result(self) -> dict[str, int]:
        return {"kills": self._kills, "sent": self._counted["sent"]} | {c: self._counted[c] for c in COLUMNS}

    def _tell(self, findings: Findings) -> None:
        for column in COLUMNS:
            for line in findings.lines[column][:SHOWN]:
                say(f"          {column}: {line}")

    def _say(self, number: int, line: str) -> None:
        say(f"{time.monotonic() - self._began:6.1f} s  building {number}, {line}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
