"""The stream tells what changed, so that a program reads again only that."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientResponse

from hub.console.api import live
from hub.console.api.live import TOPICS
from hub.store import accounts
from tests.console.api.program import ROOT, Program
from tests.console.desk_side import Console
from tests.console.made_up import fire

SOON = 5.0


@dataclass
class Told:
    kind: str
    number: str
    data: str

    @property
    def topics(self) -> set[str]:
        return set(json.loads(self.data)["topics"])


async def told(response: ClientResponse) -> AsyncIterator[Told]:
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Told(fields["event"], fields.get("id", ""), fields["data"])
            fields = {}


async def listen(program: Program, last: str = "") -> tuple[ClientResponse, AsyncIterator[Told]]:
    headers = {"Authorization": f"Bearer {program.token}"} | ({"Last-Event-ID": last} if last else {})
    response = await program.client.get(f"{ROOT}/live", headers=headers)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    return response, told(response)


async def _next(stream: AsyncIterator[Told], kind: str = "change") -> Told:
    while True:
        one = await asyncio.wait_for(anext(stream), SOON)
        if one.kind == kind:
            return one


async def test_a_change_is_told_with_its_topics(console: Console, program: Program) -> None:
    response, stream = await listen(program)
    assert (await _next(stream)).topics == set(TOPICS)
    await program.post("/visits", {"name": "李秋白", "unit": "3-1-702"})
    change = await _next(stream)
    assert "visits" in change.topics
    assert not json.loads(change.data)["life"]
    assert "李" not in change.data
    await console.happen(fire(console.clock()))
    alarm = await _next(stream)
    assert {"incidents", "alerts", "events"} <= alarm.topics
    assert json.loads(alarm.data)["life"]
    response.close()


async def test_who_comes_back_hears_what_it_missed_and_no_more(console: Console, program: Program) -> None:
    response, stream = await listen(program)
    await _next(stream)
    await program.post("/visits", {"name": "李秋白", "unit": "3-1-702"})
    last = await _next(stream)
    response.close()
    await program.post("/parcels", {"tracking": "YT1", "shelf": "A", "unit": "3-1-702"})
    back, stream = await listen(program, last.number)
    missed = await _next(stream)
    assert "parcels" in missed.topics
    assert "visits" not in missed.topics
    back.close()
    lost, stream = await listen(program, "0000-1")
    assert (await _next(stream)).topics == set(TOPICS)
    lost.close()


async def test_it_pings_and_ends_with_its_token(
    console: Console, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PING_EVERY", 0.05)
    response, stream = await listen(program)
    await _next(stream, "ping")
    await console.write(lambda tx: accounts.revoke_token(tx, console.desk.site, "t-desk"))

    async def rest() -> list[Told]:
        return [one async for one in stream]

    assert all(one.kind in ("ping", "change") for one in await asyncio.wait_for(rest(), SOON))
    response.close()
