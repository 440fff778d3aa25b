"""The drill: a backup of a running hub, the hub lost, the backup restored elsewhere with the key, and started."""

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import time
from pathlib import Path

from simulators.gate import Gate
from tests.e2e.building import Building, hub_command
from tests.e2e.desk import Json
from tests.e2e.house import House
from tests.e2e.process import eventually
from tests.e2e.test_commands import OPEN, becomes, online, unlocks
from tests.e2e.test_four_kinds import announce
from tests.e2e.test_restart import RECORDS, receiver
from tests.e2e.test_restart import _settled as settled

WAITING = "SELECT key, due FROM deadlines WHERE kind IN ('overstay', 'reminder', 'verify') ORDER BY key"


async def hub(*words: str | Path, at: Building | None = None) -> str:
    """A command beside the hub; what it said."""
    places = ["--config", str(at.config), "--data", str(at.data)] if at else []
    command = hub_command(*map(str, words), *places)
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def elsewhere(building: Building, folder: Path) -> Building:
    return Building(folder / "config", folder / "data", building.ports)


async def test_a_lost_hub_stands_elsewhere_and_says_nothing_again_unasked(
    house: House, spare_port: int, tmp_path: Path
) -> None:
    house.building.append("hub.toml", f'[webhook]\nurl = "http://127.0.0.1:{spare_port}/desk"')
    house.building.append("secrets.toml", '[webhook]\nsecret = "a secret of our own, long enough"')
    await house.start()
    desk = house.desk
    async with house.devices("gate-e1", "locker-2", "fire-b3") as devices:
        await announce(desk)
        await devices.gate.visitor_passes(within=10)
        await devices.locker.courier_stores("R-003")
        devices.panel.alarm("217/6")
        await desk.until("incidents")
        await desk.until("visits", state="open")
        await desk.until("notices", lambda one: one["template"] == "pickup", channel="webhook", state="queued")
        asked = await desk.post("devices/gate-e2/commands", OPEN)  # which is away
        await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 15, "the spool isn't empty")
        soon = time.time() + 20
        falls_due(house, soon)
        before = await records(house)
        unsent = [one["key"] for one in await desk.items("notices", state="queued", channel="webhook")]
        waiting = house.rows("hub.db", WAITING)
        with house.held("hub.db"):
            devices.locker.forced("3")
            await devices.locker.memory.emptied(within=4)  # told yes; the store doesn't have it yet
            await hub("backup", tmp_path / "backup", at=house.building)
            await house.hub.kill()
    house.hub.end()
    assert time.time() < soon

    restored = House(elsewhere(house.building, tmp_path / "new"), ())
    try:
        await hub("key", "export", tmp_path / "key", "--data", house.building.data)
        await hub("key", "import", tmp_path / "key", "--data", restored.building.data)
        await asyncio.sleep(max(0.0, soon - time.time()))
        said = await hub("restore", tmp_path / "backup", at=restored.building)
        kept = len(house.rows("hub.db", "SELECT 1 FROM deadlines"))
        again = len(restored.rows("spool.db", "SELECT 1 FROM spooled"))  # the locker's, and what else was said
        assert again >= 1
        assert f"1 visits open, 1 incidents open, {kept} deadlines, {again} spooled events" in said, said
        held = re.search(r"held: (\d+) notices, 1 overdue deadlines; commands: 2 expired, 0 of unknown", said)
        assert held, said
        assert int(held[1]) >= len(unsent)  # and what the desk itself was just being told
        assert "expired door.open for gate-e2" in said  # the other is the visitor's pass for that gate
        assert restored.rows("hub.db", WAITING) == waiting

        async with receiver(spare_port) as taken:
            restored.begin()
            await restored.hub.ready()
            await restored.desk.sign_in(house.password)
            after = await records(restored)
            for kind in RECORDS:
                assert [one for one in after[kind] if one in before[kind]] == before[kind]
            await restored.desk.until("alerts", lambda alert: alert["subject"] == "compartment/3")  # published again
            await commands_are_not_repeated(restored, asked)
            async with restored.devices("locker-2") as devices:
                await devices.locker.courier_stores("R-005")
                await eventually(lambda: taken, 20, "a new notice isn't sent")
            assert not {key for key, _ in taken} & set(unsent)
            assert set(waiting) <= set(restored.rows("hub.db", WAITING))

            listed = await hub("outbox", "list", at=restored.building)
            assert all(key in listed for key in unsent)
            await hub("outbox", "release", unsent[0], at=restored.building)
            await hub("outbox", "drop", "--all", at=restored.building)
            await eventually(lambda: unsent[0] in [key for key, _ in taken], 20, "what was released isn't sent")
            sent = [key for key, _ in taken]
            assert sent.count(unsent[0]) == 1
            assert not set(sent) & set(unsent[1:])
        await restored.stop()
    finally:
        await restored.close()


async def records(house: House) -> dict[str, list[Json]]:
    return {kind: [settled(one) for one in await house.desk.items(kind)] for kind in RECORDS}


def falls_due(house: House, at: float) -> None:
    """One of the parcel's reminders, so soon that the next hub finds it overdue."""
    first = "SELECT min(key) FROM deadlines WHERE kind = 'reminder'"
    with contextlib.closing(sqlite3.connect(house.building.data / "hub.db", timeout=5)) as database, database:
        database.execute(f"UPDATE deadlines SET due = ? WHERE key = ({first})", (int(at * 1e6),))


async def commands_are_not_repeated(house: House, asked: Json) -> None:
    assert (await becomes(house.desk, asked, "expired"))["result"] == "restored"
    async with house.devices("gate-e2") as devices:
        gate = devices.by_id["gate-e2"]
        assert isinstance(gate, Gate)
        await online(house.desk, "gate-e2")
        again = await house.desk.post("devices/gate-e2/commands", OPEN)
        await becomes(house.desk, again, "done")
        assert unlocks(gate) == 1
