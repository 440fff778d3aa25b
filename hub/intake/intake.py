"""The intake at work: takes events in, settles them batch by batch, a lane beside the other, and sends receipts.

A failed batch is tried an event at a time; one that fails three times is put aside. While the database is away,
everything waits, and nothing gets a receipt.
"""

import asyncio
import contextlib
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from hub.bus import messages, topics
from hub.bus.client import BrokerAddress, BusClient, Message
from hub.core.building import Building
from hub.core.envelope import Lane
from hub.core.events import Event, parse_event
from hub.core.failures import blame
from hub.core.passing import HostStatus, Passing, RowNumber
from hub.core.text import Identifier
from hub.intake.deciding import Settled, put_aside, put_bytes_aside, settle
from hub.intake.lane import Taken, Waiting
from hub.intake.statuses import Statuses
from hub.pulse import Pulse
from hub.store.database import Priority, Store, StoreAway, Transaction
from hub.store.quarantine import QuarantinedFrame

log = structlog.get_logger()

TRIES = 3
AWAY_FIRST, AWAY_MOST = 0.2, 1.0
IDLE = 1.0
REFUSED_AT_ONCE = 100
"""unreadable messages being put aside; beyond, one is let fall, and its host sends it again"""

ASK_AGAIN = 1.0
"""seconds between two words to a host that something of it is missing"""

HOST_SILENT = 10.0
"""seconds without a word of any host, which says one a second: devices hear no yes then, and the desk must know"""

Receipt = Callable[[str, Sequence[tuple[int, int]]], None]
"""(host, ranges): rows that the store has"""


class Row(BaseModel):
    """Whose row a message is, where it says so."""

    model_config = ConfigDict(frozen=True)

    host: Identifier
    sequence: RowNumber


class Intake:
    """`tell_host` reaches a host in the same process; the others get their receipts over the broker."""

    def __init__(
        self,
        building: Building,
        store: Store,
        broker: BrokerAddress,
        channels: tuple[str, ...] = ("desk",),
        tell_host: Receipt = lambda host, ranges: None,
        session: Callable[..., BusClient] = BusClient,
        low: Callable[[], bool] = lambda: False,
        life_comes: Callable[[], None] = lambda: None,
    ) -> None:
        self._building = building
        self._site = building.site.id
        self._store = store
        self._channels = channels
        self._tell_host = tell_host
        self._low = low
        self._life_comes = life_comes
        self._waiting: dict[Lane, Waiting] = {"life": Waiting("life"), "routine": Waiting("routine")}
        self._sessions: dict[str, UUID | None] = {}
        """of each host, as it said last"""
        self._greeted: dict[str, UUID | None] = {}
        """which of them were asked to begin again since ours are there"""
        self._last: dict[tuple[str, Lane], int] = {}
        """of each host and lane, up to which row all has come over the broker"""
        self._asked_again: dict[str, float] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._statuses = Statuses(self._site, store)
        self._counted: Counter[str] = Counter()
        self._spools: dict[str, int] = {}
        self._let_fall: dict[str, Mapping[str, int]] = {}
        self._low_hosts: set[str] = set()
        self._host_heard = -HOST_SILENT
        self._pulses: dict[Lane, Pulse] = {"life": Pulse(), "routine": Pulse()}
        self.passing = Passing()
        self.store_away = ""
        own = f"{topics.ROOT}/{self._site}"
        subscriptions: dict[Lane, tuple[str, ...]] = {
            "life": (f"{own}/events/life/+",),
            "routine": (f"{own}/events/routine/+", f"{own}/hosts/+", f"{own}/devices/+"),
        }
        self._bus = {
            lane: session(
                broker,
                f"intake-{self._site}-{lane}",
                subscriptions=patterns,
                on_message=self._on_message,
                on_up=self._listen_anew,
            )
            for lane, patterns in subscriptions.items()
        }

    async def run(self) -> None:
        """Take events until cancelled. A lane never waits for the other one's batch."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for lane, client in self._bus.items():
                    tasks.create_task(client.run(), name=f"intake-bus-{lane}")
                tasks.create_task(self._settle_all("life", Priority.LIFE), name="intake-life")
                tasks.create_task(self._settle_all("routine", Priority.ROUTINE), name="intake-routine")
                tasks.create_task(self._statuses.run(), name="intake-statuses")
        finally:
            for task in self._refusing:
                task.cancel()

    @property
    def health(self) -> dict[str, Any]:
        return {
            "broker": all(client.ready for client in self._bus.values()),
            "store": self._store.is_open and not self._store.away and not self.store_away,
            "host": time.monotonic() - self._host_heard < HOST_SILENT,
            "waiting": sum(len(waiting) for waiting in self._waiting.values()),
            "taken": {lane: self._counted[lane] for lane in self._waiting},
            "batches": self._counted["batches"],
            "receipts": self._counted["receipts"],
            "spools": dict(self._spools),
            "let_fall": dict(sum(map(Counter, self._let_fall.values()), Counter[str]())),
            "hosts_room": not self._low_hosts,
        }

    @property
    def pulses(self) -> dict[str, Pulse]:
        """Its workers', by name."""
        clients = {f"intake-bus-{lane}": client.pulse for lane, client in self._bus.items()}
        return {**clients, **{f"intake-{lane}": pulse for lane, pulse in self._pulses.items()}}

    def begin_again(self) -> None:
        """Ask every host for what it has: some of it wasn't taken."""
        self._greeted.clear()

    # what comes in

    def offer(self, offered: Sequence[Event]) -> None:
        """Life events straight from a host in this process: the broker's copy changes nothing any more."""
        for event in offered:
            self._take(Taken(event))

    def read_again(self, kept: QuarantinedFrame) -> bool:
        """An event that failed, offered once more because a person says so. False for what is no event of ours: a
        device's frame, whatever its bytes say, is for its adapter to read."""
        if not kept.is_event:
            return False
        try:
            event = parse_event(kept.frame)
        except ValidationError:
            return False
        if str(event.id) != kept.id:
            return False
        self._take(Taken(event, again=True))
        return True

    def reached(self, event: Event) -> "asyncio.Future[bool]":
        """A deadline that fell due. True once it is decided and its row gone; False if it was cleared meanwhile."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._take(Taken(event, done))
        return done

    def host_status(self, host: str, status: HostStatus) -> None:
        """A host's word of the second. One not heard of before, or not over this session of its, begins again: what it
        sent is unknown here."""
        self.passing.host_said(host, status)
        self._spools[host] = status.waiting
        self._let_fall[host] = status.let_fall
        self._low_hosts = self._low_hosts | {host} if status.low else self._low_hosts - {host}
        self._host_heard = time.monotonic()
        self._statuses.kept(status.kept)
        self._sessions[host] = status.session
        self._greet(host)

    def _listen_anew(self) -> None:
        self._greeted.clear()
        for host in self._sessions:
            self._greet(host)

    def _greet(self, host: str) -> None:
        """Once a session of either side, and only when nothing of what it sends then is missed."""
        session = self._sessions[host]
        was_asked = host in self._greeted and self._greeted[host] == session
        if not was_asked and all(client.ready for client in self._bus.values()):
            self._greeted[host] = session
            self._send_receipt(host, [], restart=True)

    def device_status(self, device: str, status: Mapping[str, Any] | None) -> None:
        """A host's word on a device; None: nobody needs to know of it any more."""
        self._statuses.said(device, status)

    def _take(self, taken: Taken) -> bool:
        if taken.event.lane == "life":
            self._life_comes()
        return self._waiting[taken.event.lane].take(taken)

    def _on_message(self, message: Message) -> None:
        topic = topics.parse(message.topic)
        match topic:
            case topics.HubTopic(kind="events"):
                self._on_event(topic, message.payload)
            case topics.HubTopic(kind="hosts", name=host):
                self._on_host(host, message.payload)
            case topics.HubTopic(kind="devices", name=device):
                self._statuses.heard(device, message.payload)
            case _:
                pass

    def _on_host(self, host: str, payload: bytes) -> None:
        if payload in (b"", b"{}"):
            return  # its will: it is gone, and has nothing to say
        try:
            self.host_status(TypeAdapter(Identifier).validate_python(host), HostStatus.model_validate_json(payload))
        except ValidationError as error:
            log.error("host_status_unreadable", problems=error.error_count())

    def _on_event(self, topic: topics.HubTopic, payload: bytes) -> None:
        try:
            event = parse_event(payload)
        except ValidationError as error:
            self._refuse(topic, payload, _problems(error))
            return
        if event.site != self._site:
            self._refuse(topic, payload, "the event is another site's")
        elif event.host is None or event.sequence is None:
            self._refuse(topic, payload, "the event is no row of a host's spool")
        elif event.lane == "routine" and self._low():
            pass  # without a receipt it stays in its host's spool
        else:
            self._take_row(event, event.host, event.sequence)

    def _take_row(self, event: Event, host: str, sequence: int) -> None:
        """If something of its lane was lost before it, its host begins again: a swap of routine rows may not come.
        But life is never kept waiting for what is missing."""
        missing = event.after is not None and event.after > self._last.get((host, event.lane), 0)
        if missing:
            self._ask_again(host)
        if (not missing or event.lane == "life") and self._take(Taken(event)) and not missing:
            self._have(host, event.lane, sequence)

    def _have(self, host: str, lane: Lane, sequence: int) -> None:
        self._last[host, lane] = max(self._last.get((host, lane), 0), sequence)

    def _ask_again(self, host: str) -> None:
        if time.monotonic() - self._asked_again.get(host, -ASK_AGAIN) >= ASK_AGAIN:
            self._asked_again[host] = time.monotonic()
            self._send_receipt(host, [], restart=True)

    # one commit after the other

    async def _settle_all(self, lane: Lane, priority: Priority) -> None:
        waiting = self._waiting[lane]
        while True:
            self._pulses[lane].beat()
            if batch := await waiting.batch(IDLE):
                self._pulses[lane].beat(disk=self._store.is_asked)
                waiting.put_back(await self._settle(priority, batch))

    async def _settle(self, priority: Priority, batch: Sequence[Taken]) -> Sequence[Taken]:
        """Commit a batch and send its receipts. Returns what there was no time for, all of it if the store is away."""
        try:
            settled = await self._store.write(priority, lambda tx: self._decide(tx, batch))
        except StoreAway as error:
            await self._wait_for_the_store(str(error))
            return batch
        except Exception as error:  # noqa: BLE001  # whatever a rule or the database does, no event is lost
            log.error("batch_failed", events=len(batch), failure=blame(error))
            await self._settle_alone(priority, batch)
            return ()
        self._settled(batch[: settled.taken], settled.gone)
        return batch[settled.taken :]

    def _decide(self, tx: Transaction, batch: Sequence[Taken]) -> Settled:
        events = [taken.event for taken in batch]
        again = frozenset(taken.event.id for taken in batch if taken.again)
        return settle(tx, self._building, self._channels, events, again)

    async def _settle_alone(self, priority: Priority, batch: Sequence[Taken]) -> None:
        """One of these fails: if the database itself is well, each goes alone, with fresh facts."""
        await self._until_written(self._store.probe)
        for taken in batch:
            await self._settle_one(priority, taken)

    async def _settle_one(self, priority: Priority, taken: Taken) -> None:
        problem = ""
        tried = 0
        while tried < TRIES:
            self._pulses[taken.event.lane].beat(disk=self._store.is_asked)
            try:
                settled = await self._store.write(priority, lambda tx: self._decide(tx, [taken]))
            except StoreAway as error:
                await self._wait_for_the_store(str(error))
            except Exception as error:  # noqa: BLE001  # as above
                tried += 1
                problem = "".join(traceback.format_exception(error))[-8000:]
                log.error("event_failed", type=taken.event.type, id=str(taken.event.id), failure=blame(error))
            else:
                self._settled([taken], settled.gone)
                return
        await self._put_aside(priority, taken, problem)

    async def _put_aside(self, priority: Priority, taken: Taken, problem: str) -> None:
        event = taken.event
        log.error("event_quarantined", type=event.type, device=event.device, id=str(event.id))
        for store in (True, False):
            try:
                await self._until_written(
                    lambda: self._store.write(
                        priority,
                        lambda tx: put_aside(tx, self._building, event, problem, store=store),  # noqa: B023  # awaited
                    )
                )
            except Exception as error:  # noqa: BLE001  # its storing fails too: the second time goes without
                log.error("event_not_put_aside", id=str(event.id), failure=blame(error))
            else:
                self._settled([taken], frozenset())
                return
        self._waiting[event.lane].settled([taken])  # no receipt: it stays in its host's spool, and comes again
        if taken.done and not taken.done.done():
            taken.done.set_result(False)

    # what is none of our events

    def _refuse(self, topic: topics.HubTopic, payload: bytes, problem: str) -> None:
        if len(self._refusing) >= REFUSED_AT_ONCE:
            return
        log.error("event_unreadable", device=topic.name, bytes=len(payload))
        with contextlib.suppress(ValidationError):  # what comes behind it doesn't wait for it
            row = Row.model_validate_json(payload)
            self._have(row.host, "life" if topic.lane == "life" else "routine", row.sequence)
        task = asyncio.create_task(self._put_bytes_aside(topic, payload, problem), name="intake-refuse")
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    async def _put_bytes_aside(self, topic: topics.HubTopic, payload: bytes, problem: str) -> None:
        """Kept whole with the reason, and receipted if it says whose it is."""
        lane: Lane = "life" if topic.lane == "life" else "routine"
        priority = Priority.LIFE if lane == "life" else Priority.ROUTINE

        def work(tx: Transaction) -> None:
            put_bytes_aside(tx, self._building, lane, topic.name, payload, problem)

        try:
            await self._until_written(lambda: self._store.write(priority, work))
            row = Row.model_validate_json(payload)
        except ValidationError:
            return
        except Exception as error:  # noqa: BLE001  # it stays in its host's spool, and comes again
            log.error("event_not_put_aside", failure=blame(error))
            return
        self._send_receipt(row.host, [(row.sequence, row.sequence)])

    # while the store is away

    async def _until_written(self, write: Callable[[], Any]) -> None:
        while True:
            try:
                await write()
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
            for pulse in self._pulses.values():
                pulse.beat(disk=self._store.is_asked)
            await asyncio.sleep(wait)
            wait = min(wait * 2, AWAY_MOST)
            try:
                await self._store.probe()
            except StoreAway:
                continue
            if self.store_away:
                log.info("store_back")
            self.store_away = ""
            return

    # after the commit

    def _settled(self, batch: Sequence[Taken], gone: frozenset[str]) -> None:
        """Receipts for all of it, repeats and what was put aside too."""
        self._counted["batches"] += 1
        by_host: dict[str, list[int]] = {}
        for taken in batch:
            if taken.row:
                host, sequence = taken.row
                by_host.setdefault(host, []).append(sequence)
            if taken.done and not taken.done.done():
                taken.done.set_result(str(taken.event.id) not in gone)
        for lane, waiting in self._waiting.items():
            of_lane = [taken for taken in batch if taken.event.lane == lane]
            self._counted[lane] += len(of_lane)
            waiting.settled(of_lane)
        for host, sequences in by_host.items():
            self._send_receipt(host, _ranges(sequences))

    def _send_receipt(self, host: str, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
        self._counted["receipts"] += 1
        self._tell_host(host, ranges)
        receipt = messages.Receipt(host=host, sequences=[list(run) for run in ranges], restart=restart)
        topic = topics.receipts(self._site, host)
        self._bus["routine"].publish(topic, receipt.model_dump_json(exclude_defaults=True).encode(), qos=0)


def _ranges(sequences: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted runs, both ends included."""
    runs: list[tuple[int, int]] = []
    for sequence in sorted(sequences):
        if runs and sequence <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], sequence)
        else:
            runs.append((sequence, sequence))
    return runs


def _problems(error: ValidationError) -> str:
    """Which fields, and what is wrong with each; never what stands in them."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems[:20])[:2000]
