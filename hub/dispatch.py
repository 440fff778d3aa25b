"""Dispatch: notices and commands out. A notice is retried under the same key; a command is repeated only towards its
host, until the host has its id on disk.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from hub.bus import topics
from hub.bus.client import BrokerAddress, BusClient
from hub.core.building import Building
from hub.core.commands import COMMAND
from hub.core.failures import blame
from hub.core.notifier import Channel, Message, NotSent, Sent
from hub.core.records import Notice
from hub.notifiers.texts import render
from hub.pulse import AT_MOST, Pulse
from hub.store import outbox
from hub.store.database import Priority, Store, StoreAway, StoreClosed, Transaction

log = structlog.get_logger()

RETRIES = (5, 15, 60, 300, 900, 3600, 3600, 3600)
"""seconds before each further try"""
OFFER_AGAIN = 2.0
LOOK_EVERY = 1.0
GATHER_FOR = 0.1
"""seconds from one look for what was just decided to the next: beside a busy intake each commit brings some"""
AT_ONCE = 50


class Dispatch:
    """`channels` are the configured ones by name; `host_beside` takes a command directly."""

    def __init__(
        self,
        building: Building,
        store: Store,
        broker: BrokerAddress,
        channels: Mapping[str, Channel],
        host_beside: Callable[[bytes], None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Callable[..., BusClient] = BusClient,
    ) -> None:
        self._building = building
        self._site = building.site.id
        self._store = store
        self._channels = channels
        self._host_beside = host_beside
        self._clock = clock
        self._bus = session(broker, f"dispatch-{self._site}")
        self._offered: dict[str, float] = {}
        self._unwritten: list[Callable[[Transaction], None]] = []
        self._writing = asyncio.Lock()
        self._pulses = {"commands": Pulse(), "notices": Pulse()}

    async def run(self) -> None:
        """Send what is due until cancelled. A command never waits for a slow channel."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run(), name="dispatch-bus")
            tasks.create_task(self._again_and_again("commands", self._offer_commands), name="dispatch-commands")
            tasks.create_task(self._again_and_again("notices", self._send_notices), name="dispatch-notices")

    @property
    def pulses(self) -> dict[str, Pulse]:
        """Its workers', by name."""
        return {"dispatch-bus": self._bus.pulse, **{f"dispatch-{name}": p for name, p in self._pulses.items()}}

    async def _again_and_again(self, topic: str, work: Callable[[], Awaitable[bool]]) -> None:
        """At once when records of the topic change, else every second; `work` says whether there may be more."""
        news = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_of_new_ones(topic, news), name=f"dispatch-{topic}-news")
            while True:
                news.clear()
                self._pulses[topic].beat(AT_MOST)
                try:
                    more = await work()
                except StoreAway:  # the intake says so; what is due stays due
                    more = False
                if not more:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_EVERY):
                            await news.wait()

    async def _hear_of_new_ones(self, topic: str, news: asyncio.Event) -> None:
        subscription = self._store.changes.subscribe()
        try:
            async for change in subscription:
                if topic in change.topics:
                    news.set()
                    await subscription.gather(GATHER_FOR)
        finally:
            subscription.close()

    # commands

    async def _offer_commands(self) -> bool:
        now = self._clock()
        await self._store.write(Priority.DISPATCH, lambda tx: outbox.expire_commands(tx, now))
        lately = time.monotonic() - OFFER_AGAIN
        self._offered = {identity: at for identity, at in self._offered.items() if at > lately}
        offered = frozenset(self._offered)
        for record in await self._store.read(lambda tx: outbox.queued_commands(tx, now, but=offered)):
            self._offered[str(record.command.id)] = time.monotonic()
            payload = COMMAND.dump_json(record.command, by_alias=True)
            if self._host_beside:
                self._host_beside(payload)
            else:
                self._bus.publish(topics.commands(self._site, record.command.device), payload)
        return False

    # notices

    async def _send_notices(self) -> bool:
        """True when there may be more at once."""
        now = self._clock()
        due = await self._store.read(lambda tx: outbox.due_notices(tx, now, AT_ONCE))
        await asyncio.gather(*(self._send(notice) for notice in due))
        return len(due) == AT_ONCE

    async def _send(self, notice: Notice) -> None:
        match await self._hand_over(notice):
            case Sent():
                now = self._clock()
                await self._write(lambda tx: outbox.notice_sent(tx, notice.key, now, site=self._site))
            case NotSent() as outcome:
                await self._failed(notice, outcome)

    async def _hand_over(self, notice: Notice) -> Sent | NotSent:
        channel = self._channels.get(notice.channel)
        if channel is None:
            return NotSent(retry=False, reason="channel_not_configured")
        try:
            return await channel(self._message(notice))
        except Exception as error:  # noqa: BLE001  # a vendor's channel or a template failed: the other notices go on
            log.error("channel_failed", channel=notice.channel, template=notice.template, failure=blame(error))
            return NotSent(retry=True, reason="channel_failed")

    async def _failed(self, notice: Notice, outcome: NotSent) -> None:
        again = None
        if outcome.retry and notice.attempts < len(RETRIES):
            again = self._clock() + timedelta(seconds=RETRIES[notice.attempts])
        log.warning("notice_not_sent", channel=notice.channel, reason=outcome.reason, again=bool(again))
        await self._write(lambda tx: outbox.notice_failed(tx, notice.key, outcome.reason, again, site=self._site))

    async def _write(self, work: Callable[[Transaction], None]) -> None:
        """What became of a notice, written however long the store is away: else it would go a second time. What waits
        while one is written goes into the next commit together."""
        self._unwritten.append(work)
        async with self._writing:
            together, self._unwritten = self._unwritten, []
            while together:  # none: it went with another's
                self._pulses["notices"].beat(AT_MOST)
                try:
                    await self._store.write(Priority.DISPATCH, lambda tx: _do_all(tx, together))
                except StoreClosed:
                    raise
                except StoreAway:
                    await asyncio.sleep(LOOK_EVERY)
                else:
                    return

    def _message(self, notice: Notice) -> Message:
        title, text = render(
            notice.template, notice.params, notice.language, time_zone=ZoneInfo(self._building.site.time_zone)
        )
        return Message(
            key=notice.key,
            kind=notice.template,
            template=notice.template,
            title=title,
            text=text,
            to=notice.to,
            language=notice.language,
            severity=notice.severity,
            site=self._site,
            zone=notice.params.get("zone", ""),
            occurred_at=notice.created_at,
        )


def _do_all(tx: Transaction, together: Sequence[Callable[[Transaction], None]]) -> None:
    for work in together:
        work(tx)
