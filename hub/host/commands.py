"""Commands to devices: each written to the wire at most once. Its id is on disk before its first byte, and one found
there without an outcome is never sent again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog

from hub.core.adapter import Adapter, CommandOutcome, DeviceContext, Encoded, Frame, Http, Outgoing, Unsupported
from hub.core.building import Building, Device
from hub.core.commands import Command
from hub.core.device_events import CommandDone, CommandFailed, Outcome
from hub.core.events import Event, dump_event
from hub.core.failures import blame
from hub.core.text import clean
from hub.store.spool import Draft, Spool, SpoolAway, SpooledCommand, SpooledRow

log = structlog.get_logger()

ANSWER_AFTER_EXPIRY = timedelta(seconds=30)
KEPT_TOLD = 500
APART = 1.0
"""seconds between two commands to one device: a face gate stalls when persons come faster"""


class Commands:
    """`send` writes one frame to a device's connection and says whether there was one; `committed` hears of the events
    that outcomes are."""

    def __init__(
        self,
        spool: Spool,
        contexts: Mapping[str, DeviceContext],
        adapters: Mapping[str, Adapter],
        building: Building,
        send: Callable[[Device, Outgoing], bool],
        reachable: Callable[[Device], bool],
        committed: Callable[[Sequence[SpooledRow]], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._contexts = contexts
        self._adapters = adapters
        self._building = building
        self._send = send
        self._reachable = reachable
        self._committed = committed
        self._clock = clock
        self._monotonic = monotonic
        self._open: dict[int, SpooledCommand] = {}
        self._told: dict[str, None] = {}
        self._written: dict[str, float] = {}
        self._moved: dict[int, timedelta] = {}

    def clock_set(self, by: timedelta) -> None:
        """The hub's clock was set: what waits here expires when it was meant to."""
        self._moved = {number: self._moved.get(number, timedelta()) + by for number in self._open}

    async def open(self) -> None:
        """Find what a former run left: kept ones can still be written, begun ones only be answered. Raises
        SpoolAway."""
        for command in await self._spool.open_commands():
            self._open[command.number] = command
            self._told[str(command.command.id)] = None

    def kept_lately(self) -> list[str]:
        """Ids that are on our disk, the latest few hundred: dispatch stops offering them."""
        return list(self._told)[-KEPT_TOLD:]

    async def take(self, asked: Command) -> None:
        """Keep a command, and write it if its device is connected to us. Raises SpoolAway."""
        kept = await self._spool.keep_command(asked)
        self._told.pop(str(asked.id), None)
        self._told[str(asked.id)] = None
        while len(self._told) > 2 * KEPT_TOLD:
            del self._told[next(iter(self._told))]
        if kept is None:
            return
        self._open[kept.number] = kept
        if not self._polls(kept):
            await self._write_first(asked.device)

    async def carried_away(self, device: str, most: int) -> Outgoing | None:
        """A device that polls takes what waits for it, oldest first. None where nothing does. Raises SpoolAway."""
        payloads: list[bytes] = []
        taken = None
        for waiting in list(islice(self._waiting_for(device), most)):
            encoded = self._encode(waiting)
            if isinstance(encoded, Unsupported):
                await self._close(waiting, False, encoded.reason)
                continue
            if not await self._begin(waiting, encoded.ref):
                continue
            payloads += [frame.payload for frame in encoded.frames]
            taken = encoded.frames[-1]
        if taken is None:
            return None
        return Outgoing(b"".join(payloads), status=taken.status, content_type=taken.content_type)

    async def answered(self, device: str, outcome: CommandOutcome) -> None:
        """A device's answer. One that names nothing means the only command under way there. Raises SpoolAway."""
        under_way = [c for c in self._open.values() if c.command.device == device and c.progress == "writing"]
        meant = [c for c in under_way if c.ref == outcome.ref] if outcome.ref else under_way
        if len(meant) != 1:
            log.info("answer_to_no_command", device=device, under_way=len(under_way))
            return
        await self._close(meant[0], outcome.done, outcome.result)

    async def expire(self, now: datetime) -> None:
        """Close what came too late to be written, and what was written and never answered; write what can be now.
        Raises SpoolAway."""
        for command in list(self._open.values()):
            expires = self._expires(command)
            if command.command.device not in self._contexts:
                await self._close(command, False, "not_declared")
            elif command.progress == "writing":
                if now >= expires + ANSWER_AFTER_EXPIRY:
                    await self._close(command, False, "no_answer")
            elif now >= expires and self._is_kept(command):
                await self._close(command, False, "not_sent")
        for device in {c.command.device: None for c in self._open.values() if not self._polls(c)}:
            await self._write_first(device)

    def _expires(self, command: SpooledCommand) -> datetime:
        return command.command.expires + self._moved.get(command.number, timedelta())

    def _is_kept(self, command: SpooledCommand) -> bool:
        """As it stands now: what was read before a pause may have been begun meanwhile."""
        return self._open.get(command.number) == command and command.progress == "kept"

    def _waiting_for(self, device: str) -> Iterator[SpooledCommand]:
        """Those that can still be written, oldest first: one whose time is over isn't done late."""
        now = self._clock()
        return (
            c
            for c in self._open.values()
            if c.command.device == device and c.progress == "kept" and now < self._expires(c)
        )

    async def _write_first(self, device: str) -> None:
        now = self._monotonic()
        if now - self._written.get(device, now - APART) < APART:
            return  # the next look comes within a second
        if first := next(self._waiting_for(device), None):
            await self._write(first)

    async def _write(self, command: SpooledCommand) -> None:
        device = self._building.devices[command.command.device]
        encoded = self._encode(command)
        if isinstance(encoded, Unsupported):
            await self._close(command, False, encoded.reason)
            return
        if self._clock() >= self._expires(command) or not self._reachable(device):
            return
        self._written[device.id] = self._monotonic()
        if not await self._begin(command, encoded.ref):
            return
        written = [self._send(device, frame) for frame in encoded.frames]
        if not all(written):
            await self._close(command, False, "connection_lost")

    def _polls(self, command: SpooledCommand) -> bool:
        return isinstance(self._adapter(command.command.device).transport, Http)

    async def _begin(self, command: SpooledCommand, ref: str) -> bool:
        """On disk before the first byte. False if it isn't ours to write any more: it was begun or closed."""
        if not self._is_kept(command):
            return False
        self._open[command.number] = replace(command, progress="writing", ref=ref)
        try:
            return await self._spool.begin_command(command.number, ref)
        except SpoolAway:
            self._open[command.number] = command
            raise

    async def _close(self, command: SpooledCommand, done: bool, result: str) -> None:
        event = self._outcome_event(command.command, done, result)
        rows = await self._spool.close_command(command.number, [Draft(event.lane, event.device, dump_event(event))])
        self._open.pop(command.number, None)
        self._committed(rows)

    def _outcome_event(self, command: Command, done: bool, result: str) -> Event:
        context = self._contexts.get(command.device) or DeviceContext(command.site, command.device, "", UTC)
        frame = Frame(b"", self._clock())
        data = Outcome(command=str(command.id), result=clean(result, 200))
        record = f"{command.id}/{'done' if done else 'failed'}"
        if done:
            return context.event(CommandDone, data, frame=frame, record=record)
        return context.event(CommandFailed, data, frame=frame, record=record)

    def _encode(self, command: SpooledCommand) -> Encoded | Unsupported:
        adapter = self._adapter(command.command.device)
        if command.command.kind not in adapter.commands:
            return Unsupported(f"{adapter.name} can't be told {command.command.kind}")
        context = self._contexts[command.command.device]
        try:
            return adapter.encode(command.command, context, command.number, self._clock())
        except Exception as error:  # noqa: BLE001  # a vendor's code failed on it: this command fails, others go on
            log.error("adapter_failed", adapter=adapter.name, failure=blame(error))
            return Unsupported(f"the adapter {adapter.name} failed on it: {type(error).__name__}")

    def _adapter(self, device: str) -> Adapter:
        return self._adapters[self._building.devices[device].adapter]
