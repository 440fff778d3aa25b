"""MQTT: an answer goes out only for what is kept, on the session that the message came on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.core.adapter import Adapter, Decoded, Frame, Mqtt, Outgoing, Unsupported
from hub.store.spool import SpoolAway
from hub.transports.mqtt import MqttTransport
from tests.disk import until
from tests.live_broker import Ear, LiveBroker

ADAPTER = Adapter(
    name="toy",
    transport=Mqtt(up=("toy/{site}/{address}/up",), down=("toy/{site}/{address}/down",), shared=("toy/shared",)),
    address=lambda frame, site: None,
    decode=lambda frame, device: Decoded(),
    encode=lambda command, device, number, now: Unsupported("never"),
    commands=frozenset(),
)
UP, DOWN = "toy/b1/one/up", "toy/b1/one/down"


class Behind:
    def __init__(self, broker: LiveBroker) -> None:
        self.heard: list[Frame] = []
        self.due: list[asyncio.Future[Outgoing | None]] = []
        self.transport = MqttTransport(broker.address, "devices", "b1", {"toy": ADAPTER}, self.receive, self.lets_fall)

    def lets_fall(self, _adapter: Adapter, frame: Frame, _connection: int) -> bool:
        return frame.payload.startswith(b"too many")

    def receive(self, _adapter: Adapter, frame: Frame, _connection: int) -> "asyncio.Future[Outgoing | None]":
        self.heard.append(frame)
        kept: asyncio.Future[Outgoing | None] = asyncio.get_running_loop().create_future()
        self.due.append(kept)
        return kept

    def keep(self) -> None:
        for kept in self.due:
            kept.set_result(Outgoing(b"kept", topic=DOWN))
        self.due.clear()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[LiveBroker]:
    async with LiveBroker(tmp_path / "broker").running() as running:
        yield running


@pytest.fixture
async def behind(broker: LiveBroker) -> AsyncIterator[Behind]:
    made = Behind(broker)
    task = asyncio.create_task(made.transport.run())
    await until(lambda: made.transport.connected)
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def locker(broker: LiveBroker, behind: Behind) -> AsyncIterator[Ear]:
    async with Ear(broker.address, "locker", "toy/#").up() as ear:
        yield ear


async def test_an_answer_only_when_it_is_kept(behind: Behind, locker: Ear) -> None:
    locker.says(UP, b"record")
    await until(lambda: behind.heard)
    await asyncio.sleep(0.1)
    assert locker.on(DOWN) == []
    behind.keep()
    assert await locker.hears(DOWN) == [b"kept"]
    assert (behind.heard[0].topic, behind.heard[0].payload, behind.heard[0].peer) == (UP, b"record", "")


async def test_silence_for_what_the_disk_did_not_take(behind: Behind, locker: Ear) -> None:
    locker.says(UP, b"record")
    await until(lambda: behind.due)
    behind.due.pop().set_exception(SpoolAway("full"))
    locker.says(UP, b"record")
    await until(lambda: behind.due)
    behind.keep()
    assert await locker.hears(DOWN) == [b"kept"]


async def test_an_answer_of_a_former_session_is_dropped(broker: LiveBroker, behind: Behind, locker: Ear) -> None:
    locker.says(UP, b"before")
    await until(lambda: behind.due)
    broker.kill()
    await until(lambda: not behind.transport.connected)
    await until(lambda: behind.transport.connected and locker.client.ready, within=15)
    behind.keep()
    locker.says(UP, b"after")
    await until(lambda: behind.due)
    behind.keep()
    assert await locker.hears(DOWN) == [b"kept"]
    await asyncio.sleep(0.1)
    assert locker.on(DOWN) == [b"kept"]


async def test_only_what_the_adapters_name_is_heard(behind: Behind, locker: Ear) -> None:
    for topic in ("toy/b2/one/up", "toy/b1/one/down", "toy/shared", UP):
        locker.says(topic, b"x")
    await until(lambda: len(behind.heard) >= 2)
    assert [frame.topic for frame in behind.heard] == ["toy/shared", UP]


async def test_what_is_too_much_is_let_fall_without_an_answer(behind: Behind, locker: Ear) -> None:
    for said in (b"too many 1", b"a record", b"too many 2", b"another"):
        locker.says(UP, said)
    await until(lambda: len(behind.heard) == 2)
    assert [frame.payload for frame in behind.heard] == [b"a record", b"another"]


async def test_a_picture_is_cut_before_anyone_sees_the_frame(behind: Behind, locker: Ear) -> None:
    locker.says(UP, b'{"pic": "data:image/jpeg;base64,' + b"/9j/" * 500 + b'"}')
    await until(lambda: behind.heard)
    assert b"/9j//9j/" not in behind.heard[0].payload
    assert b"cut:" in behind.heard[0].payload
