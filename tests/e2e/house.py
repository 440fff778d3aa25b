"""One building with its hub, as a test uses it: started one way or the other, restarted, killed; and its desk."""

import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from simulators.gate import Gate
from simulators.locker import Locker
from simulators.panel import Panel
from simulators.reader import Reader
from simulators.simulator import Simulator, running
from tests.e2e.building import Building
from tests.e2e.desk import Desk
from tests.e2e.process import HubProcess

both_ways = pytest.mark.parametrize("house", [(), ("--split",)], ids=["one-process", "split"], indirect=True)

FOUR = ("gate-e1", "reader-n1", "locker-2", "fire-b3")
"""a device of each kind"""
KINDS = ("access.granted", "access.denied", "compartment.forced", "fire.alarm")
"""what `one_of_each` makes them say"""


class Devices:
    """All simulated devices of the building by id, alive; `gate`, `reader`, `locker` and `panel` are one of each."""

    def __init__(self, by_id: dict[str, Simulator[Any]]) -> None:
        self.by_id = by_id

    @property
    def gate(self) -> Gate:
        gate = self.by_id["gate-e1"]
        assert isinstance(gate, Gate)
        return gate

    @property
    def reader(self) -> Reader:
        reader = self.by_id["reader-n1"]
        assert isinstance(reader, Reader)
        return reader

    @property
    def locker(self) -> Locker:
        locker = self.by_id["locker-2"]
        assert isinstance(locker, Locker)
        return locker

    @property
    def panel(self) -> Panel:
        panel = self.by_id["fire-b3"]
        assert isinstance(panel, Panel)
        return panel

    def one_of_each(self) -> list[Simulator[Any]]:
        """Something happens at each of the four: a record of a kind of KINDS."""
        self.gate.person_passes("R-001")
        self.reader.card_refused("40999001")
        self.locker.forced("3")
        self.panel.alarm("217/6")
        return [self.gate, self.reader, self.locker, self.panel]


class House:
    """`ways` are the arguments that `hub run` is started with, `environment` what it finds there besides ours."""

    def __init__(self, building: Building, ways: tuple[str, ...], environment: Mapping[str, str] | None = None) -> None:
        self.building = building
        self.ways = ways
        self.environment = environment or {}
        self.desk = Desk(building.url)
        self._runs: list[HubProcess] = []

    @property
    def split(self) -> bool:
        return "--split" in self.ways

    @property
    def hub(self) -> HubProcess:
        return self._runs[-1]

    def begin(self, *more: str) -> HubProcess:
        """Start `hub run` and don't wait."""
        self._runs.append(HubProcess(self.building, *self.ways, *more, environment=self.environment))
        return self.hub

    async def start(self, *more: str) -> None:
        """Start it and wait until it is ready; the first time sign in and bring in the people."""
        first = not self._runs
        self.begin(*more)
        await self.hub.ready()
        if first:
            await self.desk.sign_in(self.password)
            await self.desk.import_people(self.building.config / "people.csv")

    async def stop(self) -> None:
        """Ctrl-C; it ends well, and nothing went wrong in it that nobody had thought of."""
        assert await self.hub.interrupt() == 0, self.hub.logged
        assert "Traceback" not in self.hub.logged
        assert '"exception"' not in self.hub.logged

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @property
    def written(self) -> bytes:
        """Everything that its hub wrote to stdout and stderr, all runs together."""
        return b"".join(run.written for run in self._runs)

    @property
    def password(self) -> str:
        """What the first start printed."""
        found = re.search(r"first user: admin .*: (\S+)", self._runs[0].said)
        assert found, self._runs[0].said
        return found[1]

    @contextlib.asynccontextmanager
    async def devices(self, *ids: str, speed: float = 20.0) -> AsyncIterator[Devices]:
        """These devices (all where none is named) alive and connected inside the block."""
        made = self.building.fleet(speed).all({})
        chosen = {name: device for name, device in made.items() if not ids or name in ids}
        async with running(*chosen.values()):
            for device in chosen.values():
                await device.connected.wait()
            yield Devices(chosen)

    @contextlib.contextmanager
    def held(self, file: str) -> Iterator[None]:
        """Nobody else can write to this database of the data directory. The hub waits up to 5 s for a writer."""
        other = sqlite3.connect(self.building.data / file, timeout=5, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        finally:
            other.close()

    def rows(self, file: str, query: str) -> list[tuple[Any, ...]]:
        """Read a database past the hub."""
        with contextlib.closing(sqlite3.connect(f"file:{self.building.data / file}?mode=ro", uri=True)) as other:
            return other.execute(query).fetchall()

    async def close(self) -> None:
        await self.desk.close()
        for run in self._runs:
            run.end()
        (self.building.data / "reserve").unlink(missing_ok=True)  # or each test's folder would keep it
