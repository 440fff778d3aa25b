"""A device that floods: what is too much is let fall and counted, life never, and nobody else suffers."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.adapters import load_adapters
from hub.core.adapter import Decoded, DeviceContext, Frame, Outgoing
from hub.core.device_events import DeviceFlooding, DeviceReported, Reported
from hub.core.fire_events import Help, HelpCalled
from hub.host import shares
from tests.adapters import gbt26875_frames as gbt
from tests.disk import held, until
from tests.host import house as house_module
from tests.host.house import FIRE, LOCKER, SITE, House, record
from tests.host.test_yes_means_kept import PASSAGE
from tests.live_broker import Ear, LiveBroker

UP, DOWN = f"locker/v1/{SITE}/locker-2/up", f"locker/v1/{SITE}/locker-2/down"
MEASURED = gbt.framed(gbt.objects(3, bytes([1, 3, 31, 12, 0, 34, 0, 3]) + (235).to_bytes(2, "little") + gbt.tag(gbt.T)))
NEVER = 1e-9


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five frames at once, then none for a long while."""
    monkeypatch.setattr(shares, "BURST", 5.0)
    monkeypatch.setattr(shares, "RATE", NEVER)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[LiveBroker]:
    async with LiveBroker(tmp_path / "broker").running() as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path, broker: LiveBroker) -> AsyncIterator[House]:
    async with House(tmp_path, broker.address).running() as running:
        await until(lambda: running.host.health["devices_broker"])
        yield running


@pytest.fixture
async def locker(broker: LiveBroker, house: House) -> AsyncIterator[Ear]:
    async with Ear(broker.address, "locker", "locker/#").up() as ear:
        yield ear


def let_fall(house: House) -> dict[str, int]:
    counted: dict[str, int] = house.host.health["let_fall"]
    return counted


async def moved(house: House) -> int:
    return (await house.types()).count("compartment.opened")


async def test_over_mqtt_it_is_let_fall_without_a_yes_and_counted(house: House, locker: Ear) -> None:
    for number in range(1, 21):
        locker.says(UP, record(number))
    await until(lambda: let_fall(house).get("rate") == 15)
    told = [json.loads(answer)["number"] for answer in await locker.hears(DOWN, 5)]
    assert told == [1, 2, 3, 4, 5]
    assert await moved(house) == 5, "kept + let fall = sent"
    await until(lambda: (house.beside.devices.get(LOCKER) or {}).get("let_fall") == 15)
    status = house.beside.devices[LOCKER]
    assert status
    assert status["link"] == "online", "it floods, so it is there"
    assert status["let_fall_since"]
    await until(lambda: any(word.let_fall == {"rate": 15} for word in house.beside.words))


async def test_a_flood_is_told_of_once_and_its_end_too(
    house: House, locker: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def floods() -> list[Any]:
        return [event.data.active for event in await house.events() if isinstance(event, DeviceFlooding)]

    for number in range(1, 21):
        locker.says(UP, record(number))
    await until(lambda: let_fall(house).get("rate") == 15)
    await _so(floods, [True])
    locker.says(UP, record(21))
    await until(lambda: let_fall(house).get("rate") == 16)
    monkeypatch.setattr(shares, "CALM", 0.0)
    await _so(floods, [True, False])


async def test_one_that_floods_takes_no_others_share(house: House, locker: Ear) -> None:
    for number in range(1, 51):
        locker.says(UP, record(number))
    await until(lambda: let_fall(house).get("rate") == 45)
    assert await house.asks("cdata", table="rtlog", body=PASSAGE) == (200, b"OK")
    async with house.panel() as panel:
        await panel.says(FIRE)
        await panel.hears()
    assert {"access.granted", "fire.alarm"} <= set(await house.types())


async def test_rows_that_wait_are_bounded_a_device(
    broker: LiveBroker, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody receipts here, so every row waits."""
    monkeypatch.setattr(shares, "BURST", 1000.0)
    monkeypatch.setattr(shares, "RATE", 1000.0)
    monkeypatch.setattr(shares, "ROWS", 8)
    async with Ear(broker.address, "locker", "locker/#").up() as locker:
        for number in range(1, 31):
            locker.says(UP, record(number))
            if number % 10 == 0:
                await asyncio.sleep(0.2)
        await until(lambda: let_fall(house).get("rows", 0) + house.spool.rows_of(LOCKER) >= 30)
        kept = await moved(house)
        assert kept + let_fall(house)["rows"] == 30
        assert kept == len({json.loads(answer)["number"] for answer in await locker.hears(DOWN, kept)})
        rows = [row.sequence for row in await house.spool.after("routine", 0, 1000)]
        house.host.receipt([(rows[0], rows[-1])])
        await until(lambda: house.spool.rows_of(LOCKER) == 0)
        locker.says(UP, record(99))
        await until(lambda: house.spool.rows_of(LOCKER) == 1)


async def test_too_much_of_all_together_is_let_fall_and_nobodys_flood(
    house: House, locker: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "BURST", 1000.0)
    monkeypatch.setattr(shares, "RATE", 1000.0)
    monkeypatch.setattr(shares, "UNDER_WAY", 3)
    async with held(house.spool):
        for number in range(1, 8):
            locker.says(UP, record(number))
        await until(lambda: let_fall(house).get("busy") == 4)
    assert len(await locker.hears(DOWN, 3)) == 3
    locker.says(UP, record(8))
    assert len(await locker.hears(DOWN, 4)) == 4
    assert "device.flooding" not in await house.types()


async def test_a_reader_over_its_share_is_not_read_and_then_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(5):
        assert (await house.asks("cdata", table="rtlog", body=PASSAGE.replace(b"=21", b"=%d" % index)))[0] == 200
    waiting = asyncio.create_task(house.asks("cdata", table="rtlog", body=PASSAGE.replace(b"=21", b"=77")))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    assert (await house.asks("getrequest"))[0] == 200, "its poll, which has no body, is answered"
    await _so(lambda: _counted(house, "device.flooding"), 1)
    monkeypatch.setattr(shares, "RATE", 100.0)
    assert (await waiting)[0] == 200
    assert let_fall(house) == {}
    assert await _counted(house, "access.granted") == 6


async def test_of_a_fire_panel_only_routine_frames_are_let_fall(house: House) -> None:
    async with house.panel() as panel:
        await panel.says(MEASURED * 20)
        for _ in range(5):
            await panel.hears()
        assert await panel.hears_nothing()
        assert let_fall(house) == {"rate": 15}
        await panel.says(FIRE)
        assert await panel.hears(), "life is never let fall"
    assert await _counted(house, "fire.alarm") == 1
    assert await _counted(house, "fire.measured") == 5
    await _so(lambda: _counted(house, "device.flooding"), 1)
    assert [e.lane for e in await house.events() if e.type == "device.flooding"] == ["life"]


async def test_of_a_kind_that_can_bring_life_each_message_is_read_and_life_is_kept(
    tmp_path: Path, broker: LiveBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(frame: Frame, device: DeviceContext) -> Decoded:
        said = frame.payload.decode()
        event: type[HelpCalled | DeviceReported] = HelpCalled if "help" in said else DeviceReported
        data = Help(active=True) if "help" in said else Reported(what="other", text=said)
        reply = Outgoing(frame.payload, topic=DOWN)
        return Decoded((device.event(event, data, frame=frame, record=said, boot=frame.received),), reply)

    vendors = replace(load_adapters()["locker_mqtt"], decode=decode, brings_life=True)
    monkeypatch.setattr(house_module, "load_adapters", lambda: {**load_adapters(), "locker_mqtt": vendors})
    async with (
        House(tmp_path, broker.address).running() as house,
        Ear(broker.address, "locker", "locker/#").up() as locker,
    ):
        await until(lambda: house.host.health["devices_broker"])
        said = [b"help %d" % number if number % 10 == 9 else b"%d" % number for number in range(40)]
        for each in said:
            locker.says(UP, each)
        await until(lambda: let_fall(house).get("rate", 0) + len(locker.on(DOWN)) == 40)
        assert [each for each in locker.on(DOWN) if b"help" in each] == [each for each in said if b"help" in each]
        assert await _counted(house, "help.called") == 4
        assert await _counted(house, "device.reported") == 40 - 4 - let_fall(house)["rate"]


async def _counted(house: House, type_name: str) -> int:
    return (await house.types()).count(type_name)


async def _so(found: Any, wanted: object) -> None:
    async with asyncio.timeout(8):
        while await found() != wanted:
            await asyncio.sleep(0.02)
