"""Commands to devices: each written to the wire at most once. Its id is on disk before its first byte, and one found
there without an outcome is never sent again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from hub.core.adapter import Adapter, CommandOutcome, DeviceContext, Encoded, Frame, Http, Outgoing, Unsupported
from hub.core.building import Building, Device
from hub.core.commands import Command
from hub.core.device_events import CommandDone, CommandFailed, Outcome
from hub.core.events import Event, dump_event
from hub.store.spool import Draft, Spool, SpooledCommand, SpooledRow

log = structlog.get_logger()

ANSWER_AFTER_EXPIRY = timedelta(seconds=30)
KEPT_TOLD = 500
APART = timedelta(seconds=1)
"""between two commands to one device: a face gate stalls when persons come faster"""


class Commands:
    """`send` writes one frame to a device's connection and says whether there was one; `spooled` hears of the events
    that outcomes are."""

    def __init__(
        self,
        spool: Spool,
        contexts: Mapping[str, DeviceContext],
        adapters: Mapping[str, Adapter],
        building: Building,
        send: Callable[[Device, Outgoing], bool],
        reachable: Callable[[Device], bool],
        spooled: Callable[[Sequence[SpooledRow]], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._spool = spool
        self._contexts = contexts
        self._adapters = adapters
        self._building = building
        self._send = send
        self._reachable = reachable
        self._spooled = spooled
        self._clock = clock
        self._open: dict[int, SpooledCommand] = {}
        self._told: dict[str, None] = {}
        self._written: dict[str, datetime] = {}

    async def open(self) -> None:
        """Find what a former run left: kept ones can still be written, begun ones only be answered."""
        for command in await self._spool.open_commands():
            self._open[command.number] = command
            self._told[str(command.command.id)] = None

    def kept_lately(self) -> list[str]:
        """Ids that are on our disk, the latest few hundred: dispatch stops offering them."""
        return list(self._told)[-KEPT_TOLD:]

    async def take(self, asked: Command) -> None:
        """Keep a command, and write it if its device is connected to us."""
        kept = await self._spool.keep_command(asked)
        self._told[str(asked.id)] = None
        while len(self._told) > 2 * KEPT_TOLD:
            del self._told[next(iter(self._told))]
        if kept is None:
            return
        self._open[kept.number] = kept
        if not self._polls(kept):
            await self._write(kept)

    async def carried_away(self, device: str, most: int) -> Outgoing | None:
        """A device that polls takes what waits for it, oldest first."""
        payloads: list[bytes] = []
        taken = None
        for waiting in [c for c in self._open.values() if c.command.device == device and c.progress == "kept"][:most]:
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
        """A device's answer. One that names nothing means the only command under way there."""
        under_way = [c for c in self._open.values() if c.command.device == device and c.progress == "writing"]
        meant = [c for c in under_way if c.ref == outcome.ref] if outcome.ref else under_way
        if len(meant) != 1:
            log.info("answer_to_no_command", device=device, under_way=len(under_way))
            return
        await self._close(meant[0], outcome.done, outcome.result)

    async def expire(self, now: datetime) -> None:
        """Close what came too late to be written, and what was written and never answered; write what can be now."""
        for command in list(self._open.values()):
            if command.progress == "writing":
                if now >= command.command.expires + ANSWER_AFTER_EXPIRY:
                    await self._close(command, False, "no_answer")
            elif now >= command.command.expires:
                await self._close(command, False, "not_sent")
            elif not self._polls(command):
                await self._write(command)

    async def _write(self, command: SpooledCommand) -> None:
        device = self._building.devices[command.command.device]
        encoded = self._encode(command)
        if isinstance(encoded, Unsupported):
            await self._close(command, False, encoded.reason)
            return
        now = self._clock()
        if device.id in self._written and now - self._written[device.id] < APART:
            return  # the next look comes within a second
        if not self._reachable(device) or not await self._begin(command, encoded.ref):
            return
        self._written[device.id] = now
        written = [self._send(device, frame) for frame in encoded.frames]
        if not all(written):
            await self._close(command, False, "connection_lost")

    def _polls(self, command: SpooledCommand) -> bool:
        return isinstance(self._adapter(command.command.device).transport, Http)

    async def _begin(self, command: SpooledCommand, ref: str) -> bool:
        if not await self._spool.begin_command(command.number, ref):
            return False
        self._open[command.number] = SpooledCommand(command.number, command.command, "writing", ref)
        return True

    async def _close(self, command: SpooledCommand, done: bool, result: str) -> None:
        self._open.pop(command.number, None)
        event = self._outcome_event(command.command, done, result)
        self._spooled(
            await self._spool.close_command(command.number, [Draft(event.lane, event.device, dump_event(event))])
        )

    def _outcome_event(self, command: Command, done: bool, result: str) -> Event:
        context = self._contexts[command.device]
        frame = Frame(b"", self._clock())
        data = Outcome(command=str(command.id), result=result[:200])
        record = f"{command.id}/{'done' if done else 'failed'}"
        if done:
            return context.event(CommandDone, data, frame=frame, record=record)
        return context.event(CommandFailed, data, frame=frame, record=record)

    def _encode(self, command: SpooledCommand) -> Encoded | Unsupported:
        adapter = self._adapter(command.command.device)
        if command.command.kind not in adapter.commands:
            return Unsupported(f"{adapter.name} can't be told {command.command.kind}")
        return adapter.encode(command.command, self._contexts[command.command.device], command.number, self._clock())

    def _adapter(self, device: str) -> Adapter:
        return self._adapters[self._building.devices[device].adapter]
