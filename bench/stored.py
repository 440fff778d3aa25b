"""A store as it is after months: N events of the mix, the visits and parcels that go with them, residents, and the
visitors who are expected when a run begins."""

import asyncio
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

from bench import database, floor, mix
from bench.site import building
from hub.core.events import Event
from hub.core.records import Credential, Person, Visit
from hub.store import accounts, events, people, visits
from hub.store.accounts import ApiToken
from hub.store.database import Priority, Store, Transaction
from hub.store.sealing import Keys

TOKEN = "bench-token"
_AT_ONCE = 4000
_MOULD = 4000
"""events decoded; the others are these at other times"""
_EVENTS_A_VISIT = 20


def fill(directory: Path, wanted: int) -> None:
    """A database (bench.database), and `keys` in `directory`."""
    directory.mkdir(parents=True)
    asyncio.run(_fill(directory, wanted))


def fill_floor(file: Path, wanted: int) -> None:
    opened = floor.open_database(file)
    begin = mix.now() - timedelta(days=1)
    some = [floor.Event.model_validate(e.model_dump() | {"host": mix.HOST, "sequence": 0}) for e in _mould(begin)]
    for start in range(0, wanted, len(some)):
        fresh = [e.model_copy(update={"id": _moved(e.id, start)}) for e in some[: wanted - start]]
        floor.store(opened, fresh)
    opened.close()


async def _fill(directory: Path, wanted: int) -> None:
    store = Store(database.make(directory, wanted), Keys.load_or_create(directory))
    await store.open()
    site, now = building().site.id, mix.now()
    begin = now - timedelta(days=20)
    some = _mould(begin)
    for start in range(0, wanted, _AT_ONCE):
        batch = [
            _another(some[(start + i) % _MOULD], begin, start + i, wanted) for i in range(min(_AT_ONCE, wanted - start))
        ]
        await store.write(Priority.ROUTINE, lambda tx, batch=batch: events.add(tx, batch, building()))  # type: ignore[misc]
    past = wanted // _EVENTS_A_VISIT
    for start in range(0, past, _AT_ONCE):
        over = [
            _past_visit(site, i, begin + (now - begin) * i / past) for i in range(start, min(past, start + _AT_ONCE))
        ]
        await store.write(Priority.ROUTINE, lambda tx, over=over: visits.put(tx, over))  # type: ignore[misc]

    def who(tx: Transaction) -> None:
        people.save(tx, *(_resident(site, i) for i in range(mix.RESIDENTS)))
        visits.put(tx, [_expected(site, i, now) for i in range(mix.VISITORS)])
        accounts.add_token(tx, site, TOKEN, ApiToken("bench", "bench", "admin", now, None))

    await store.write(Priority.ROUTINE, who)
    await store.close()


def _mould(begin: datetime) -> list[Event]:
    return list(islice(mix.events(begin, life=False), _MOULD))


def _another(event: Event, begin: datetime, number: int, wanted: int) -> Event:
    at = begin + timedelta(days=19) * number / wanted
    milliseconds = int(at.timestamp() * 1000)
    identity = UUID(int=milliseconds << 80 | _moved(event.id, number).int & (1 << 80) - 1)
    return event.model_copy(
        update={"id": identity, "host": "hub-0", "sequence": number + 1, "time": at, "received": at}
    )


def _moved(identity: UUID, by: int) -> UUID:
    return UUID(int=identity.int ^ by << 16)


def _resident(site: str, number: int) -> Person:
    ref = mix.resident(number)
    ways = (
        Credential(id=f"c-{number}", site=site, person=ref, kind="card", number=str(5_000_000 + number), ref=ref),
        Credential(id=f"k-{number}", site=site, person=ref, kind="pin", ref=str(number + 1)),
    )
    return Person(
        id=ref, site=site, kind="owner", name=f"住户{number}", phone=f"139{number:08d}",
        unit=mix.unit(number), credentials=ways,
    )  # fmt: skip


def _expected(site: str, number: int, now: datetime) -> Visit:
    return Visit(
        id=f"visit-{number}", site=site, ref=mix.visitor(number), state="expected", kind="visit",
        name=f"访客{number}", unit=mix.unit(number), phone=f"138{number:08d}",
        visited=mix.resident(number), announced_at=now, starts=now - timedelta(hours=1),
        ends=now + timedelta(hours=8), by="desk",
    )  # fmt: skip


def _past_visit(site: str, number: int, at: datetime) -> Visit:
    return Visit(
        id=f"past-{number}", site=site, ref=f"8{number:07d}", state="departed", kind="visit", name=f"访客{number}",
        unit=mix.unit(number), phone=f"137{number:08d}", announced_at=at, starts=at, opened_at=at,
        departed_at=at + timedelta(hours=1), by="desk",
    )  # fmt: skip
