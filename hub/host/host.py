"""The host put together: transports, frames, spool, sessions at the broker, commands, supervision; and how it runs."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from hub.bus import topics
from hub.bus.client import BrokerAddress, BusClient, Message, Will
from hub.bus.messages import Receipt
from hub.core.adapter import Adapter, DeviceContext, Frame, Http, Mqtt, Outgoing, Tcp
from hub.core.building import Building, Device
from hub.core.commands import COMMAND, Command
from hub.core.device_events import DeviceFlooding, Flooding
from hub.core.envelope import Lane
from hub.core.events import Event
from hub.core.steps import ClockSteps
from hub.core.text import Identifier, rfc3339
from hub.host.activity import Activity
from hub.host.clocks import DeviceClocks
from hub.host.commands import Commands
from hub.host.events_out import EventsOut, Local
from hub.host.frames import Frames
from hub.host.knocks import Knocks
from hub.host.presence import Presence
from hub.host.shares import Share, Shares
from hub.host.supervision import Supervision
from hub.host.tasks import Tasks
from hub.host.told import Told
from hub.pulse import Pulse
from hub.store.spool import Spool, SpoolAway
from hub.transports.http import HttpListener
from hub.transports.mqtt import MqttTransport
from hub.transports.tcp import TcpListener

log = structlog.get_logger()

SETTLE = 1.0
"""seconds after a new session, unless the intake asks before, as it does once it listens: it comes back to the same
broker at the same time, and what goes out before it listens would come again behind what it heard"""
LOOK_EVERY = 1.0
"""seconds between two looks at who fell silent and which commands can be written or are over"""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`name` names the spool, for ever. Ports of 0 are given by the system. Raises ValueError when `name` can't be
    a level of a topic."""

    name: str
    broker: BrokerAddress
    devices_address: str = "127.0.0.1"
    readers_port: int = 8081
    tcp_ports: Mapping[str, int] = field(default_factory=dict)
    """adapter → port, where building.toml says another than the adapter's own"""

    def __post_init__(self) -> None:
        TypeAdapter(Identifier).validate_python(self.name)


class Host:
    def __init__(
        self,
        settings: HostSettings,
        building: Building,
        adapters: Mapping[str, Adapter],
        spool: Spool,
        local: Local | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Callable[..., BusClient] = BusClient,
        life_comes: Callable[[], None] = lambda: None,
    ) -> None:
        name, site, broker = settings.name, building.site.id, settings.broker
        self._site = site
        self._spool = spool
        self._adapters = adapters
        self._clock = clock
        self._contexts = {d.id: _context(building, d, adapters[d.adapter]) for d in building.devices.values()}
        self._spool = spool
        self._tasks = Tasks()
        self._pulse = Pulse()
        self._supervision = Supervision(building.devices.values(), time.monotonic())
        self._presence = Presence(self._contexts, self._supervision)
        self._clocks = DeviceClocks()
        self._activity = Activity(building.devices, self._contexts, self._supervision, spool, time.monotonic())
        knocks = Knocks()

        self._bus: dict[Lane, BusClient] = {
            "life": session(broker, f"host-{name}-life", on_up=self._on_up),
            "routine": session(
                broker,
                f"host-{name}-routine",
                subscriptions=(topics.receipts(site, name), topics.commands(site, "+")),
                on_message=self._on_message,
                on_up=self._on_up,
                will=Will(topics.host_status(site, name), b"{}"),
            ),
        }
        self._events_out = EventsOut(name, site, spool, self._publish, local, self._tasks, life_comes)
        self._commands = Commands(
            spool,
            self._contexts,
            adapters,
            building,
            self._send,
            self._reachable,
            self._events_out.committed,
            clock,
            time.monotonic,
        )
        self._shares = Shares(spool.rows_of, time.monotonic, clock)
        frames = Frames(
            building,
            adapters,
            self._contexts,
            self._presence,
            self._clocks,
            self._activity,
            knocks,
            self._commands,
            self._events_out,
            self._shares,
            self._tasks,
            time.monotonic,
        )
        self._mqtt = MqttTransport(
            broker, f"devices-{name}", site, adapters, frames.receive, frames.lets_fall, clock, session
        )
        self._http = HttpListener(
            adapters, settings.devices_address, settings.readers_port, frames.receive, frames.room
        )
        self._tcp = {
            adapter.name: TcpListener(
                adapter,
                settings.devices_address,
                settings.tcp_ports.get(adapter.name, adapter.transport.default_port),
                frames.receive,
                frames.junk,
                frames.room,
                frames.connection_gone,
            )
            for adapter in adapters.values()
            if isinstance(adapter.transport, Tcp)
        }
        self._told = Told(
            name,
            site,
            spool,
            self._publish_retained,
            local,
            self._supervision,
            self._clocks,
            knocks,
            self._commands,
            self._events_out,
            self._shares,
            clock,
        )

    async def run(self, ready: asyncio.Event) -> None:
        """Serve devices until cancelled. Raises SpoolAway or OSError when it can't begin."""
        await self._commands.open()
        await self._activity.open(self._clock())
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._tasks.stop)
            listeners: list[HttpListener | TcpListener] = [self._http, *self._tcp.values()]
            for listener in listeners:
                stack.push_async_callback(listener.stop)
                await listener.start()
            async with asyncio.TaskGroup() as tasks:
                for lane, client in self._bus.items():
                    tasks.create_task(client.run(), name=f"host-bus-{lane}")
                if any(isinstance(adapter.transport, Mqtt) for adapter in self._adapters.values()):
                    tasks.create_task(self._mqtt.run(), name="host-mqtt-devices")
                tasks.create_task(self._events_out.run(), name="host-events-out")
                tasks.create_task(self._look_after_devices(), name="host-supervision")
                tasks.create_task(self._told.run(), name="host-told")
                ready.set()

    @property
    def pulses(self) -> dict[str, Pulse]:
        """Its workers', by name."""
        clients = {f"host-bus-{lane}": client.pulse for lane, client in self._bus.items()}
        workers = {"host-supervision": self._pulse, "host-told": self._told.pulse}
        return {**clients, **workers, "host-events-out": self._events_out.pulse, "host-mqtt-devices": self._mqtt.pulse}

    @property
    def readers_port(self) -> int:
        return self._http.port

    def tcp_port(self, adapter: str) -> int:
        return self._tcp[adapter].port

    @property
    def health(self) -> dict[str, Any]:
        return {
            "broker": all(client.ready for client in self._bus.values()),
            "devices_broker": self._mqtt.connected,
            "spool_waiting": self._told.waiting,
            "receipts": not self._events_out.receipts_overdue,
            "let_fall": dict(self._shares.let_fall),
            "refused_for_room": self._spool.refused,
            "publishes_refused": sum(client.refused for client in self._bus.values()),
        }

    def receipt(self, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
        """The intake's word: the store has committed these. Also called directly by an intake beside us."""
        self._events_out.receipt(ranges, restart=restart)

    def command(self, raw: bytes) -> None:
        """A command for one of our devices. Also called directly by a dispatch beside us."""
        try:
            asked: Command = COMMAND.validate_json(raw)
        except ValidationError as error:
            log.error("command_unreadable", problems=error.error_count())
            return
        if asked.site == self._site and asked.device in self._contexts:
            self._tasks.begin(self._commands.take(asked), "command")  # dispatch offers it until it is kept

    # the sessions at the broker

    def _publish(self, lane: Lane, topic: str, payload: bytes) -> bool:
        return self._bus[lane].publish(topic, payload)

    def _publish_retained(self, topic: str, payload: bytes) -> bool:
        return self._bus["routine"].publish(topic, payload, retain=True, qos=0)

    def _on_up(self) -> None:
        self._events_out.begin_again(SETTLE)
        self._told.all_again()

    def _on_message(self, message: Message) -> None:
        topic = topics.parse(message.topic)
        if topic is None or message.retained:
            return
        if topic.kind == "commands":
            self.command(message.payload)
        elif topic.kind == "receipts":
            try:
                receipt = Receipt.model_validate_json(message.payload)
            except ValidationError as error:
                log.error("receipt_unreadable", problems=error.error_count())
                return
            self.receipt([(first, last) for first, last in receipt.sequences], restart=receipt.restart)

    # devices

    async def _look_after_devices(self) -> None:
        """Who has fallen silent; which commands can be written now, and which are over."""
        steps = ClockSteps(self._clock)
        while True:
            self._pulse.beat(disk=self._spool.is_asked)
            await asyncio.sleep(LOOK_EVERY)
            now = self._clock()
            if step := steps.since_last_look():
                log.warning("clock_set", by=step.total_seconds())
                self._clocks.begin_again()
                self._commands.clock_set(step)
            with contextlib.suppress(SpoolAway):  # told where it failed; the next look finds the same
                silent = self._presence.fell_silent(now, time.monotonic())
                if news := [*silent, *self._activity.fell_quiet(now, time.monotonic())]:
                    await self._keep_presence(news)
                await self._activity.save(now, time.monotonic())
                await self._commands.expire(now)
                await self._tell_of_floods(now)

    async def _tell_of_floods(self, now: datetime) -> None:
        changed = list(self._shares.floods())
        if not changed:
            return
        try:
            await self._events_out.keep([self._flood(share, flooding, now) for share, flooding in changed])
        except SpoolAway:
            for share, flooding in changed:
                share.told = not flooding
            raise

    def _flood(self, share: Share, flooding: bool, now: datetime) -> Event:  # as it is told
        data = Flooding(active=flooding, let_fall=share.let_fall.total())
        return self._contexts[share.device].event(
            DeviceFlooding, data, frame=Frame(b"", now), record=f"flood/{rfc3339(now)}", boot=now
        )

    async def _keep_presence(self, events: Sequence[Event]) -> None:
        try:
            await self._events_out.keep(events)
        except SpoolAway:
            self._presence.owe(events)
            raise

    def _send(self, device: Device, outgoing: Outgoing) -> bool:
        match self._adapters[device.adapter].transport:
            case Mqtt():
                return self._mqtt.send(outgoing)
            case Tcp():
                return self._tcp[device.adapter].send(self._supervision.watches[device.id].connection, outgoing)
            case Http():
                return False  # it is carried away by the device's next poll

    def _reachable(self, device: Device) -> bool:
        """Whether a command could reach it now: over MQTT nobody else says so than its heartbeat."""
        watch = self._supervision.watches[device.id]
        match self._adapters[device.adapter].transport:
            case Mqtt():
                return self._mqtt.connected and watch.link == "online"
            case Tcp():
                return self._tcp[device.adapter].is_open(watch.connection)
            case Http():
                return False


def _context(building: Building, device: Device, adapter: Adapter) -> DeviceContext:
    return DeviceContext(
        site=building.site.id,
        id=device.id,
        address=device.address,
        time_zone=ZoneInfo(device.time_zone or building.site.time_zone),
        kind_lane=adapter.lane,
        options=_options(device, adapter),
    )


def _options(device: Device, adapter: Adapter) -> BaseModel:
    known = {name: getattr(device, name) for name in adapter.options.model_fields if hasattr(device, name)}
    return adapter.options.model_validate({**known, **device.options})
