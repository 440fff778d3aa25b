"""Which broker the hub uses: one that is named, or its own: mosquitto where it is installed, amqtt for trying out."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from hub.bus.access import HUB_USER, BrokerUser, broker_users
from hub.bus.broker_files import DeviceListener
from hub.bus.client import MQTT_3_1_1, BrokerAddress
from hub.bus.mosquitto import Mosquitto, free_port, installed
from hub.core.adapter import Adapter
from hub.core.building import Building
from hub.settings.hub_file import HubSettings, Listen
from hub.settings.mistakes import Mistakes
from hub.settings.secrets_file import NAME, read_secrets

log = structlog.get_logger()

LOOK_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is for the hub, and whether it was named or is the hub's own."""

    address: BrokerAddress
    kind: Literal["named", "mosquitto", "amqtt"]


def passwords(config: Path) -> dict[str, str]:
    """The devices' MQTT passwords as secrets.toml has them now."""
    return {
        name: secret.password.get_secret_value() for name, secret in read_secrets(config, Mistakes()).devices.items()
    }


def device_listener(listen: Listen) -> DeviceListener:
    if listen.tls is None:
        return DeviceListener(listen.devices, listen.mqtt)
    certificate, key = listen.tls.certificate.absolute(), listen.tls.key.absolute()
    return DeviceListener(listen.devices, listen.mqtt, certificate, key, listen.mqtt_plain)


@contextlib.asynccontextmanager
async def own_broker(
    config: Path, data: Path, hub: HubSettings, building: Building, adapters: Mapping[str, Adapter]
) -> AsyncIterator[Broker]:
    """Started, kept running, its users kept as secrets.toml says, and stopped last."""
    hub_password = secrets.token_urlsafe(24)

    def users_now() -> list[BrokerUser]:
        return broker_users(building, adapters, passwords(config), hub_password)

    if installed():
        listener = device_listener(hub.listen)
        child = Mosquitto((data / "broker").absolute(), listener, free_port())
        child.write_configuration(users_now())
        started = asyncio.Event()
        async with _running(child.run(started), _follow(config, lambda: child.reload(users_now())), until=started):
            yield Broker(BrokerAddress("127.0.0.1", child.hub_port, HUB_USER, hub_password), "mosquitto")
        return
    from hub.bus.embedded import Embedded  # amqtt is loaded only where it is needed

    embedded = Embedded(hub.listen.devices, hub.listen.mqtt, users_now())
    await embedded.start()
    try:
        async with _running(_follow(config, lambda: embedded.reload(users_now()))):
            address = BrokerAddress(hub.listen.devices, hub.listen.mqtt, HUB_USER, hub_password, protocol=MQTT_3_1_1)
            yield Broker(address, "amqtt")
    finally:
        await embedded.stop()


@contextlib.asynccontextmanager
async def _running(*work: Coroutine[None, None, None], until: asyncio.Event | None = None) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each, name=f"broker-{number}") for number, each in enumerate(work)]
    try:
        if until:
            waiting = asyncio.create_task(until.wait())
            await asyncio.wait([waiting, tasks[0]], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if tasks[0].done():
                tasks[0].result()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(config: Path, changed: Callable[[], None]) -> None:
    """A device added while the hub runs is let in without a restart."""
    seen = _version(config)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        now = _version(config)
        if now != seen:
            seen = now
            try:
                changed()
            except OSError as problem:
                log.error("broker_users_not_changed", reason=str(problem))
            else:
                log.info("broker_users_changed")


def _version(config: Path) -> int:
    try:
        return (config / NAME).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
