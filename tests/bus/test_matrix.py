"""Every device tries every topic of every other, the hub's and the broker's own: only the diagonal works. Over the
files as shipped, the mosquitto that the hub starts (with TLS, and its port for devices that have none), and amqtt."""

import asyncio
import contextlib
import getpass
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hub.adapters import load_adapters
from hub.bus import broker_files
from hub.bus.access import HUB_USER, BrokerUser, broker_users
from hub.bus.broker_files import DeviceListener
from hub.bus.client import MQTT_3_1_1, BrokerAddress
from hub.bus.embedded import Embedded
from hub.bus.mosquitto import Mosquitto, free_port, installed
from hub.settings import load
from tests.bus import certificate
from tests.bus.party import Party, Visit

CONFIG = Path(__file__).parents[2] / "config"
HUB_PASSWORD = "the hub's own"
GATES = {"gate-e1": "1026801", "gate-e2": "1026802"}
DEVICES = (*GATES, "locker-2")
GATE_SAYS = ("Rec", "rec/AttendanceRecord", "Snap", "Ack", "ack", "QRCode", "IDCard", "Card", "Alarm")
GATE_SAYS_OF_ITSELF = ("basic", "heartbeat")
SHARED = ("mqtt/face/basic", "mqtt/face/heartbeat")


def may_say(device: str) -> set[str]:
    if address := GATES.get(device):
        return {f"mqtt/face/{address}/{name}" for name in GATE_SAYS + GATE_SAYS_OF_ITSELF} | set(SHARED)
    return {f"locker/v1/yunhe/{device}/up"}


def may_hear(device: str) -> set[str]:
    if address := GATES.get(device):
        return {f"mqtt/face/{address}", "mqtt/face/basic"}
    return {f"locker/v1/yunhe/{device}/down"}


def own(device: str) -> str:
    """A topic that no other device may say anything on."""
    return f"mqtt/face/{GATES[device]}/Rec" if device in GATES else f"locker/v1/yunhe/{device}/up"


def told_on(device: str) -> str:
    return f"mqtt/face/{GATES[device]}" if device in GATES else f"locker/v1/yunhe/{device}/down"


NOBODYS = {
    "hub/v1/yunhe/events/life/gate-e1",
    "hub/v1/yunhe/events/routine/locker-2",
    "hub/v1/yunhe/commands/gate-e1",
    "hub/v1/yunhe/receipts/hub-1",
    "hub/v1/yunhe/devices/gate-e1",
    "hub/v1/yunhe/hosts/hub-1",
    "hub/v1",
    "mqtt/face/1026803/Rec",
    "mqtt/face/1026801/Rec/more",
    "locker/v1/other/locker-2/up",
    "locker/v1/yunhe/locker-3/up",
    "anything",
}
TOPICS = sorted(NOBODYS.union(*(may_say(d) | may_hear(d) for d in DEVICES)))
BEYOND = (
    *("#", "+/#", "hub/#", "hub/v1/#", "hub/v1/yunhe/commands/+", "mqtt/#", "mqtt/face/#", "mqtt/face/+"),
    *("mqtt/face/+/Rec", "locker/v1/+/+/down", "$SYS/#", "$SYS/broker/version"),
)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the hub and where devices come in."""

    hub: BrokerAddress
    devices: BrokerAddress

    def of(self, device: str, password: str = "") -> BrokerAddress:
        return replace(self.devices, user=device, password=password or f"password of {device}")

    def party(self, device: str, *subscriptions: str) -> Party:
        return Party(self.of(device), device, *subscriptions)

    def hub_party(self, *subscriptions: str, client_id: str = "intake-yunhe-life") -> Party:
        return Party(self.hub, client_id, *subscriptions)


def _users() -> list[BrokerUser]:
    adapters = load_adapters()
    building = load(CONFIG, adapters).building
    return broker_users(building, adapters, {name: f"password of {name}" for name in DEVICES}, HUB_PASSWORD)


def _address(port: int, *, tls: bool = False) -> BrokerAddress:
    return BrokerAddress("127.0.0.1", port, HUB_USER, HUB_PASSWORD, tls=tls)


@pytest.fixture(params=["shipped", "own", "own-plain", "amqtt"])
async def doors(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Doors]:
    pem, key = certificate.make(tmp_path / "hub")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    hub, tls, plain = free_port(), free_port(), free_port()
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "amqtt":
            await stack.enter_async_context(_amqtt(plain))
            hub = plain
        elif request.param == "shipped":
            await stack.enter_async_context(_shipped(tmp_path / "hub", hub, tls, plain))
        else:
            listener = DeviceListener("127.0.0.1", tls, pem, key, plain)
            child = Mosquitto(tmp_path / "broker", listener, hub)
            child.write_configuration(_users())
            await stack.enter_async_context(_running(child))
        over_tls = request.param in ("shipped", "own")
        devices = _address(tls if over_tls else plain, tls=over_tls)
        # devices speak 3.1.1; over TLS 5 is tried, so that both are
        protocol = None if over_tls else MQTT_3_1_1
        hub_protocol = MQTT_3_1_1 if request.param == "amqtt" else None
        yield Doors(replace(_address(hub), protocol=hub_protocol), replace(devices, protocol=protocol))


@contextlib.asynccontextmanager
async def _amqtt(port: int) -> AsyncIterator[None]:
    embedded = Embedded("127.0.0.1", port, _users())
    await embedded.start()
    try:
        yield
    finally:
        await embedded.stop()


@contextlib.asynccontextmanager
async def _running(child: Mosquitto) -> AsyncIterator[None]:
    started = asyncio.Event()
    task = asyncio.create_task(child.run(started))
    try:
        async with asyncio.timeout(10):
            await started.wait()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _shipped(folder: Path, hub: int, tls: int, plain: int) -> AsyncIterator[None]:
    """The shipped files, on other ports and from another folder."""
    conf = (CONFIG / "mosquitto.conf").read_text()
    for shipped, here in {
        "/etc/mosquitto/hub": str(folder),
        "listener 8883 10.20.1.1": f"listener {tls} 127.0.0.1",
        "listener 1883 10.20.1.1": f"listener {plain} 127.0.0.1",
        "listener 1884 127.0.0.1": f"listener {hub} 127.0.0.1",
    }.items():
        assert shipped in conf
        conf = conf.replace(shipped, here)
    (folder / "mosquitto.conf").write_text(f"user {getpass.getuser()}\n{conf}")
    (folder / "mosquitto.acl").write_bytes((CONFIG / "mosquitto.acl").read_bytes())
    broker_files.write(folder, broker_files.PASSWORDS, broker_files.passwords(_users()))
    binary = installed()
    assert binary, "mosquitto is not installed"
    process = await asyncio.create_subprocess_exec(
        binary, "-c", str(folder / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(10):
            while not await _answers(hub):
                assert process.returncode is None, "mosquitto did not take the shipped files"
                await asyncio.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def test_the_shipped_files_are_those_that_the_hub_makes() -> None:
    adapters = load_adapters()
    building = load(CONFIG, adapters).building
    users = broker_users(building, adapters, dict.fromkeys(DEVICES, "any"), "any")
    assert (CONFIG / "mosquitto.acl").read_text() == broker_files.rights(users)
    folder = Path("/etc/mosquitto/hub")
    listener = DeviceListener("10.20.1.1", 8883, folder / "broker.pem", folder / "broker.key", plain_port=1883)
    assert (CONFIG / "mosquitto.conf").read_text() == broker_files.configuration(folder, listener, 1884)


async def test_a_device_says_only_what_is_its_own(doors: Doors) -> None:
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(doors.hub_party("#").up())
        for device in DEVICES:
            party = await stack.enter_async_context(doors.party(device).up())
            for topic in TOPICS:
                party.says(topic, device.encode())
                party.says(topic, device.encode(), retain=True)
            party.says(own(device), b"end")
        for device in DEVICES:
            await hub.hears(b"end", own(device))
        assert {said for said in hub.heard_from() if said[0] != "end"} == {(d, t) for d in DEVICES for t in may_say(d)}
    async with doors.hub_party("#").up() as late:
        for device in DEVICES:
            await late.hears(device.encode(), own(device))
        assert late.heard_from() <= {(d, t) for d in DEVICES for t in may_say(d)}


async def test_a_device_hears_only_what_is_for_it(doors: Doors) -> None:
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(doors.hub_party("#").up())
        for topic in TOPICS:
            hub.says(topic, b"kept", retain=True)
        for topic in TOPICS:
            await hub.hears(b"kept", topic)
        parties = [
            await stack.enter_async_context(doors.party(device, *TOPICS, *BEYOND, told_on(device)).up())
            for device in DEVICES
        ]
        for party in parties:
            await party.hears(b"kept", told_on(party.name))
        for topic in TOPICS:
            hub.says(topic, b"live")
        for party in parties:
            hub.says(told_on(party.name), b"end")
        for party in parties:
            await party.hears(b"end", told_on(party.name))
            both = {(word, topic) for word in ("kept", "live") for topic in may_hear(party.name)}
            assert party.heard_from() == both | {("end", told_on(party.name))}


async def test_a_will_says_only_what_its_device_may(doors: Doors) -> None:
    async def die_with_every_will(device: str) -> None:
        for topic in (*TOPICS, "$SYS/broker/publish/messages/dropped", own(device)):
            (await Visit(doors.of(device), device, will=topic).come()).die()

    async with doors.hub_party("#").up() as hub:
        await asyncio.gather(*(die_with_every_will(device) for device in DEVICES))
        allowed = {(d, t) for d in DEVICES for t in may_say(d)}
        for device, topic in sorted(allowed):
            await hub.hears(device.encode(), topic)
        assert hub.heard_from() == allowed
    async with doors.hub_party("#").up() as late:
        for device in DEVICES:
            await late.hears(device.encode(), own(device))
        assert late.heard_from() <= allowed


def _borrowed() -> Iterator[tuple[str, str, bool]]:
    """(client id, password, clean) that gate-e1's thief comes with."""
    for client_id in ("gate-e2", "locker-2", "intake-yunhe-life"):
        yield client_id, "", True
        yield client_id, "", False


async def test_nobody_is_cut_off_by_who_borrows_a_client_id(doors: Doors) -> None:
    hub = doors.hub_party("#")
    gate, locker = doors.party("gate-e2", told_on("gate-e2")), doors.party("locker-2", told_on("locker-2"))
    async with hub.up(), gate.up(), locker.up():
        for client_id, password, clean in _borrowed():
            (await Visit(doors.of("gate-e1", password), client_id, clean=clean).come()).die()
        for victim in ("gate-e2", "locker-2"):
            refused = Visit(doors.of(victim, "a guess"), victim)
            await refused.come()
            assert not refused.accepted
            refused.die()
        gate.says(own("gate-e2"), b"still here")
        await hub.hears(b"still here", own("gate-e2"))
        for party in (gate, locker):
            hub.says(told_on(party.name), b"and you?")
            await party.hears(b"and you?", told_on(party.name))
        assert (hub.lost, gate.lost, locker.lost) == (0, 0, 0)


async def test_what_waits_for_a_device_goes_to_nobody_who_borrows_its_client_id(doors: Doors) -> None:
    away = await Visit(doors.of("gate-e2"), "gate-e2", clean=False, subscription=told_on("gate-e2")).come()
    away.die()
    async with doors.hub_party("#").up() as hub:
        hub.says(told_on("gate-e2"), b"open the door")
        await hub.hears(b"open the door", told_on("gate-e2"))
        thief = Visit(doors.of("gate-e1"), "gate-e2", clean=False, subscription=told_on("gate-e1"))
        await thief.come()
        assert thief.accepted
        hub.says(told_on("gate-e1"), b"end")
        assert await thief.listen("end") == ["end"]
        thief.die()
