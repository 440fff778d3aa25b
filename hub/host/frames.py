"""Frames in: decoded, what they mean put on this machine's disk, and only then the reply.

A frame that nobody can read is kept with the reason, and is answered where the answer can be formed. A device that
isn't declared gets no yes; but a fire that it reports is raised, once a source.
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from hub.core.adapter import Adapter, Decoded, DeviceContext, Frame, Http, Mqtt, Outgoing, Tcp, Unreadable
from hub.core.building import Building, Device
from hub.core.device_events import DeviceOffline, DeviceOnline, FrameQuarantined, Quarantined
from hub.core.envelope import event_id
from hub.core.events import Event
from hub.core.failures import blame
from hub.core.fire_events import FireAlarm, FireEvacuation
from hub.core.text import clean
from hub.host.activity import Activity
from hub.host.clocks import DeviceClocks, correction
from hub.host.commands import Commands
from hub.host.events_out import EventsOut
from hub.host.knocks import Knocks, frame_topic, knock_id
from hub.host.news import News
from hub.host.presence import Presence
from hub.host.shares import STRANGERS, Reason, Shares
from hub.host.tasks import Tasks
from hub.store.spool import SpoolAway

log = structlog.get_logger()

KEPT_BYTES = 256 * 1024
FIRES_REMEMBERED = 1000
"""undeclared sources whose fire was raised; beyond, the first one is forgotten and would be raised again"""
LOOK_AGAIN = 0.1
"""seconds between two looks for room"""
NOT_DECLARED = Outgoing(b"this device is not declared\n", status=403)


class Frames:
    """`receive` and `junk`, `lets_fall` and `room` are what the transports call; futures fail with SpoolAway alone."""

    def __init__(
        self,
        building: Building,
        adapters: Mapping[str, Adapter],
        contexts: MutableMapping[str, DeviceContext],
        presence: Presence,
        clocks: DeviceClocks,
        activity: Activity,
        knocks: Knocks,
        commands: Commands,
        events_out: EventsOut,
        shares: Shares,
        tasks: Tasks,
        monotonic: Callable[[], float],
    ) -> None:
        self._building = building
        self._adapters = adapters
        self._contexts = contexts
        self._presence = presence
        self._activity = activity
        self._knocks = knocks
        self._commands = commands
        self._events_out = events_out
        self._shares = shares
        self._tasks = tasks
        self._monotonic = monotonic
        self._shared = {
            adapter.name: frozenset(pattern.replace("{site}", building.site.id) for pattern in adapter.transport.shared)
            for adapter in adapters.values()
            if isinstance(adapter.transport, Mqtt)
        }
        self._news = News()
        self._clocks = clocks
        self._device_of_connection: dict[int, str] = {}
        self._fires_raised: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def receive(self, adapter: Adapter, frame: Frame, connection: int) -> "asyncio.Future[Outgoing | None]":
        """A frame to events, to disk; the future's reply is due once they are there."""
        address, unreadable = _address(adapter, frame, self._building.site.id)
        device = self._sender(adapter, address, frame, connection)
        if device is None:
            decoded = Decoded(unreadable=unreadable) if unreadable else None
            self._shares.begun(STRANGERS, len(frame.payload), 1)
            return self._tasks.begin(self._keep_stranger(adapter, address or "", frame, decoded), "frame-unknown")
        if isinstance(adapter.transport, Tcp):
            self._device_of_connection[connection] = device.id
        context = self._contexts[device.id]
        decoded = Decoded(unreadable=unreadable) if unreadable else _decode(adapter, frame, context)
        if too_many := self._too_many(adapter, device, decoded):
            self._let_fall(adapter, device, frame, connection, too_many)
            return _no_answer()
        proof = not self._on_shared(adapter, frame)
        events = self._what_is_news(device, frame, connection, decoded, proof=proof)
        if proof and not frame.retained:
            events += self._its_clock(context, decoded, frame)
        return self._kept(adapter, context, frame, decoded, events)

    def lets_fall(self, adapter: Adapter, frame: Frame, connection: int) -> bool:
        """Whether a message that can't be life is too many, before anybody reads it; it is counted then."""
        if adapter.brings_life:
            return False
        address, _ = _address(adapter, frame, self._building.site.id)
        device = self._sender(adapter, address, frame, connection)
        too_many = self._shares.over(device.id if device else STRANGERS)
        if too_many:
            self._let_fall(adapter, device, frame, connection, too_many)
        return too_many is not None

    async def room(self, adapter: Adapter, frame: Frame, connection: int) -> None:
        """Returns once the sender's share has room for what follows; a fire panel is always heard. `frame` is what is
        known of it: its peer, its request's head."""
        if adapter.lane == "life":
            return
        address, _ = _address(adapter, frame, self._building.site.id)
        device = self._sender(adapter, address, frame, connection)
        share = device.id if device else STRANGERS
        while too_many := self._shares.over(share):
            self._shares.held_back(share, too_many)
            self._sign_of_life(adapter, device, frame, connection)
            await asyncio.sleep(LOOK_AGAIN)

    def junk(self, adapter: Adapter, frame: Frame, connection: int, reason: str) -> "asyncio.Future[bool]":
        """Bytes that are no frame: kept with the reason, under the device of their connection where it is known."""
        return self._tasks.begin(self._keep_junk(adapter, frame, connection, reason), "junk")

    def connection_gone(self, connection: int) -> None:
        self._device_of_connection.pop(connection, None)

    def _sender(self, adapter: Adapter, address: str | None, frame: Frame, connection: int) -> Device | None:
        """Who sent it: the address says so, or the stream's earlier frames."""
        if address is not None:
            return self._building.device_at(adapter.name, address, frame.peer)
        if isinstance(adapter.transport, Tcp):
            return self._building.devices.get(self._device_of_connection.get(connection, ""))
        return None

    def _its_clock(self, context: DeviceContext, decoded: Decoded, frame: Frame) -> list[Event]:
        told = self._clocks.heard(context, decoded, frame, self._monotonic())
        skew = correction(self._clocks.skew(context.id))
        if skew != context.skew:
            self._contexts[context.id] = replace(context, skew=skew)
        return told

    def _too_many(self, adapter: Adapter, device: Device, decoded: Decoded) -> Reason | None:
        """Why a frame that brings something, none of it life, is let fall. Others aren't read when they are too many
        (`room`)."""
        if not isinstance(adapter.transport, Mqtt) and adapter.lane != "life":
            return None
        if decoded.unreadable and adapter.lane == "life":
            return None
        if not decoded.events and not decoded.unreadable:
            return None
        if any(event.lane == "life" for event in decoded.events):
            return None
        return self._shares.over(device.id)

    def _let_fall(
        self, adapter: Adapter, device: Device | None, frame: Frame, connection: int, too_many: Reason
    ) -> None:
        self._shares.fell(device.id if device else STRANGERS, too_many)
        self._sign_of_life(adapter, device, frame, connection)

    def _sign_of_life(self, adapter: Adapter, device: Device | None, frame: Frame, connection: int) -> None:
        """It is there, though nothing of what it says is taken."""
        if device is None or frame.retained:
            return
        proof = not self._on_shared(adapter, frame)
        if events := self._presence.heard(device.id, frame, self._monotonic(), connection, proof=proof):
            self._tasks.begin(self._keep_presence(events), "presence")

    async def _keep_presence(self, events: Sequence[Event]) -> None:
        try:
            await self._events_out.keep(events)
        except SpoolAway:
            self._presence.owe(events)
            raise

    def _on_shared(self, adapter: Adapter, frame: Frame) -> bool:
        """Where any device of the kind may speak in the name of any other."""
        return frame.topic in self._shared.get(adapter.name, ())

    def _what_is_news(
        self, device: Device, frame: Frame, connection: int, decoded: Decoded, *, proof: bool
    ) -> list[Event]:
        """The events to keep: presence that changed, and all others but states that were said before."""
        gone = any(isinstance(event, DeviceOffline) for event in decoded.events)
        alive = not gone and not frame.retained
        events = self._presence.heard(device.id, frame, self._monotonic(), connection, proof=proof) if alive else []
        for event in decoded.events:
            match event:
                case DeviceOnline():
                    pass
                case DeviceOffline():
                    events += [] if frame.retained else self._presence.left(event, frame.received)
                case _ if self._news.is_news(event):
                    events.append(event)
                case _:
                    pass
        events += self._activity.heard(device.id, frame, decoded.events)
        return events

    async def _keep_stranger(
        self, adapter: Adapter, address: str, frame: Frame, decoded: Decoded | None
    ) -> Outgoing | None:
        try:
            return await self._unknown(adapter, address, frame, decoded)
        finally:
            self._shares.ended(len(frame.payload))

    def _kept(
        self, adapter: Adapter, context: DeviceContext, frame: Frame, decoded: Decoded, events: list[Event]
    ) -> "asyncio.Future[Outgoing | None]":
        """On disk first; then the reply, and before it what a frame brings of commands."""
        if decoded.unreadable:
            events.append(_quarantined(context, adapter, frame, str(decoded.unreadable)))
        size = len(frame.payload)
        self._shares.begun(context.id, size, len(decoded.events))
        answer: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
        if events or decoded.events:  # what was said before waits with all that was asked to be kept by now
            kept = self._events_out.keep(events)
            kept.add_done_callback(lambda kept: self._on_disk(kept, context, decoded, events, size, answer))
        else:
            self._shares.ended(size)
            self._finish(context, decoded, answer)
        return answer

    def _on_disk(
        self,
        kept: "asyncio.Future[Any]",
        context: DeviceContext,
        decoded: Decoded,
        events: Sequence[Event],
        size: int,
        answer: "asyncio.Future[Outgoing | None]",
    ) -> None:
        self._shares.ended(size)
        if problem := kept.exception():
            self._presence.owe(events)
            if not answer.done():
                answer.set_exception(problem)
            return
        self._news.kept(events)
        self._finish(context, decoded, answer)

    def _finish(self, context: DeviceContext, decoded: Decoded, answer: "asyncio.Future[Outgoing | None]") -> None:
        """Few frames have to do with commands; only those need a task of their own."""
        if decoded.outcomes or decoded.takes_commands:
            commands = self._tasks.begin(self._about_commands(context, decoded), "frame-commands")
            commands.add_done_callback(lambda done: _pass_on(done, answer))
        elif not answer.done():
            answer.set_result(decoded.reply)

    async def _about_commands(self, context: DeviceContext, decoded: Decoded) -> Outgoing | None:
        """The outcomes that it brings, the commands that it asks for."""
        for outcome in decoded.outcomes:
            await self._commands.answered(context.id, outcome)
        if decoded.takes_commands:
            carried = await self._commands.carried_away(context.id, decoded.takes_commands)
            if carried:
                return carried
        return decoded.reply

    async def _keep_junk(self, adapter: Adapter, frame: Frame, connection: int, reason: str) -> bool:
        decoded = Decoded(unreadable=Unreadable(reason, "broken"))
        device = self._device_of_connection.get(connection)
        if device is None:
            await self._unknown(adapter, "", frame, decoded)
            return False
        if too_many := self._shares.over(device):
            self._shares.fell(device, too_many)
            return False
        await self._kept(adapter, self._contexts[device], frame, decoded, [])
        return True

    async def _unknown(
        self, adapter: Adapter, address: str, frame: Frame, decoded: Decoded | None = None
    ) -> Outgoing | None:
        """No yes and no command; but a fire is raised, once a source."""
        site = self._building.site
        name = knock_id(adapter.name, address, frame.peer)
        context = DeviceContext(site.id, name, address, ZoneInfo(site.time_zone), adapter.lane, adapter.options())
        decoded = decoded or _decode(adapter, frame, context)
        self._knocks.heard(adapter.name, address, frame, decoded)
        fires = [e for e in decoded.events if isinstance(e, FireAlarm | FireEvacuation) and e.data.active]
        if fires:
            await self._raise_once((adapter.name, address, frame.peer), fires[0])
        return NOT_DECLARED if isinstance(adapter.transport, Http) else None

    async def _raise_once(self, source: tuple[str, str, str], fire: Event) -> None:
        if source in self._fires_raised:
            return
        self._fires_raised[source] = None
        if len(self._fires_raised) > FIRES_REMEMBERED:
            self._fires_raised.popitem(last=False)
        try:
            await self._events_out.keep([fire])
        except SpoolAway:
            self._fires_raised.pop(source, None)
            raise


def _pass_on(done: "asyncio.Future[Outgoing | None]", answer: "asyncio.Future[Outgoing | None]") -> None:
    if answer.done():
        return
    if done.cancelled():
        answer.cancel()
    elif problem := done.exception():
        answer.set_exception(problem)
    else:
        answer.set_result(done.result())


def _no_answer() -> "asyncio.Future[Outgoing | None]":
    done: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def _address(adapter: Adapter, frame: Frame, site: str) -> tuple[str | None, Unreadable | None]:
    try:
        return adapter.address(frame, site), None
    except Exception as error:  # noqa: BLE001  # a vendor's code failed on it: the frame is kept all the same
        return None, _failed(adapter, error)


def _decode(adapter: Adapter, frame: Frame, context: DeviceContext) -> Decoded:
    try:
        return adapter.decode(frame, context)
    except Exception as error:  # noqa: BLE001  # a vendor's code failed on it: the frame is kept all the same
        return Decoded(unreadable=_failed(adapter, error))


def _failed(adapter: Adapter, error: Exception) -> Unreadable:
    log.error("adapter_failed", adapter=adapter.name, failure=blame(error))
    return Unreadable(f"the adapter {adapter.name} failed on it: {type(error).__name__}", "adapter")


def _quarantined(context: DeviceContext, adapter: Adapter, frame: Frame, reason: str) -> Event:
    """The same bytes again are the same event."""
    topic = frame_topic(frame)
    kept = frame.payload[:KEPT_BYTES]
    if len(kept) < len(frame.payload):
        reason += f" (only the first {len(kept)} of {len(frame.payload)} bytes are kept)"
    text = base64.b64encode(kept).decode()
    mark = event_id(None, site=context.site, device=context.id, type_name="frame", subject=topic, record=text)
    data = Quarantined(reason=clean(reason, 1000), quarantine=str(mark), frame=text, topic=topic or None)
    return context.event(FrameQuarantined, data, frame=frame, record=f"quarantine/{mark}")
