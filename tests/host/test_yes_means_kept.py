"""A device hears yes only when what it said is on disk; who isn't declared hears none."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.host.knocks import SOURCES
from tests.adapters import gbt26875_frames as gbt
from tests.disk import away, held, until
from tests.host.house import FIRE, LOCKER, PANEL, SERIAL, House, record
from tests.live_broker import Ear, LiveBroker

PASSAGE = b"time=2026-04-10 10:00:07\tpin=7\tcardno=0\teventaddr=1\tevent=0\tinoutstatus=0\tverifytype=4\tindex=21\r\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path).running() as running:
        yield running


CONFIRM, DENY = 3, 6
"""control commands of GB/T 26875.3, table 2"""


def command_of(frame: bytes) -> int:
    return frame[26]


# TCP


async def test_a_panel_is_confirmed_when_its_fire_is_on_disk(house: House) -> None:
    async with house.panel() as panel:
        async with held(house.spool):
            await panel.says(FIRE)
            assert await panel.hears_nothing()
        assert command_of(await panel.hears()) == CONFIRM
        assert await house.types() == ["device.online", "fire.alarm"]


async def test_a_panel_hears_nothing_while_the_disk_is_away_and_its_resend_is_kept(house: House) -> None:
    async with house.panel() as panel:
        async with away(house.spool):
            await panel.says(FIRE)
            assert await panel.hears_nothing()
        await panel.says(FIRE)
        assert command_of(await panel.hears()) == CONFIRM
    types = await house.types()
    assert types.count("fire.alarm") == 1
    assert types.count("device.online") == 1, "who came is said, though the disk was away when it came"


async def test_a_frame_nobody_can_read_is_kept_and_confirmed(house: House) -> None:
    odd = gbt.framed(bytes([200, 1, 1, 2, 3]))
    async with house.panel() as panel:
        await panel.says(odd)
        assert command_of(await panel.hears()) == CONFIRM
    kept = [event for event in await house.events() if event.type == "frame.quarantined"]
    assert len(kept) == 1
    assert kept[0].lane == "life"


async def test_bytes_that_are_no_frame_are_kept_then_denied(house: House) -> None:
    broken = FIRE[:-3] + bytes([FIRE[-3] ^ 1]) + FIRE[-2:]
    async with house.panel() as panel:
        await panel.says(FIRE)
        await panel.hears()
        async with held(house.spool):
            await panel.says(broken)
            assert await panel.hears_nothing()
        assert command_of(await panel.hears()) == DENY
    assert "frame.quarantined" in await house.types()


async def test_half_a_frame_at_the_end_is_kept_for_its_panel(house: House) -> None:
    async with house.panel() as panel:
        await panel.says(FIRE)
        await panel.hears()
        await panel.says(FIRE[:20])
    for _ in range(200):
        if "frame.quarantined" in await house.types():
            break
        await asyncio.sleep(0.01)
    assert [event.device for event in await house.events() if event.type == "frame.quarantined"] == [PANEL]


async def test_an_unknown_panel_hears_nothing_but_its_fire_is_raised_once(house: House) -> None:
    stranger = gbt.framed(gbt.objects(2, gbt.component(0b10)), source=99)
    async with house.panel() as panel:
        await panel.says(stranger + FIRE[:9] + bytes(3) + b"@@junk##")
        await panel.says(stranger)
        assert await panel.hears_nothing()
    await until(lambda: house.beside.offered)
    async with house.panel() as panel:
        await panel.says(stranger)
        assert await panel.hears_nothing()
    assert [(e.type, e.device.startswith("unknown.gbt26875.99-")) for e in house.beside.offered] == [
        ("fire.alarm", True)
    ]
    assert await house.types() == ["fire.alarm"]


async def test_an_unknown_fire_that_the_disk_did_not_take_is_raised_the_next_time(house: House) -> None:
    stranger = gbt.framed(gbt.objects(2, gbt.component(0b10)), source=99)
    async with house.panel() as panel:
        async with away(house.spool):
            await panel.says(stranger)
            await panel.hears_nothing()
        await panel.says(stranger)
        await until(lambda: house.beside.offered)


async def test_unknown_devices_are_listed_and_bounded(house: House) -> None:
    async with house.panel() as panel:
        for source in range(1000, 1000 + 2 * SOURCES):
            await panel.says(gbt.framed(gbt.objects(1, gbt.system(0)), source=source))
        await until(lambda: len([d for d in house.beside.devices if d.startswith("unknown.")]) >= SOURCES)
        await panel.says(gbt.framed(gbt.objects(1, gbt.system(0)), source=99))
    await until(lambda: any(".99-" in device for device in house.beside.devices))
    listed = {d: status for d, status in house.beside.devices.items() if d.startswith("unknown.") and status}
    assert len(listed) == SOURCES
    last = next(status for device, status in listed.items() if ".99-" in device)
    assert (last["address"], last["peer"], last["declared"]) == ("99", "127.0.0.1", False)
    assert last["frames"][0]["meaning"] == ["fire.normal", "fire.mode_changed"]
    assert len(last["frames"][0]["about"]) == 2


# HTTP


async def test_a_reader_gets_200_when_it_is_kept_and_503_when_it_is_not(house: House) -> None:
    async with held(house.spool):
        asking = asyncio.create_task(house.asks("cdata", table="rtlog", body=PASSAGE))
        await asyncio.sleep(0.1)
        assert not asking.done()
    assert await asking == (200, b"OK")
    async with away(house.spool):
        status, _ = await house.asks("cdata", table="rtlog", body=PASSAGE.replace(b"=21", b"=22"))
        assert status == 503
    assert "access.granted" in await house.types()


async def test_an_unknown_reader_gets_403_and_is_listed(house: House) -> None:
    status, _ = await house.asks("cdata", serial="STRANGER1", table="rtlog", body=PASSAGE)
    assert status == 403
    assert await house.types() == []
    await until(lambda: any("STRANGER1" in device for device in house.beside.devices))


async def test_odd_bytes_in_a_request_are_kept_and_harm_nothing(house: House) -> None:
    stream, writer = await asyncio.open_connection("127.0.0.1", house.host.readers_port)
    writer.write(
        f"GET /iclock/%00%ff%ED%A0%80?SN={SERIAL} HTTP/1.1\r\nHost: h\r\n\r\n"
        f"GET /iclock/%00%ff?SN=%ED%A0%80%00 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        answers = await stream.read()
    writer.close()
    assert answers.count(b"HTTP/1.1 200") == 1
    assert answers.count(b"HTTP/1.1 403") == 1
    assert "frame.quarantined" in await house.types()


# MQTT


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[LiveBroker]:
    async with LiveBroker(tmp_path / "broker").running() as running:
        yield running


UP, DOWN = "locker/v1/b1/locker-2/up", "locker/v1/b1/locker-2/down"


async def test_a_locker_hears_kept_when_it_is_kept(tmp_path: Path, broker: LiveBroker) -> None:
    async with (
        House(tmp_path, broker.address).running() as house,
        Ear(broker.address, "locker", "locker/#").up() as ear,
    ):
        await until(lambda: house.host.health["devices_broker"])
        async with held(house.spool):
            ear.says(UP, record(1))
            await asyncio.sleep(0.2)
            assert ear.on(DOWN) == []
        assert json.loads((await ear.hears(DOWN))[0]) == {"type": "kept", "boot": 7, "number": 1}
        async with away(house.spool):
            ear.says(UP, record(2))
            await asyncio.sleep(0.2)
            assert len(ear.on(DOWN)) == 1
        ear.says(UP, record(2))
        ear.says(UP, record(2))
        await ear.hears(DOWN, 3)
        assert [event.device for event in await house.events() if event.type == "compartment.opened"] == [LOCKER] * 3


async def test_an_unknown_locker_hears_nothing(tmp_path: Path, broker: LiveBroker) -> None:
    async with (
        House(tmp_path, broker.address).running() as house,
        Ear(broker.address, "locker", "locker/#").up() as ear,
    ):
        await until(lambda: house.host.health["devices_broker"])
        ear.says("locker/v1/b1/locker-9/up", record(1))
        await until(lambda: any("locker-9" in device for device in house.beside.devices))
        assert ear.on("locker/v1/b1/locker-9/down") == []
        assert await house.types() == []
