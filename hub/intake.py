"""The intake: canonical events to one commit, then receipts. Life first; what fails is found out alone.

with the batch's transaction:  unseen → facts → decide, apply → add;  committed: receipts for all of it
"""

import asyncio
import contextlib
import json
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import ValidationError

from hub.bus import topics
from hub.bus.client import BrokerAddress, BusClient, Message
from hub.core.building import Building
from hub.core.device_events import DeadlineReached
from hub.core.effects import ClearDeadline
from hub.core.envelope import Lane
from hub.core.events import Event, parse_event
from hub.core.facts import Facts
from hub.core.passing import Passing
from hub.rules import decide
from hub.rules.bare import raise_bare
from hub.store import effects, events, facts, outbox, quarantine
from hub.store.database import Priority, Store, StoreAway, Transaction
from hub.store.devices import DeviceStatus, save_status
from hub.store.told import Decided

log = structlog.get_logger()

BATCH = 256
DECIDING = 0.010
BUFFERED = 8192
"""events taken in and not committed, a lane; the hosts' windows keep it far below"""
TRIES = 3
AWAY_FIRST, AWAY_MOST = 0.2, 5.0
STATUS_EVERY = 1.0

Receipt = Callable[[str, Sequence[tuple[int, int]]], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """An event and, where one waits for its commit (the scheduler), whom to tell."""

    event: Event
    done: "asyncio.Future[bool] | None" = None


class Intake:
    """`tell_host(host, ranges)` reaches a host in the same process; the others get theirs over the broker."""

    def __init__(
        self,
        building: Building,
        store: Store,
        broker: BrokerAddress,
        channels: tuple[str, ...] = ("desk",),
        tell_host: Receipt = lambda host, ranges: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._building = building
        self._site = building.site.id
        self._store = store
        self._channels = channels
        self._tell_host = tell_host
        self._clock = clock
        self._lanes: dict[Lane, deque[Taken]] = {"life": deque(), "routine": deque()}
        self._work = asyncio.Event()
        self._greeted: set[str] = set()
        self._statuses: dict[str, Mapping[str, Any]] = {}
        self._kept_commands: set[str] = set()
        self.passing = Passing()
        self.ticked = time.monotonic()
        self.store_away: str = ""
        self._counted: Counter[str] = Counter()
        self._spools: dict[str, int] = {}
        own = f"hub/v1/{self._site}"
        self._bus: dict[Lane, BusClient] = {
            "life": BusClient(
                broker,
                f"intake-{self._site}-life",
                subscriptions=(f"{own}/events/life/+",),
                on_message=self._on_message,
                on_up=self._greeted.clear,
            ),
            "routine": BusClient(
                broker,
                f"intake-{self._site}-routine",
                subscriptions=(f"{own}/events/routine/+", f"{own}/hosts/+", f"{own}/devices/+"),
                on_message=self._on_message,
                on_up=self._greeted.clear,
            ),
        }

    # running

    async def run(self) -> None:
        """Take events until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane, client in self._bus.items():
                tasks.create_task(client.run(), name=f"intake-bus-{lane}")
            tasks.create_task(self._settle_all(), name="intake")
            tasks.create_task(self._save_statuses(), name="intake-statuses")

    @property
    def health(self) -> dict[str, Any]:
        return {
            "broker": all(client.connected for client in self._bus.values()),
            "store": not self.store_away,
            "waiting": sum(len(lane) for lane in self._lanes.values()),
            "taken": {lane: self._counted[lane] for lane in self._lanes},
            "batches": self._counted["batches"],
            "receipts": self._counted["receipts"],
            "spools": dict(self._spools),
        }

    # what comes in

    def offer(self, offered: Sequence[Event]) -> None:
        """Life events straight from a host in this process: the broker's copy changes nothing any more."""
        for event in offered:
            self._take(Taken(event))

    def reached(self, event: Event) -> "asyncio.Future[bool]":
        """A deadline that fell due. True once it is decided and its row gone; False if it was cleared meanwhile."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._take(Taken(event, done))
        return done

    def host_status(self, host: str, status: Mapping[str, Any]) -> None:
        """A host's word of the second."""
        self.passing.host_said(host, status)
        if "waiting" in status:
            self._spools[host] = int(status["waiting"])
        self._kept_commands.update(status.get("kept") or ())
        if host not in self._greeted:
            self._greeted.add(host)
            self._send_receipt(host, [], restart=True)

    def device_status(self, status: Mapping[str, Any]) -> None:
        self._statuses[str(status["device"])] = status

    def _take(self, taken: Taken) -> None:
        lane = self._lanes[taken.event.lane]
        if len(lane) >= BUFFERED:
            return  # without a receipt the host sends it again
        lane.append(taken)
        self._work.set()

    def _on_message(self, message: Message) -> None:
        topic = topics.parse(message.topic)
        if topic is None:
            return
        match topic.kind:
            case "events":
                self._on_event(message.payload)
            case "hosts":
                said = json.loads(message.payload)
                if said:
                    self.host_status(topic.name, said)
            case "devices":
                self.device_status(json.loads(message.payload))
            case _:
                pass

    def _on_event(self, payload: bytes) -> None:
        try:
            self._take(Taken(parse_event(payload)))
        except ValidationError as error:
            asyncio.ensure_future(self._refuse(payload, str(error)))  # noqa: RUF006  # comes again until receipted

    # one commit after the other

    async def _settle_all(self) -> None:
        while True:
            self.ticked = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), 1.0)
            lane: Lane = "life" if self._lanes["life"] else "routine"
            waiting = self._lanes[lane]
            if not waiting:
                self._work.clear()
                continue
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            left = await self._settle(batch, lane)
            waiting.extendleft(reversed(left))

    async def _settle(self, batch: Sequence[Taken], lane: Lane) -> Sequence[Taken]:
        """Commit a batch and send its receipts. Returns what there was no time for."""
        priority = Priority.LIFE if lane == "life" else Priority.ROUTINE
        try:
            settled = await self._store.write(priority, lambda tx: self._decide(tx, batch))
        except StoreAway as error:
            await self._wait_for_the_store(str(error))
            return batch
        except Exception:
            log.exception("batch_failed", events=len(batch))
            await self._settle_alone(batch)
            return ()
        self.store_away = ""
        self._settled(batch[: settled.taken], settled.gone)
        return batch[settled.taken :]

    def _decide(self, tx: Transaction, batch: Sequence[Taken]) -> "Settled":
        """In the writer's thread: everything that the batch changes, in one transaction."""
        fresh = events.unseen(tx, [taken.event for taken in batch])
        known = facts.load(tx, self._building, facts.Wanted.of(fresh, self._building), tx.now)
        known.channels = self._channels
        decided: list[Decided] = []
        gone: set[str] = set()
        taken = len(batch)
        started = time.perf_counter()
        for event in fresh:
            if decided and event.lane == "routine" and time.perf_counter() - started > DECIDING:
                taken = next(i for i, other in enumerate(batch) if _same_row(other.event, event))
                break
            if not isinstance(event, DeadlineReached):
                decided.append(Decided(event, event.at, known.apply(decide(event, known))))
            elif _still_due(event, known):
                over = ClearDeadline(event.data.deadline)
                decided.append(Decided(event, event.at, [over, *known.apply(decide(event, known))]))
            else:
                gone.add(str(event.id))
        events.add(tx, [d.cause for d in decided if d.cause], self._building)
        effects.add_all(tx, self._site, decided)
        return Settled(taken, frozenset(gone))

    async def _settle_alone(self, batch: Sequence[Taken]) -> None:
        """One of these fails: if the database itself is well, each goes alone, with fresh facts."""
        for taken in batch:
            await self._settle_one(taken)

    async def _settle_one(self, taken: Taken) -> None:
        problem = ""
        priority = Priority.LIFE if taken.event.lane == "life" else Priority.ROUTINE
        tried = 0
        while tried < TRIES:
            try:
                settled = await self._store.write(priority, lambda tx: self._decide(tx, [taken]))
            except StoreAway as error:
                await self._wait_for_the_store(str(error))
                continue
            except Exception:  # noqa: BLE001  # whatever a rule or the database does, the event isn't lost
                tried += 1
                problem = traceback.format_exc()
                continue
            self._settled([taken], settled.gone)
            return
        log.error("event_quarantined", type=taken.event.type, device=taken.event.device, id=str(taken.event.id))
        await self._until_written(priority, lambda tx: self._quarantine(tx, taken.event, problem))
        self._settled([taken], frozenset())

    def _quarantine(self, tx: Transaction, event: Event, problem: str) -> None:
        """A commit of its own: the event and why; a life event is raised bare, by no rule."""
        quarantine.add_event(tx, self._site, event, reason="event_failed", traceback=problem)
        if event.lane == "life":
            effects.add(tx, self._site, raise_bare(event), cause=None, at=event.at)

    async def _refuse(self, payload: bytes, problem: str) -> None:
        """Not one of our events: kept whole with the reason, and receipted if it says whose it is."""
        log.error("event_unreadable", bytes=len(payload))
        await self._until_written(
            Priority.ROUTINE,
            lambda tx: quarantine.add_bytes(tx, self._site, payload, reason="event_unreadable", traceback=problem),
        )
        with contextlib.suppress(ValueError, KeyError, TypeError):
            said = json.loads(payload)
            self._send_receipt(str(said["host"]), [(int(said["sequence"]), int(said["sequence"]))])

    async def _until_written(self, priority: Priority, work: Callable[[Transaction], None]) -> None:
        while True:
            try:
                await self._store.write(priority, work)
            except StoreAway as error:
                await self._wait_for_the_store(str(error))
            else:
                return

    async def _wait_for_the_store(self, reason: str) -> None:
        """Until a probe row can be committed."""
        if not self.store_away:
            log.error("store_away", reason=reason)
        self.store_away = reason or "away"
        wait = AWAY_FIRST
        while True:
            await asyncio.sleep(wait)
            self.ticked = time.monotonic()
            wait = min(wait * 2, AWAY_MOST)
            try:
                await self._store.probe()
            except StoreAway:
                continue
            log.info("store_back")
            self.store_away = ""
            return

    # after the commit

    def _settled(self, batch: Sequence[Taken], gone: frozenset[str]) -> None:
        by_host: dict[str, list[int]] = {}
        self._counted["batches"] += 1
        for taken in batch:
            self._counted[taken.event.lane] += 1
            if taken.event.host and taken.event.sequence is not None:
                by_host.setdefault(taken.event.host, []).append(taken.event.sequence)
            if taken.done and not taken.done.done():
                taken.done.set_result(str(taken.event.id) not in gone)
        for host, sequences in by_host.items():
            self._send_receipt(host, _ranges(sequences))

    def _send_receipt(self, host: str, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
        self._counted["receipts"] += 1
        self._tell_host(host, ranges)
        said: dict[str, Any] = {"host": host, "sequences": [list(r) for r in ranges]}
        if restart:
            said["restart"] = True
        self._bus["routine"].publish(topics.receipts(self._site, host), json.dumps(said).encode(), qos=0)

    # what hosts and devices say of themselves

    async def _save_statuses(self) -> None:
        """Once a second, together: the devices' last word, and which commands their hosts have."""
        while True:
            await asyncio.sleep(STATUS_EVERY)
            statuses, self._statuses = self._statuses, {}
            kept, self._kept_commands = self._kept_commands, set()
            read = [status for said in statuses.values() if (status := DeviceStatus.read(said))]
            if not read and not kept:
                continue
            try:
                await self._store.write(Priority.ROUTINE, lambda tx: _save(tx, read, kept))  # noqa: B023  # awaited here
            except StoreAway:
                self._statuses = {**statuses, **self._statuses}
                self._kept_commands |= kept


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of a batch was taken, and which deadlines in it were cleared before."""

    taken: int
    gone: frozenset[str]


def _save(tx: Transaction, statuses: Sequence[DeviceStatus], kept: set[str]) -> None:
    if statuses:
        save_status(tx, *statuses)
    if kept:
        outbox.command_kept(tx, kept)


def _same_row(one: Event, other: Event) -> bool:
    """A copy that is stored under an id of its own is still the same row of its host's spool."""
    return one.id == other.id or (one.host is not None and (one.host, one.sequence) == (other.host, other.sequence))


def _still_due(event: DeadlineReached, known: Facts) -> bool:
    deadline = known.deadlines.get(event.data.deadline)
    return deadline is not None and deadline.due == event.data.due


def _ranges(sequences: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted runs, both ends included."""
    runs: list[tuple[int, int]] = []
    for sequence in sorted(sequences):
        if runs and sequence <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], sequence)
        else:
            runs.append((sequence, sequence))
    return runs
