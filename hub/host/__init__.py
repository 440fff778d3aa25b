"""The host: frames become events on this machine's disk, and only then the device hears yes; what waits on disk goes
out to the intake; commands become frames; who falls silent is noticed.
"""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel, ValidationError

from hub.bus import topics
from hub.bus.client import BrokerAddress, BusClient, Message, Will
from hub.core.adapter import Adapter, Decoded, DeviceContext, Frame, Http, Mqtt, Outgoing, Tcp, Unreadable
from hub.core.building import Building, Device
from hub.core.commands import COMMAND, Command
from hub.core.device_events import DeviceOffline, DeviceOnline, FrameQuarantined, Link, Quarantined
from hub.core.envelope import event_id
from hub.core.events import Event, dump_event, parse_event
from hub.core.fire_events import FireAlarm, FireEvacuation
from hub.core.text import rfc3339
from hub.host.commands import Commands
from hub.host.knocks import Knocks, knock_id
from hub.host.news import News
from hub.host.supervision import Supervision, Watch
from hub.host.window import Window
from hub.store.spool import Draft, Spool, SpoolAway, SpooledRow
from hub.transports.http import HttpListener
from hub.transports.mqtt import MqttTransport
from hub.transports.tcp import TcpListener

log = structlog.get_logger()

TICK = 0.25
STATUS_EVERY = 5.0
KEPT_BYTES = 256 * 1024


class Local(Protocol):
    """The intake in the same process: hears of life events and of the host's state while the broker is away."""

    def offer(self, events: Sequence[Event]) -> None: ...
    def host_status(self, host: str, status: Mapping[str, Any]) -> None: ...
    def device_status(self, status: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`name` names the spool, for ever. Ports of 0 are given by the system."""

    name: str
    broker: BrokerAddress
    devices_address: str = "127.0.0.1"
    readers_port: int = 8081
    tcp_ports: Mapping[str, int] = field(default_factory=dict)
    """adapter → port, where building.toml says another than the adapter's own"""


class Host:
    def __init__(
        self,
        settings: HostSettings,
        building: Building,
        adapters: Mapping[str, Adapter],
        spool: Spool,
        local: Local | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._building = building
        self._site = building.site.id
        self._adapters = adapters
        self._spool = spool
        self._local = local
        self._clock = clock
        self._contexts = {d.id: _context(building, d, adapters[d.adapter]) for d in building.devices.values()}
        self._supervision = Supervision(building.devices.values(), time.monotonic())
        self._knocks = Knocks()
        self._unknown_fires: set[tuple[str, str, str]] = set()
        self._news = News()
        self._last_sequence = 0
        self._oldest: int | None = None
        self._waiting = 0
        self._statuses_due = 0.0
        self._kick = asyncio.Event()
        self._bus = {
            lane: BusClient(
                settings.broker,
                f"host-{settings.name}-{lane}",
                subscriptions=(
                    (topics.receipts(self._site, settings.name), topics.commands(self._site, "+"))
                    if lane == "routine"
                    else ()
                ),
                on_message=self._on_bus_message,
                on_up=self._on_bus_up,
                will=Will(topics.host_status(self._site, settings.name), b"{}") if lane == "routine" else None,
            )
            for lane in ("life", "routine")
        }
        self._windows = {
            "life": Window("life", spool, self._publish_row, time.monotonic),
            "routine": Window("routine", spool, self._publish_row, time.monotonic),
        }
        self._mqtt = MqttTransport(settings.broker, f"devices-{settings.name}", self._site, adapters, self.receive)
        self._http = HttpListener(adapters, settings.devices_address, settings.readers_port, self.receive)
        self._tcp = {
            adapter.name: TcpListener(
                adapter,
                settings.devices_address,
                settings.tcp_ports.get(adapter.name, adapter.transport.default_port),
                self.receive,
                self.junk,
                self._connection_gone,
            )
            for adapter in adapters.values()
            if isinstance(adapter.transport, Tcp)
        }
        self._commands = Commands(
            spool, self._contexts, adapters, building, self._send, self._reachable, self._spooled, clock
        )
        self._device_of_connection: dict[int, str] = {}

    # running

    async def run(self, ready: asyncio.Event) -> None:
        """Serve devices until cancelled. Raises SpoolAway or OSError when it can't begin."""
        self._oldest, self._last_sequence, self._waiting = await self._spool.waiting()
        await self._commands.open()
        listeners = [*self._tcp.values()]
        if any(isinstance(a.transport, Http) for a in self._adapters.values()):
            await self._http.start()
        for listener in listeners:
            await listener.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for lane, client in self._bus.items():
                    tasks.create_task(client.run(), name=f"host-bus-{lane}")
                if any(isinstance(a.transport, Mqtt) for a in self._adapters.values()):
                    tasks.create_task(self._mqtt.run(), name="host-mqtt-devices")
                tasks.create_task(self._empty_the_spool(), name="host-window")
                tasks.create_task(self._supervise(), name="host-supervision")
                tasks.create_task(self._tell_every_second(), name="host-status")
                ready.set()
        finally:
            for listener in listeners:
                await listener.stop()
            await self._http.stop()

    @property
    def readers_port(self) -> int:
        return self._http.port

    def tcp_port(self, adapter: str) -> int:
        return self._tcp[adapter].port

    @property
    def health(self) -> dict[str, Any]:
        return {
            "broker": self._bus["routine"].connected and self._bus["life"].connected,
            "devices_broker": self._mqtt.connected,
            "spool_waiting": self._waiting,
            "let_fall": self._mqtt.let_fall,
            "publishes_refused": sum(client.refused for client in self._bus.values()),
        }

    # frames in

    def receive(self, adapter: Adapter, frame: Frame, connection: int) -> "asyncio.Future[Outgoing | None]":
        """A frame to events, to disk; the future's reply is due once they are there."""
        address = adapter.address(frame, self._site)
        device = self._building.device_at(adapter.name, address, frame.peer) if address is not None else None
        if device is None and address is None:
            device = self._building.devices.get(self._device_of_connection.get(connection, ""))
        if device is None:
            return self._unknown(adapter, address or "", frame)
        context = self._contexts[device.id]
        if isinstance(adapter.transport, Tcp):
            self._device_of_connection[connection] = device.id
        decoded = _decode(adapter, frame, context)
        events = self._heard(device, frame, connection, decoded)
        return asyncio.ensure_future(self._keep(adapter, context, frame, decoded, events))

    def junk(self, adapter: Adapter, frame: Frame, connection: int, reason: str) -> "asyncio.Future[Outgoing | None]":
        """Bytes that are no frame: kept with the reason, under the device of their connection where it is known."""
        device = self._device_of_connection.get(connection)
        decoded = Decoded(unreadable=Unreadable(reason))
        if device is None:
            return self._unknown(adapter, "", frame, decoded)
        return asyncio.ensure_future(self._keep(adapter, self._contexts[device], frame, decoded, []))

    async def _keep(
        self, adapter: Adapter, context: DeviceContext, frame: Frame, decoded: Decoded, events: list[Event]
    ) -> Outgoing | None:
        """On disk first; then the outcomes it brings, the commands it asks for, and the reply."""
        if decoded.unreadable:
            events.append(_quarantined(context, adapter, frame, decoded.unreadable.reason))
        await self._spool_events(events)
        for outcome in decoded.outcomes:
            await self._commands.answered(context.id, outcome)
        if decoded.takes_commands:
            carried = await self._commands.carried_away(context.id, decoded.takes_commands)
            if carried:
                return carried
        return decoded.reply

    async def _spool_events(self, events: Sequence[Event]) -> None:
        if not events:
            return
        drafts = [Draft(event.lane, event.device, dump_event(event)) for event in events]
        try:
            rows = await self._spool.append(drafts)
        except SpoolAway as error:
            log.error("events_not_kept", count=len(events), reason=str(error))
            raise
        self._spooled(rows)

    def _spooled(self, rows: Sequence[SpooledRow]) -> None:
        """What stands on disk goes out: to the broker, and life straight to the intake beside us."""
        if not rows:
            return
        self._last_sequence = max(self._last_sequence, rows[-1].sequence)
        self._waiting += len(rows)
        if self._oldest is None:
            self._oldest = rows[0].sequence
        if self._local and (life := [row for row in rows if row.lane == "life"]):
            self._local.offer([parse_event(self._on_the_wire(row)) for row in life])
        for lane, window in self._windows.items():
            window.committed(row for row in rows if row.lane == lane)
        self._kick.set()

    def _heard(self, device: Device, frame: Frame, connection: int, decoded: Decoded) -> list[Event]:
        """The events to keep: presence that is news, and snapshots that changed something."""
        kept: list[Event] = []
        gone = any(isinstance(event, DeviceOffline) for event in decoded.events)
        if gone or frame.retained:
            came_back = False
        else:
            came_back = self._supervision.heard(
                device.id, frame.received, time.monotonic(), peer=frame.peer, connection=connection
            )
        for event in decoded.events:
            match event:
                case DeviceOnline():
                    continue
                case DeviceOffline():
                    if not frame.retained and self._supervision.left(device.id, frame.received):
                        kept.append(event)
                case _ if not self._news.is_news(event):
                    continue
                case _:
                    kept.append(event)
        if came_back:
            kept.insert(0, self._link_event(device, DeviceOnline, "connect", frame.received, str(frame.received)))
        return kept

    def _unknown(
        self, adapter: Adapter, address: str, frame: Frame, decoded: Decoded | None = None
    ) -> "asyncio.Future[Outgoing | None]":
        """No yes and no command; but a fire is raised, once a source."""
        name = knock_id(adapter.name, address, frame.peer)
        context = DeviceContext(
            self._site, name, address, ZoneInfo(self._building.site.time_zone), adapter.lane, adapter.options()
        )
        decoded = decoded or _decode(adapter, frame, context)
        knock = self._knocks.heard(adapter.name, address, frame, decoded)
        if knock.count == 1:
            log.warning("unknown_device", adapter=adapter.name, device=name, peer=frame.peer)
        self._publish_status(
            {
                "device": name,
                "adapter": adapter.name,
                "address": address,
                "peer": frame.peer,
                "declared": False,
                "link": "online",
                "last_heard": rfc3339(knock.last),
                "since": rfc3339(knock.first),
                "frames": list(knock.frames),
            }
        )
        fires = [e for e in decoded.events if isinstance(e, FireAlarm | FireEvacuation) and e.data.active]
        source = (adapter.name, address, frame.peer)
        if fires and source not in self._unknown_fires:
            self._unknown_fires.add(source)
            return asyncio.ensure_future(self._raise_unknown(fires[:1]))
        silence: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
        silence.set_result(None)
        return silence

    async def _raise_unknown(self, fires: Sequence[Event]) -> Outgoing | None:
        await self._spool_events(fires)
        return None

    # events out

    def _on_the_wire(self, row: SpooledRow) -> bytes:
        return b'{"host":"%s","sequence":%d,%s' % (self._settings.name.encode(), row.sequence, row.payload[1:])

    def _publish_row(self, row: SpooledRow) -> bool:
        topic = topics.events(self._site, row.lane, row.device)
        return self._bus[row.lane].publish(topic, self._on_the_wire(row))

    def receipt(self, ranges: Sequence[tuple[int, int]], *, restart: bool = False) -> None:
        """The intake's word: the store has committed these. Also called directly by an intake beside us."""
        if restart:
            for window in self._windows.values():
                window.begin_again()
        if ranges:
            for window in self._windows.values():
                window.received(ranges)
            asyncio.ensure_future(self._forget(ranges))  # noqa: RUF006  # a row forgotten late is only sent again
        self._kick.set()

    async def _forget(self, ranges: Sequence[tuple[int, int]]) -> None:
        with contextlib.suppress(SpoolAway):
            await self._spool.forget(ranges)

    async def _empty_the_spool(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._kick.wait(), TICK)
            self._kick.clear()
            with contextlib.suppress(SpoolAway):
                for window in (self._windows["life"], self._windows["routine"]):
                    await window.fill()

    def _on_bus_up(self) -> None:
        for window in self._windows.values():
            window.begin_again()
        self._statuses_due = 0.0
        for watch in self._supervision.watches.values():
            watch.changed = True
        self._kick.set()

    def _on_bus_message(self, message: Message) -> None:
        topic = topics.parse(message.topic)
        if topic is None or message.retained:
            return
        if topic.kind == "receipts":
            said = json.loads(message.payload)
            self.receipt([(int(a), int(b)) for a, b in said.get("sequences", ())], restart=bool(said.get("restart")))
        elif topic.kind == "commands":
            self.command(message.payload)

    # commands in

    def command(self, raw: bytes) -> None:
        """A command for one of our devices. Also called directly by a dispatch beside us."""
        try:
            asked: Command = COMMAND.validate_json(raw)
        except ValidationError as error:
            log.error("command_unreadable", problems=error.error_count())
            return
        if asked.device in self._contexts:
            asyncio.ensure_future(self._take_command(asked))  # noqa: RUF006  # dispatch offers it until it is kept

    async def _take_command(self, asked: Command) -> None:
        with contextlib.suppress(SpoolAway):
            await self._commands.take(asked)
            self._tell_host()

    def _send(self, device: Device, outgoing: Outgoing) -> bool:
        transport = self._adapters[device.adapter].transport
        match transport:
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

    def _connection_gone(self, connection: int) -> None:
        self._device_of_connection.pop(connection, None)

    # supervision

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = self._clock()
            with contextlib.suppress(SpoolAway):
                await self._spool_events(
                    [self._silent(w, now) for w in self._supervision.fell_silent(now, time.monotonic())]
                )
                await self._commands.expire(now)

    def _silent(self, watch: Watch, now: datetime) -> Event:
        log.warning("device_silent", device=watch.device.id)
        record = f"silence/{rfc3339(watch.last_heard) if watch.last_heard else 'since start ' + rfc3339(now)}"
        return self._link_event(watch.device, DeviceOffline, "silence", now, record, watch.last_heard)

    def _link_event(
        self,
        device: Device,
        event_class: type[DeviceOnline] | type[DeviceOffline],
        cause: str,
        at: datetime,
        record: str,
        last_heard: datetime | None = None,
    ) -> Event:
        frame = Frame(b"", at)
        link = Link.model_validate({"cause": cause, "last_heard": last_heard})
        return self._contexts[device.id].event(event_class, link, frame=frame, record=record, time=at)

    # what is told of the host and its devices

    async def _tell_every_second(self) -> None:
        while True:
            with contextlib.suppress(SpoolAway):
                self._oldest, self._last_sequence, self._waiting = await self._spool.waiting()
            self._tell_host()
            if time.monotonic() >= self._statuses_due:
                self._statuses_due = time.monotonic() + STATUS_EVERY
                for watch in self._supervision.watches.values():
                    if watch.changed:
                        watch.changed = False
                        self._publish_status(_status(watch))
            await asyncio.sleep(1.0)

    def _tell_host(self) -> None:
        status = {
            "at": rfc3339(self._clock()),
            "sequence": self._last_sequence,
            "oldest": self._oldest,
            "waiting": self._waiting,
            "kept": self._commands.kept_lately(),
            "let_fall": self._mqtt.let_fall,
        }
        topic = topics.host_status(self._site, self._settings.name)
        self._bus["routine"].publish(topic, json.dumps(status).encode(), retain=True, qos=0)
        if self._local:
            self._local.host_status(self._settings.name, status)

    def _publish_status(self, status: dict[str, Any]) -> None:
        status = {"host": self._settings.name, "site": self._site, **status}
        topic = topics.device_status(self._site, status["device"])
        self._bus["routine"].publish(topic, json.dumps(status, ensure_ascii=False).encode(), retain=True, qos=0)
        if self._local:
            self._local.device_status(status)


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


def _decode(adapter: Adapter, frame: Frame, context: DeviceContext) -> Decoded:
    try:
        return adapter.decode(frame, context)
    except Exception as error:
        log.exception("adapter_failed", adapter=adapter.name, device=context.id)
        return Decoded(unreadable=Unreadable(f"the adapter {adapter.name} failed on it: {type(error).__name__}"))


def _quarantined(context: DeviceContext, adapter: Adapter, frame: Frame, reason: str) -> Event:
    topic = frame.topic or (f"{frame.request.method} {frame.request.path}" if frame.request else "")
    kept = frame.payload[:KEPT_BYTES]
    mark = event_id(
        None,
        site=context.site,
        device=context.id,
        type_name="frame",
        subject=topic,
        record=base64.b85encode(kept).decode(),
    )
    data = Quarantined(
        reason=reason, quarantine=str(mark), frame=base64.b64encode(kept).decode(), topic=topic[:200] or None
    )
    return context.event(FrameQuarantined, data, frame=frame, record=f"quarantine/{mark}")


def _status(watch: Watch) -> dict[str, Any]:
    device = watch.device
    return {
        "device": device.id,
        "adapter": device.adapter,
        "address": device.address,
        "peer": watch.peer,
        "declared": True,
        "link": watch.link,
        "last_heard": rfc3339(watch.last_heard) if watch.last_heard else None,
        "since": rfc3339(watch.since) if watch.since else None,
        "skew": watch.skew,
    }
