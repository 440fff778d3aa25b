"""A process of the hub, wired as app.py does it, over files in memory; it can be killed between any two steps."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Literal, TypeVar

from hub.adapters import load_adapters
from hub.bus.client import BrokerAddress
from hub.core.adapter import Adapter, Frame, Outgoing
from hub.core.building import Building
from hub.core.device_events import DeadlineReached
from hub.core.notifier import Channel
from hub.dispatch import Dispatch
from hub.host import Host, HostSettings
from hub.intake import Intake
from hub.scheduler import Scheduler
from hub.store.database import Store, Transaction
from hub.store.sealing import Keys
from hub.store.spool import Spool
from hub.transports import Receive
from tests.simulation import disk
from tests.simulation.broker import Broker, FakeClient
from tests.simulation.clock import Clock
from tests.simulation.turns import Loop, Worker

T = TypeVar("T")
Part = Literal["all", "host", "desk"]
HOST = "hub-1"
FILES: dict[Part, tuple[str, ...]] = {"all": ("spool.db", "hub.db"), "host": ("spool.db",), "desk": ("hub.db",)}
ADAPTERS = {name: a for name, a in load_adapters().items() if name in ("locker_mqtt", "gbt26875")}
NOWHERE = BrokerAddress("nowhere", 1883)


class Line:
    """Where the hub listens on TCP: no socket, and a connection that the simulation makes and breaks."""

    def __init__(self, adapter: Adapter, address: str, port: int, receive: Receive, *_: object) -> None:
        self._adapter = adapter
        self._receive = receive
        self._connections: dict[int, list[bytes]] = {}
        self.port = port
        self.listening = False

    async def start(self) -> None:
        self.listening = True

    async def stop(self) -> None:
        self.listening = False

    def open(self, number: int, heard: list[bytes]) -> None:
        """What is said to it on this connection is added to `heard`."""
        self._connections[number] = heard

    def close(self, number: int) -> None:
        self._connections.pop(number, None)

    def is_open(self, connection: int) -> bool:
        return connection in self._connections

    def send(self, connection: int, outgoing: Outgoing) -> bool:
        if not self.is_open(connection):
            return False
        self._connections[connection].append(outgoing.payload)
        return True

    def says(self, number: int, frame: Frame) -> None:
        def answer(kept: "asyncio.Future[Outgoing | None]") -> None:
            if not kept.cancelled() and not kept.exception() and (reply := kept.result()):
                self.send(number, reply)

        self._receive(self._adapter, frame, number).add_done_callback(answer)


class Silent:
    """Nobody calls over HTTP here."""

    port = 0

    def __init__(self, *_: object) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Process:
    """`told` is each file's log when the loop last could hear of a commit in it."""

    def __init__(
        self,
        part: Part,
        folder: Path,
        clock: Clock,
        broker: Broker,
        building: Building,
        keys: Keys,
        channels: dict[str, Channel],
        crew: list[Worker],
        comes: Callable[[Literal["receipt", "deadline"]], None],
    ) -> None:
        self.part = part
        self.folder = folder
        self.loop = Loop(clock)
        self.crew = crew
        """its threads"""
        self.line: Line | None = None
        self.told = dict.fromkeys(FILES[part], disk.NONE)
        self._fresh: set[str] = set()
        """files that a commit went into which nobody heard of yet"""
        self._clock = clock
        self._broker = broker
        self._building = building
        self._keys = keys
        self._channels = channels
        self._comes = comes
        self._stores: list[Store] = []
        self.intake: Intake | None = None
        asyncio._set_running_loop(self.loop)
        self.main = self.loop.create_task(self._serve())
        asyncio._set_running_loop(None)

    async def _serve(self) -> None:
        site = self._building.site.id
        session = partial(FakeClient, self._broker)
        intake = host = store = None
        if self.part in ("all", "desk"):
            store = Store(f"sqlite:///{self.folder / 'hub.db'}", self._keys, self._clock.now)
            self._stores.append(store)
            await store.open()
            self.intake = intake = Intake(
                self._building,
                store,
                NOWHERE,
                tuple(self._channels),
                tell_host=lambda name, ranges: host.receipt(ranges) if host else None,
                session=session,
            )
        if self.part in ("all", "host"):
            spool = Spool(self.folder / "spool.db", self._keys)
            await spool.open()
            settings = HostSettings(HOST, NOWHERE, readers_port=0, tcp_ports={"gbt26875": 0})
            host = Host(settings, self._building, ADAPTERS, spool, intake, self._clock.now, session)
            host.receipt = self._hearing(host.receipt)  # type: ignore[method-assign]
            self.line = host._tcp["gbt26875"]  # type: ignore[assignment]  # a Line, by the world's patch
        async with asyncio.TaskGroup() as tasks:
            if host:
                ready = asyncio.Event()
                tasks.create_task(host.run(ready))
                await ready.wait()
            if intake and store:
                tasks.create_task(intake.run())
                scheduler = Scheduler(site, store, self._reached, intake.passing.passed, self._clock.now)
                tasks.create_task(scheduler.run())
                beside = host.command if host else None
                dispatch = Dispatch(self._building, store, NOWHERE, self._channels, beside, self._clock.now, session)
                tasks.create_task(dispatch.run())

    def _hearing(self, receipt: Callable[..., None]) -> Callable[..., None]:
        def heard(ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
            receipt(ranges, restart=restart)
            if ranges:
                self._comes("receipt")

        return heard

    def _reached(self, event: DeadlineReached) -> Awaitable[bool]:
        assert self.intake
        self._comes("deadline")
        return self.intake.reached(event)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Straight from the desk's store, between two steps."""
        return self._stores[0]._transact(self._stores[0]._reading, work)

    # steps

    def choices(self, slow: str) -> Sequence[str]:
        """`slow`: of this thread's disk nothing comes."""
        can = ["loop"] * self.loop.can_turn() + ["job"] * bool(self.loop.jobs)
        return can + [
            f"worker {number}" for number, worker in enumerate(self.crew) if worker.can_turn() and worker.name != slow
        ]

    def step(self, choice: str) -> bool:
        """True if a commit went into a file that nobody heard of yet."""
        if choice == "loop":
            self._fresh.clear()
            self.loop.turn()
        elif choice == "job":
            self.loop.do_job()
        else:
            worker = self.crew[int(choice.split()[1])]
            before = {name: disk.log_of(self.folder / name) for name in self.told}
            self.told |= {name: log for name, log in before.items() if name not in self._fresh}
            worker.turn()
            grown = {name for name in self.told if disk.log_of(self.folder / name) != before[name]}
            self._fresh |= grown
            return bool(grown)
        return False

    def die(self, place: Path, choose: Random) -> None:
        """kill -9 alone, or the machine's power with it: what nobody was told of is whole, gone or cut at some byte."""
        cut = choose.choice((0.0, choose.random(), 1.0))
        for name in self.told:
            if name not in self._fresh:
                self.told[name] = disk.log_of(self.folder / name)
            disk.leave(self.folder / name, place, self.told[name], cut)
        self.drop()
        shutil.rmtree(self.folder)

    def drop(self) -> None:
        self._broker.cut_off(self.loop)
        for worker in self.crew:
            worker.kill()
        for store in self._stores:
            store._writing.dispose()
            store._reading.dispose()
        self.main.cancel()  # nothing hears of it any more; but a coroutine that is merely forgotten complains
        while self.loop.can_turn():
            self.loop.turn()
        self.loop.close()
