"""A restart keeps visits, parcels, incidents, deadlines and notices that could not be sent."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from aiohttp import web

from tests.e2e.desk import Json
from tests.e2e.house import House, both_ways
from tests.e2e.process import eventually
from tests.e2e.test_four_kinds import announce

RECORDS = ("visits", "parcels", "incidents", "alerts")


@contextlib.asynccontextmanager
async def receiver(port: int) -> AsyncIterator[list[tuple[str, Json]]]:
    """What stands behind a webhook: what it is sent, with the key of each."""
    taken: list[tuple[str, Json]] = []

    async def take(request: web.Request) -> web.Response:
        taken.append((request.headers["Idempotency-Key"], await request.json()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/desk", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield taken
    finally:
        await runner.cleanup()


@both_ways
async def test_nothing_is_forgotten_and_what_could_not_be_sent_arrives_once(house: House, spare_port: int) -> None:
    house.building.append("hub.toml", f'[webhook]\nurl = "http://127.0.0.1:{spare_port}/desk"')
    house.building.append("secrets.toml", '[webhook]\nsecret = "a secret of our own, long enough"')
    await house.start()
    desk = house.desk
    async with house.devices() as devices:
        await announce(desk)
        await devices.gate.visitor_passes(within=10)
        await devices.locker.courier_stores("R-003")
        devices.panel.alarm("217/6")
        await desk.until("incidents")
        await desk.until("visits", state="open")
        unsent = await desk.until(
            "notices", lambda one: one["template"] == "pickup" and one["attempts"], channel="webhook", state="queued"
        )
        assert unsent["error"] == "no_connection"
        await eventually(lambda: not house.rows("spool.db", "SELECT 1 FROM spooled"), 15, "the spool isn't empty")
    before = {kind: [_settled(record) for record in await desk.items(kind)] for kind in RECORDS}
    deadlines = "SELECT key, due FROM deadlines WHERE kind IN ('overstay', 'reminder', 'verify') ORDER BY key"
    await house.stop()
    waiting = house.rows("hub.db", deadlines)
    assert len(waiting) == 5  # the visit's end, three reminders of the parcel, the fire's verdict

    await house.start()
    after = {kind: [_settled(record) for record in await desk.items(kind)] for kind in RECORDS}
    for kind in RECORDS:
        assert [record for record in after[kind] if record in before[kind]] == before[kind]
    assert house.rows("hub.db", deadlines) == waiting

    async with receiver(spare_port) as taken:
        await desk.until("notices", lambda one: one["key"] == unsent["key"], channel="webhook", state="sent", within=40)
        arrived = Counter(key for key, _ in taken)
        assert arrived[unsent["key"]] == 1
        body = next(body for key, body in taken if key == unsent["key"])
        assert body["id"] == unsent["key"]
    await house.stop()


def _settled(record: Json) -> Json:
    """Without what goes on by itself while nobody answers: the ladder's rung."""
    return {key: value for key, value in record.items() if key != "rung"}
