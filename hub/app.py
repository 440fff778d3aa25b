"""The wiring, all of it, in one place: which parts run in this process, what each is given, how they stop."""

import asyncio
import contextlib
import fcntl
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

import structlog
from aiohttp import web

from hub import systemd
from hub.adapters import load_adapters
from hub.broker import Broker, own_broker
from hub.bus.client import BrokerAddress
from hub.bus.drops import Drops
from hub.console.desk import BrokerNotice, Desk
from hub.console.server import build
from hub.console.sounding import Sounding
from hub.console.users import NewUser, first_user
from hub.core.adapter import Adapter
from hub.core.notifier import Channel
from hub.dispatch import Dispatch
from hub.health import Health
from hub.heartbeat import Heartbeat
from hub.host import Host, HostSettings
from hub.intake import Intake
from hub.leash import leashed
from hub.memory import calm
from hub.notifiers import load_notifiers
from hub.pulse import Pulse
from hub.restarts import Restarts
from hub.scheduler import Scheduler
from hub.settings.last_good import keep_last_good, load_or_last_good
from hub.settings.load import Loaded
from hub.siren import Siren
from hub.store.database import Store, StoreAway
from hub.store.disk import Disk
from hub.store.sealing import Keys
from hub.store.spool import Spool, SpoolAway
from hub.turns import Turns
from hub.watchdog import NOTE, Watchdog

log = structlog.get_logger()

Part = Literal["all", "host", "desk"]

OPEN_AGAIN = 1.0
"""seconds to the next try while the database is away"""
LET_GO_WITHIN = 1.0
"""seconds that a hub which was just killed has to be gone"""


@dataclass(frozen=True, slots=True)
class Run:
    """What `hub run` was asked for. `only` is the part that this process is, where the others run on their own."""

    config: Path
    data: Path
    http: str = ""
    broker: str = ""
    database: str = ""
    split: bool = False
    only: Part = "all"
    say: Callable[[str], None] = lambda line: None


class DataInUse(OSError):
    """Another hub runs on this data directory: two would write one spool, and cut off each other's broker."""


async def run(asked: Run) -> None:
    """Until SIGINT or SIGTERM. Raises ConfigurationRefused, OSError, SpoolAway at start; KeysWrong, NewerSchema once
    the database is there."""
    with _alone(asked):
        await _run(asked)


@contextlib.contextmanager
def _alone(asked: Run) -> Iterator[None]:
    """Holds the data directory for the parts that this process is; the system lets go of it however it ends."""
    asked.data.mkdir(parents=True, exist_ok=True)
    asked.data.chmod(0o700)
    parts = [asked.only] if asked.only != "all" else ["desk"] if asked.split else ["desk", "host"]
    with contextlib.ExitStack() as held:
        for part in parts:
            lock = held.enter_context((asked.data / f"{part}.lock").open("w"))
            until = time.monotonic() + LET_GO_WITHIN
            while not _locked(lock):
                if time.monotonic() > until:
                    raise DataInUse(f"another hub runs with {asked.data}; stop it first, or give --data another")
                time.sleep(0.05)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _run(asked: Run) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    adapters = load_adapters()
    loaded, mistakes = load_or_last_good(asked.config, asked.data, adapters)
    for mistake in mistakes:
        log.error("configuration_mistake", mistake=str(mistake))
    if not mistakes:
        try:
            keep_last_good(asked.data, asked.config)
        except OSError as problem:
            log.error("last_good_configuration_not_kept", reason=str(problem))
    keys = Keys.load_or_create(asked.data)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(_broker(asked, loaded, adapters))
        work = asyncio.create_task(
            _serve(asked, loaded, tuple(str(m) for m in mistakes), adapters, keys, broker), name="serve"
        )
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not work.done():
            asked.say("stopping")
            systemd.notify("STOPPING=1")
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


@contextlib.asynccontextmanager
async def _broker(asked: Run, loaded: Loaded, adapters: Mapping[str, Adapter]) -> AsyncIterator[Broker]:
    if asked.broker:
        yield Broker(BrokerAddress.from_url(asked.broker), "named")
        return
    async with own_broker(asked.config, asked.data, loaded.hub, loaded.building, adapters) as broker:
        yield broker


async def _serve(
    asked: Run, loaded: Loaded, mistakes: tuple[str, ...], adapters: Mapping[str, Adapter], keys: Keys, broker: Broker
) -> None:
    """The parts of this process, side by side; if one fails for good, all stop and the failure is told."""
    health = Health()
    disk = Disk(asked.data)
    await asyncio.to_thread(disk.look)
    if disk.low:
        disk.give_back()  # to open a database takes room
    health.add("disk", lambda: disk.health)
    drops = Drops(broker.address, f"drops-{loaded.hub.host}")
    turns = Turns()
    split = asked.split and asked.only == "all"
    with_host = asked.only in ("all", "host") and not split
    with_desk = asked.only in ("all", "desk")
    async with AsyncExitStack() as stack:
        intake = host = None
        databases: list[Spool | Store] = []
        if with_desk:
            store = Store(asked.database or f"sqlite:///{asked.data.absolute() / 'hub.db'}", keys)
            stack.push_async_callback(store.close)
            databases.append(store)
            channels = _channels(loaded)
            intake = Intake(
                loaded.building,
                store,
                broker.address,
                tuple(channels),
                tell_host=lambda name, ranges: host.receipt(ranges) if host else None,
                low=lambda: store.is_file and disk.low,
                life_comes=turns.life_comes,
            )
            health.add("intake", lambda: intake.health)
            health.add("broker", lambda: {"kind": broker.kind, "dropped": drops.total})
        if with_host:
            spool = Spool(asked.data / "spool.db", keys, lambda: disk.low)
            await spool.open()
            stack.push_async_callback(spool.close)
            databases.append(spool)
            settings = _host_settings(loaded, broker)
            host = Host(settings, loaded.building, adapters, spool, local=intake, life_comes=turns.life_comes)
            health.add("host", lambda: host.health)
        pulses: dict[str, Pulse] = {}
        watchdog = Watchdog(asked.data, lambda: pulses)
        health.add("watchdog", lambda: watchdog.health)
        calm()
        async with watchdog.watching(), asyncio.TaskGroup() as tasks:
            if intake:
                sounding = Sounding()
                siren = None
                if loaded.hub.siren:
                    siren = Siren(loaded.building.site.id, store, loaded.hub.siren, sounding.possible)
                    health.add("siren", lambda: {**siren.health, "pages_that_sound": sounding.pages})
                desk = Desk(
                    store=store,
                    building=loaded.building,
                    secure_cookies=loaded.hub.console.tls is not None,
                    health=health,
                    config_mistakes=mistakes,
                    broker_notice=lambda: _broker_notice(broker, drops),
                    channels=tuple(channels),
                    read_again=intake.read_again,
                    sounding=sounding,
                    siren=siren,
                )
                tried = asyncio.Event()
                opening = tasks.create_task(_open(desk, tried, asked.say), name="store-opening")
                await tried.wait()  # before a device is told yes: the keys may be wrong
            if host:
                ready = asyncio.Event()
                tasks.create_task(host.run(ready), name="host")
                await ready.wait()
                pulses |= {**host.pulses, "spool": spool.pulse}
            taking = [partial(_take_room, database) for database in databases]
            watching = disk.run(taking, intake.begin_again if intake else lambda: None)
            tasks.create_task(watching, name="disk")
            if split:
                tasks.create_task(_host_process(asked, broker), name="host-process")
            if intake:
                tasks.create_task(intake.run(), name="intake")
                scheduler = Scheduler(loaded.building.site.id, store, intake.reached, intake.passing.passed)
                tasks.create_task(scheduler.run(), name="scheduler")
                dispatch = Dispatch(
                    loaded.building, store, broker.address, channels, host_beside=host.command if host else None
                )
                tasks.create_task(dispatch.run(), name="dispatch")
                tasks.create_task(drops.run(), name="broker-drops")
                restarts = Restarts(asked.data / NOTE, loaded.building.site.id, store)
                tasks.create_task(restarts.run(), name="restarts")
                if siren:
                    tasks.create_task(siren.run(), name="siren")
                    pulses["siren"] = siren.pulse
                heartbeat = _heartbeat(loaded, broker, health)
                tasks.create_task(heartbeat.run(), name="heartbeat")
                tasks.create_task(_console(asked, loaded, desk, opening), name="console")
                pulses |= {**intake.pulses, **dispatch.pulses, **heartbeat.pulses, "scheduler": scheduler.pulse}
                pulses |= {"store-writer": store.pulse, "broker-drops": drops.pulse, "console": desk.pulse}
            elif host:
                asked.say("host running")
                systemd.notify("READY=1")


async def _take_room(database: Spool | Store) -> bool:
    """The disk is nearly full."""
    try:
        await database.take_room()
    except (SpoolAway, StoreAway) as problem:
        log.error("room_not_taken", reason=str(problem))
        return False
    log.info("room_taken")
    return True


async def _open(desk: Desk, tried: asyncio.Event, say: Callable[[str], None]) -> NewUser | None:
    """The store open, and its first user where it had none. While the database is away devices are served from the
    spool all the same, and it is tried again. Raises KeysWrong, NewerSchema."""
    while True:
        try:
            if not desk.store.is_open:
                await desk.store.open()
            first = await first_user(desk)
        except StoreAway as problem:
            if not tried.is_set():
                log.error("store_away", reason=str(problem))
                say(f"the database is away: {problem}; devices are served, and it is tried again until it is there")
            tried.set()
            await asyncio.sleep(OPEN_AGAIN)
            continue
        if tried.is_set():
            say("the database is there")
        tried.set()
        return first


async def _console(asked: Run, loaded: Loaded, desk: Desk, opening: asyncio.Task[NewUser | None]) -> None:
    """Pages, API and stream, until cancelled."""
    where = asked.http or str(loaded.hub.console.address)
    address, _, port = where.rpartition(":")
    runner = web.AppRunner(build(desk), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.strip("[]"), int(port), ssl_context=_tls(loaded))
        await site.start()
        scheme = "https" if loaded.hub.console.tls else "http"
        systemd.notify("READY=1")
        asked.say(f"front desk at {scheme}://{address}:{runner.addresses[0][1]}")
        if first := await opening:
            asked.say(f"first user: {first.name}   password, shown only this once: {first.password}")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _tls(loaded: Loaded) -> ssl.SSLContext | None:
    """None where no certificate is declared. Raises OSError where the files aren't there: without them the pages
    would go out in the clear."""
    tls = loaded.hub.console.tls
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def _heartbeat(loaded: Loaded, broker: Broker, health: Health) -> Heartbeat:
    said = loaded.hub.heartbeat
    url = said.url.get_secret_value() if said.url else ""
    return Heartbeat(loaded.hub.host, loaded.building.site.id, broker.address, health, said.every, url)


def _broker_notice(broker: Broker, drops: Drops) -> BrokerNotice:
    if broker.kind == "amqtt":
        return "for_trying_out"
    return "dropping" if drops.lately else ""


def _host_settings(loaded: Loaded, broker: Broker) -> HostSettings:
    ports = {d.adapter: d.port for d in loaded.building.devices.values() if d.port}
    return HostSettings(
        name=loaded.hub.host,
        broker=broker.address,
        devices_address=loaded.hub.listen.devices,
        readers_port=loaded.hub.listen.readers,
        tcp_ports=ports,
    )


def _channels(loaded: Loaded) -> dict[str, Channel]:
    """The desk, and each channel that hub.toml has a table for."""
    notifiers = load_notifiers()
    declared: dict[str, dict[str, object]] = {"desk": {}}
    if smtp := loaded.hub.smtp:
        secret = loaded.secrets.smtp
        declared["smtp"] = {"host": smtp.server.host, "port": smtp.server.port, "sender": smtp.sender, "tls": smtp.tls}
        if secret:
            declared["smtp"] |= {"user": secret.user, "password": secret.password}
    if (webhook := loaded.hub.webhook) and loaded.secrets.webhook:
        declared["webhook"] = {"url": webhook.url.get_secret_value(), "secret": loaded.secrets.webhook.secret}
    return {name: notifiers[name].channel(settings) for name, settings in declared.items()}


async def _host_process(asked: Run, broker: Broker) -> None:
    """The host as a process of its own, started again when it dies; its environment alone has the broker's password."""
    address = broker.address
    scheme = "mqtts" if address.tls else "mqtt"
    url = f"{scheme}://{quote(address.user)}:{quote(address.password)}@{address.host}:{address.port}"
    command = leashed(sys.executable, "-m", "hub", "run", "--only", "host")
    inherited = {name: value for name, value in os.environ.items() if name not in systemd.ENVIRONMENT}
    environment = {
        **inherited,
        "HUB_KEPT": "1",
        "HUB_CONFIG": str(asked.config),
        "HUB_DATA": str(asked.data),
        "HUB_BROKER": url,
    }
    while True:
        child = await asyncio.create_subprocess_exec(*command, env=environment, start_new_session=True)
        log.info("host_process_started", pid=child.pid)
        try:
            code = await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        await child.wait()
                if child.returncode is None:
                    child.kill()
        log.error("host_process_died", code=code)
        await asyncio.sleep(0.5)
