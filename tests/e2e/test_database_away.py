"""The database away when the hub starts, and later: devices get their yes, the desk is told, nothing is lost."""

from collections import Counter

import pytest

from tests.e2e.house import FOUR, KINDS, House, both_ways
from tests.e2e.process import eventually
from tests.e2e.test_kills import each_is_there_once
from tests.postgresql import PASSWORD, Server

AWAY = "数据库中断"


async def says_that_it_is_away(house: House) -> None:
    """The log, /readyz and the page that a person opens."""
    await eventually(lambda: "the database is away: " in house.hub.said, 30, lambda: house.hub.logged)
    await eventually(lambda: "front desk at" in house.hub.said, 30, lambda: house.hub.logged)
    said = await house.desk.health()
    assert (said["ready"], said["parts"]["store"], said["parts"]["intake"]["store"]) == (
        False,
        {"readable": False},
        False,
    )
    assert "数据库中断，暂时无法登录" in await house.desk.page("/sign-in")


async def test_postgresql_is_away_at_the_first_start_and_again_later(
    house: House, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgresql.create()
    monkeypatch.setenv("HUB_DATABASE", postgresql.url(database))

    def stored() -> Counter[str]:
        return Counter(kind for (kind,) in postgresql.rows(database, "SELECT type FROM events") if kind in KINDS)

    postgresql.stop()
    house.begin()
    await says_that_it_is_away(house)
    async with house.devices(*FOUR) as devices:
        four = devices.one_of_each()
        for device in four:
            await device.memory.emptied(within=10)
        postgresql.start()
        await eventually(lambda: "first user: admin" in house.hub.said, 20, lambda: house.hub.logged)
        await house.desk.sign_in(house.password)
        await each_is_there_once(house)

        await house.desk.page("/")
        postgresql.stop()
        devices.panel.alarm("217/7")
        devices.locker.forced("4")
        await devices.panel.memory.emptied(within=10)
        await devices.locker.memory.emptied(within=10)

        async def the_board_says_so() -> bool:
            page = await house.desk.page("/")
            return AWAY in page and "1-2-037" in page  # and still shows the fire of before

        await eventually(the_board_says_so, 20, "the board doesn't say that the database is away")
        assert not (await house.desk.health())["ready"]
        postgresql.start()
        await eventually(lambda: stored()["fire.alarm"] == 2, 20, lambda: str(stored()))
        await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 20, "the spool isn't empty")
        assert stored() == {"access.granted": 1, "access.denied": 1, "compartment.forced": 2, "fire.alarm": 2}
        assert (await house.desk.health())["ready"]
    await house.stop()
    assert PASSWORD.encode() not in house.written


@both_ways
async def test_another_holds_the_file_when_the_hub_starts_again(house: House) -> None:
    await house.start()
    await house.stop()
    with house.held("hub.db"):
        house.begin()
        await says_that_it_is_away(house)
        async with house.devices(*FOUR) as devices:
            for device in devices.one_of_each():
                await device.memory.emptied(within=10)
    await house.hub.ready()
    await each_is_there_once(house)
    await house.stop()


async def test_a_wrong_password_is_said_without_it(
    house: House, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_DATABASE", postgresql.url("hub").replace("wood%20and%20water", "stone"))
    house.begin()
    await says_that_it_is_away(house)
    assert "password authentication failed" in house.hub.said
    await house.stop()
    assert b"stone" not in house.written


async def test_a_url_that_names_no_database_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DATABASE", "postgres://hub:stone@localhost/hub")
    house.begin()
    assert await house.hub.ended(within=60) == 1
    assert "its form is postgresql+psycopg://" in house.hub.logged
    assert b"stone" not in house.written
