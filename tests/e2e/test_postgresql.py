"""The whole path with the records in PostgreSQL: the hub is killed, the database's processes are; each record is there
once."""

import contextlib
from collections import Counter

import psycopg
import pytest

from tests.e2e.house import FOUR, KINDS, House
from tests.e2e.process import eventually
from tests.e2e.test_kills import each_is_there_once
from tests.postgresql import PASSWORD, Server

WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_the_hub_and_then_the_databases_processes_are_killed(
    house: House, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgresql.create()
    url = postgresql.url(database)
    monkeypatch.setenv("HUB_DATABASE", url)

    def stored() -> Counter[str]:
        return Counter(kind for (kind,) in postgresql.rows(database, "SELECT type FROM events") if kind in KINDS)

    await house.start()
    async with house.devices(*FOUR) as devices:
        with postgresql.held(database):
            four = devices.one_of_each()
            for device in four:
                await device.memory.emptied(within=4)
            await house.hub.kill()
        assert stored() == {}
        await house.start()
        await each_is_there_once(house)

        with contextlib.suppress(psycopg.OperationalError), postgresql.held(database):  # its connection goes too
            devices.gate.person_passes("R-002")
            devices.reader.card_refused("40999002")
            devices.locker.forced("4")
            devices.panel.alarm("217/7")
            for device in four:
                await device.memory.emptied(within=4)
            await eventually(lambda: postgresql.rows(database, WAITING), 5, "the hub is in no transaction")
            postgresql.kill_backends(database)
        await eventually(lambda: stored() == dict.fromkeys(KINDS, 2), 20, lambda: str(stored()))
        await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 20, "the spool isn't empty")
        assert stored() == dict.fromkeys(KINDS, 2)
        (incident,) = await house.desk.items("incidents")
        assert sum(incident["counts"].values()) == 2
        (refused,) = await house.desk.items("alerts", kind="access_denied")
        assert refused["count"] == 2
        assert (await house.desk.health())["ready"]
    await house.stop()
    assert not (house.building.data / "hub.db").exists()
    for secret in (PASSWORD, url):
        assert secret.encode() not in house.written
