"""The store: one thread that writes, by priority; a few that read; every piece of work is one transaction."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from itertools import count
from queue import PriorityQueue
from threading import Lock, Thread
from typing import TypeVar

from sqlalchemy import Connection, Engine, select

from hub.pulse import AT_MOST, Pulse
from hub.store import tables
from hub.store.changes import Change, Changes, Emergency
from hub.store.disk import take_room, use_room
from hub.store.engines import errors_of, is_away, make_engine
from hub.store.migrate import migrate
from hub.store.sealing import Keys, Unsealable
from hub.store.upsert import put

T = TypeVar("T")

_READERS = 2


class Priority(IntEnum):
    """Who goes first. Within one, who came first."""

    LIFE = 0
    PERSON = 1
    DEADLINE = 2
    DISPATCH = 3
    ROUTINE = 4


class StoreAway(Exception):
    """The database can't be reached, written or read just now. Try again later: nothing of the work has happened, or
    all of it, where the connection broke during the commit."""


class StoreClosed(StoreAway):
    """The store was closed before the work began."""


class KeysWrong(Exception):
    """The database was sealed with other keys: its key file has to be put back."""


@dataclass(slots=True)
class Transaction:
    """What work gets: one connection inside one transaction. `now` is when it began, in UTC; `life_waits` says whether
    a matter of life waits for its end."""

    connection: Connection
    keys: Keys
    now: datetime
    life_waits: Callable[[], bool]
    topics: set[str] = field(default_factory=set)
    life: bool = False
    became: list[Emergency] = field(default_factory=list)

    def touch(self, topic: str, *, life: bool = False, became: Iterable[Emergency] = ()) -> None:
        """Say that records of this kind change with this transaction, and what alerts and incidents became."""
        self.topics.add(topic)
        self.life |= life
        self.became += became


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    arrival: int
    run: Callable[[], None] | None = field(compare=False)
    refuse: Callable[[], None] = field(compare=False)


class Store:
    """`url` as SQLAlchemy writes it: `sqlite:////path/hub.db`."""

    def __init__(self, url: str, keys: Keys, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.changes = Changes()
        self.pulse = Pulse()
        self._waiting = 0
        self._url = url
        self._keys = keys
        self._clock = clock
        self._writing = make_engine(url, writing=True)
        self._reading = make_engine(url, writing=False)
        self._problems = {self._writing: "", self._reading: ""}
        self._errors = errors_of(self._writing)
        self._untold: set[str] = set()
        self._untold_life = False
        self._jobs: PriorityQueue[_Job] = PriorityQueue()
        self._arrivals = count()
        self._gate = Lock()
        self._open = False
        self._writer = Thread(target=self._write_all, name="store-writer", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    @property
    def is_file(self) -> bool:
        """Whether it lies on this machine's own disk."""
        return self._writing.dialect.name == "sqlite"

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def away(self) -> str:
        """Why it could not be written or read the last time that it was tried; "" when it could."""
        return next((problem for problem in self._problems.values() if problem), "")

    async def open(self) -> None:
        """Bring the schema up to date and start. Until then all work is refused with StoreAway. Raises StoreAway, after
        which it may be tried again, KeysWrong, migrate.NewerSchema."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._prepare)
        self._open = True
        self._writer.start()

    async def close(self) -> None:
        """The work under way is finished; what still waits is refused with StoreClosed."""
        with self._gate:
            started, self._open = self._open, False
            if started:
                self._jobs.put(_Job(-1, next(self._arrivals), None, lambda: None))
        loop = asyncio.get_running_loop()
        if started:
            await loop.run_in_executor(None, self._writer.join)
        await loop.run_in_executor(None, self._readers.shutdown)
        self._writing.dispose()
        self._reading.dispose()
        self.changes.close()

    async def write(self, priority: Priority, work: Callable[[Transaction], T]) -> T:
        """`work` in a transaction of its own, its result once committed. If it raises, nothing has happened."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                _settle(future, lambda: self._transact(self._writing, work))

        def refuse() -> None:
            if future.set_running_or_notify_cancel():
                future.set_exception(StoreClosed("the store was closed before this was written"))

        with self._gate:
            if not self._open:
                raise StoreClosed("the store is not open")
            self._jobs.put(_Job(priority, next(self._arrivals), run, refuse))
        with self._asked():
            return await asyncio.wrap_future(future)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """`work` over one unchanging view of what is committed; it can't write."""
        if not self._open:
            raise StoreClosed("the store is not open")
        with self._asked():
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._transact, self._reading, work)

    def is_asked(self) -> bool:
        """Whether somebody waits for the database."""
        return self._waiting > 0

    @contextmanager
    def _asked(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def take_room(self) -> None:
        """Take room on the disk that nobody else can fill; a server has its own. Raises StoreAway."""
        if self.is_file:
            await self.write(Priority.LIFE, lambda tx: take_room(tx.connection))
            await self.write(Priority.LIFE, lambda tx: use_room(tx.connection))

    async def probe(self) -> None:
        """Commit one row, before all else. Raises StoreAway where the database takes none."""
        await self.write(Priority.LIFE, _write_probe)

    def _write_all(self) -> None:
        while (job := self._jobs.get()).run is not None:
            self.pulse.beat(AT_MOST)
            job.run()
            self.pulse.rest()
        while not self._jobs.empty():
            self._jobs.get().refuse()

    def _transact(self, engine: Engine, work: Callable[[Transaction], T]) -> T:
        tx = None
        try:
            with engine.begin() as connection:
                tx = Transaction(connection, self._keys, self._clock(), self._life_waits)
                result = work(tx)
        except self._errors as error:
            if not is_away(error):
                raise
            if tx is not None:  # it may be committed all the same: whoever listens looks again as soon as they can
                self._untold |= tx.topics
                self._untold_life |= tx.life
            cause = getattr(error, "orig", error)  # of what SQLAlchemy tells: the driver's error
            self._problems[engine] = " ".join(str(cause).split()) or type(cause).__name__
            raise StoreAway(self._problems[engine]) from error
        self._problems[engine] = ""
        if engine is self._writing and self._untold:
            tx.topics |= self._untold
            tx.life |= self._untold_life
            self._untold, self._untold_life = set(), False
        if tx.topics:
            self.changes.publish(Change(frozenset(tx.topics), tx.life, tuple(tx.became)))
        return result

    def _life_waits(self) -> bool:
        waiting = self._jobs.queue
        return bool(waiting) and waiting[0].priority == Priority.LIFE

    def _prepare(self) -> None:
        self._transact(self._writing, lambda tx: migrate(tx.connection))
        self._transact(self._writing, _check_keys)


def _settle(future: "Future[T]", work: Callable[[], T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  it belongs to who asked for the work, and is raised there
        future.set_exception(error)
    else:
        future.set_result(result)


_KEY_MARK = b"front-desk-hub"


def _check_keys(tx: Transaction) -> None:
    """A key file lost and made anew is noticed before anything is sealed with it."""
    sealed = tx.connection.scalar(select(tables.marks.c.value).where(tables.marks.c.name == "keys"))
    if sealed is None:
        fresh = tx.keys.seal(_KEY_MARK, table="marks", column="value", row="keys")
        put(tx.connection, tables.marks, [{"name": "keys", "value": fresh}])
        return
    try:
        tx.keys.unseal(sealed, table="marks", column="value", row="keys")
    except Unsealable as error:
        raise KeysWrong("the database was sealed with other keys; put its key file back") from error


def _write_probe(tx: Transaction) -> None:
    put(tx.connection, tables.marks, [{"name": "probe", "value": tx.now.isoformat().encode()}])
