"""What stands on disk goes out until it is receipted; odd messages on the hub's own topics harm nobody."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.bus.client import BrokerAddress
from hub.core.events import parse_event
from hub.host import HostSettings
from tests.adapters import gbt26875_frames as gbt
from tests.disk import away, until
from tests.host.house import PANEL, SITE, House
from tests.live_broker import Ear, LiveBroker

LIFE = f"hub/v1/{SITE}/events/life/{PANEL}"
RECEIPTS = f"hub/v1/{SITE}/receipts/hub-1"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[LiveBroker]:
    async with LiveBroker(tmp_path / "broker").running() as running:
        yield running


@pytest.fixture
async def intake(broker: LiveBroker) -> AsyncIterator[Ear]:
    async with Ear(broker.address, "intake", f"hub/v1/{SITE}/events/#", f"hub/v1/{SITE}/hosts/#").up() as ear:
        yield ear


def sequences(ear: Ear) -> list[int | None]:
    return [parse_event(payload).sequence for payload in ear.on(LIFE)]


async def fires(house: House, count: int, first: int = 1) -> None:
    async with house.panel() as panel:
        for point in range(first, first + count):
            await panel.says(gbt.framed(gbt.objects(2, gbt.component(0b10, point=point))))
            await panel.hears()


async def test_life_goes_straight_to_the_intake_beside_and_over_the_broker_as_the_same_row(
    tmp_path: Path, broker: LiveBroker, intake: Ear
) -> None:
    async with House(tmp_path, broker.address).running() as house:
        await fires(house, 1)
        assert [(e.type, e.host, e.sequence) for e in house.beside.offered] == [
            ("device.online", "hub-1", 1),
            ("fire.alarm", "hub-1", 2),
        ]
        await until(lambda: sequences(intake) == [1, 2])
        from_broker = [parse_event(payload).model_copy(update={"after": None}) for payload in intake.on(LIFE)]
        assert from_broker == house.beside.offered, "but for the row that went out before it"


async def test_without_a_broker_life_reaches_the_intake_beside(tmp_path: Path) -> None:
    async with House(tmp_path).running() as house:
        await fires(house, 3)
        assert len(house.beside.offered) == 4


async def test_a_receipt_over_the_broker_lets_a_row_go_and_a_restart_sends_what_is_left(
    tmp_path: Path, broker: LiveBroker, intake: Ear
) -> None:
    async with House(tmp_path, broker.address).running() as house:
        await fires(house, 3)
        await until(lambda: sequences(intake) == [1, 2, 3, 4])
        intake.says(RECEIPTS, json.dumps({"host": "hub-1", "sequences": [[1, 2], [4, 4]]}).encode())
        async with asyncio.timeout(5):
            while len(await house.events()) != 1:
                await asyncio.sleep(0.01)
        intake.says(RECEIPTS, json.dumps({"host": "hub-1", "sequences": [], "restart": True}).encode())
        await until(lambda: sequences(intake) == [1, 2, 3, 4, 3])


async def test_after_a_broker_was_killed_and_after_a_restart_all_comes_again_in_order(
    tmp_path: Path, broker: LiveBroker, intake: Ear
) -> None:
    async with House(tmp_path, broker.address).running() as house:
        await fires(house, 3)
        await until(lambda: len(sequences(intake)) == 4)
        broker.kill()
        await until(lambda: not intake.client.connected)
        await fires(house, 2, first=50)
        await until(lambda: len(sequences(intake)) >= 10, within=20)
        assert sequences(intake)[4:10] == [1, 2, 3, 4, 5, 6]
    before = len(sequences(intake))
    async with House(tmp_path, broker.address).running():
        await until(lambda: len(sequences(intake)) >= before + 6)
        assert sequences(intake)[before : before + 6] == [1, 2, 3, 4, 5, 6]


async def test_odd_receipts_and_commands_harm_nothing(tmp_path: Path, broker: LiveBroker, intake: Ear) -> None:
    async with House(tmp_path, broker.address).running() as house:
        await until(lambda: house.host.health["broker"])
        for odd in (b"", b"null", b"[" * 100_000, b'{"host": "hub-1", "sequences": [[1]]}', b"\xff",
                    b'{"host": "hub-1", "sequences": [[0, 99999999999999999999999]]}'):  # fmt: skip
            intake.says(RECEIPTS, odd)
            intake.says(f"hub/v1/{SITE}/commands/{PANEL}", odd)
        await fires(house, 1)
        await until(lambda: sequences(intake) == [1, 2])
        assert len(await house.events()) == 2


async def test_a_row_whose_forgetting_failed_is_sent_again(tmp_path: Path, broker: LiveBroker, intake: Ear) -> None:
    async with House(tmp_path, broker.address).running() as house:
        await fires(house, 1)
        await until(lambda: sequences(intake) == [1, 2])
        async with away(house.spool):
            house.host.receipt([(1, 2)])
            await asyncio.sleep(0.05)
        await until(lambda: sequences(intake) == [1, 2, 1, 2], within=6)


async def test_the_hosts_word_claims_nothing_while_its_disk_is_away(tmp_path: Path) -> None:
    async with House(tmp_path).running() as house:
        await until(lambda: house.beside.words)
        async with away(house.spool):
            await asyncio.sleep(0.05)
            said = len(house.beside.words)
            await asyncio.sleep(1.2)
            assert len(house.beside.words) <= said + 1
        await until(lambda: len(house.beside.words) > said + 1)
        last = house.beside.words[-1]
        assert (last.sequence, last.oldest, last.waiting) == (0, None, 0)
        await fires(house, 1)
        await until(lambda: house.beside.words[-1].sequence == 2)
        assert house.beside.words[-1].oldest == 1


async def test_silence_is_one_event_and_so_is_coming_back(tmp_path: Path) -> None:
    async with House(tmp_path).running() as house:
        await fires(house, 1)
        watch = house.host._supervision.watches[PANEL]
        for other in house.host._supervision.watches.values():
            other.heard_at += 1e6
        watch.heard_at -= 1e6 + watch.device.silence / timedelta(seconds=1) + 1
        async with asyncio.timeout(5):
            while "device.offline" not in await house.types():
                await asyncio.sleep(0.02)
        assert house.beside.devices[PANEL] or watch.link == "offline"
        await fires(house, 1, first=9)
        await asyncio.sleep(1.2)
        assert await house.types() == [
            "device.online", "fire.alarm", "device.offline", "device.online", "fire.alarm"
        ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "a/b", "a+", 'a"b', "a b", "主机", "a\n"])
def test_a_host_cannot_have_a_name_that_breaks_topics_or_json(name: str) -> None:
    with pytest.raises(ValueError):
        HostSettings(name, BrokerAddress("127.0.0.1", 1883))


async def test_a_port_that_is_taken_is_told_and_nothing_is_left_open(tmp_path: Path) -> None:
    async with House(tmp_path / "one").running() as one:
        second = House(tmp_path / "two")
        second.host._tcp["gbt26875"]._port = one.host.tcp_port("gbt26875")
        await second.spool.open()
        with pytest.raises(OSError):
            await second.host.run(asyncio.Event())
        await second.spool.close()
