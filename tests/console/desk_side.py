"""A console over a temporary store, with made-up records, and without MQTT."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.test_utils import TestClient

from hub.console.desk import Desk
from hub.console.server import build
from hub.core.building import Building, Device, DeviceDoor, Door, Name, Post, Site, Zone
from hub.core.events import Event
from hub.core.facts import Facts
from hub.rules import decide
from hub.store import accounts, effects, events, facts
from hub.store.accounts import User
from hub.store.database import Priority, Store, Transaction
from hub.store.facts import Wanted
from hub.store.sealing import Keys

PASSWORD = "correct horse battery"
ROLES = ("desk", "manager", "auditor", "admin")


def name(zh: str, en: str) -> Name:
    return Name(zh=zh, en=en)


BUILDING = Building(
    site=Site(
        id="yunhe", name=name("云河雅苑", "Yunhe Court"), time_zone="Asia/Shanghai", address="青澜市云河区望江路 216 号"
    ),
    posts={
        "desk": Post(
            id="desk", name=name("前台", "Front desk"), first_for=("visitor", "parcel", "help"), phone="0000-6160-0001"
        ),
        "fire-room": Post(
            id="fire-room", name=name("消控室", "Fire room"), first_for=("fire",), phone="0000-6160-0119"
        ),
        "east": Post(id="east", name=name("东门岗", "East gate"), first_for=("door",), public=True),
    },
    zones={
        "estate": Zone(id="estate", name=name("园区", "Grounds")),
        "b3": Zone(
            id="b3", name=name("3号楼", "Building 3"), floors=("B1", "1", "2", "7"), fire_zones=("b3/01", "b3/07")
        ),
    },
    doors={"east-1": Door(id="east-1", name=name("东门 1 号通道", "East gate, lane 1"), into="estate", escape=True)},
    devices={
        "gate-e1": Device(
            id="gate-e1",
            name=name("东门 1 号人脸闸", "East face gate 1"),
            adapter="face_mqtt",
            address="1026801",
            heartbeat=timedelta(seconds=30),
            silence=timedelta(seconds=90),
            doors={"1": DeviceDoor(door="east-1", direction="entry")},
        ),
        "locker-2": Device(
            id="locker-2",
            name=name("3号楼快递柜", "Building 3 locker"),
            adapter="locker_mqtt",
            address="locker-2",
            heartbeat=timedelta(seconds=60),
            silence=timedelta(seconds=180),
            compartments={"07": "S", "12": "M"},
        ),
        "fire-b3": Device(
            id="fire-b3",
            name=name("3号楼消防主机", "Building 3 fire panel"),
            adapter="gbt26875",
            address="3460",
            heartbeat=timedelta(seconds=30),
            silence=timedelta(seconds=90),
            serves=("b3",),
        ),
    },
)


@dataclass
class Clock:
    """A clock that tests can move."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Console:
    desk: Desk
    app: web.Application
    clock: Clock

    async def write(self, work: Callable[[Transaction], object]) -> None:
        await self.desk.store.write(Priority.ROUTINE, work)

    async def happen(self, *happened: Event) -> None:
        """What the intake does with events: stored, decided, applied, in one commit."""

        def work(tx: Transaction) -> None:
            known = facts.load(tx, self.desk.building, Wanted.of(happened, self.desk.building), self.clock())
            for event in events.unseen(tx, happened):
                events.add(tx, [event], self.desk.building)
                done = known.apply(decide(event, known))
                effects.add(tx, self.desk.site, done, cause=event, at=event.at)

        await self.desk.store.write(Priority.LIFE, work)

    async def facts(self, wanted: Wanted) -> Facts:
        return await self.desk.store.read(lambda tx: facts.load(tx, self.desk.building, wanted, self.clock()))


async def open_console(folder: Path, password_hash: str) -> Console:
    store = Store(f"sqlite:///{folder / 'hub.db'}", Keys.load_or_create(folder))
    await store.open()
    clock = Clock()

    def users(tx: Transaction) -> None:
        for role in ROLES:
            accounts.add_user(tx, "yunhe", User(f"u-{role}", role, f"王{role}", password_hash, role))

    await store.write(Priority.PERSON, users)
    desk = Desk(store=store, building=BUILDING, clock=clock)
    return Console(desk, build(desk), clock)


Browser = TestClient[web.Request, web.Application]


class SignIn(Protocol):
    async def __call__(self, who: str, post: str = "desk") -> Browser: ...
