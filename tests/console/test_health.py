"""Who watches the hub is told that it lives, whether it is ready, and its numbers; nobody's data."""

from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from hub.console import health
from hub.store import accounts
from hub.store.accounts import ApiToken
from hub.store.database import StoreAway
from tests.console.desk_side import Browser, Console
from tests.console.made_up import fill

WELL = {
    "intake": {
        "broker": True, "store": True, "waiting": 3, "taken": {"life": 2, "routine": 40}, "batches": 9, "receipts": 11,
        "spools": {"edge": 5}, "let_fall": {"rate": 1},
    },
    "host": {"broker": True, "devices_broker": True},
    "broker": {"kind": "mosquitto", "dropped": 4},
}  # fmt: skip


def tell(console: Console, parts: Mapping[str, object], **changes: object) -> None:
    object.__setattr__(console.desk, "health", lambda: parts)
    for name, value in changes.items():
        object.__setattr__(console.desk, name, value)


async def test_it_lives(stranger: Browser) -> None:
    answer = await stranger.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"alive": True})


async def test_it_is_ready_when_every_part_is(console: Console, stranger: Browser) -> None:
    tell(console, WELL, config_mistakes=("devices.csv:3 no door east-9",))
    answer = await stranger.get("/readyz")
    said = await answer.json()
    assert (answer.status, said["ready"]) == (200, True)
    assert said["parts"]["store"] == {"readable": True}
    assert said["parts"]["host"]["devices_broker"] is True
    assert said["parts"]["configuration"]["mistakes"] == ["devices.csv:3 no door east-9"]


async def test_what_the_broker_drops_is_told_and_stops_nothing(console: Console, stranger: Browser) -> None:
    tell(console, WELL, broker_notice=lambda: "dropping")
    answer = await stranger.get("/readyz")
    assert answer.status == 200
    assert (await answer.json())["parts"]["broker"] == {"kind": "mosquitto", "dropped": 4, "notice": "dropping"}


async def test_it_is_not_ready_while_the_broker_is_away(console: Console, stranger: Browser) -> None:
    tell(console, {**WELL, "host": {"broker": False}})
    answer = await stranger.get("/readyz")
    assert (answer.status, (await answer.json())["ready"]) == (503, False)


async def test_it_is_not_ready_while_the_store_is_away(
    console: Console, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(console, WELL)

    async def away(work: object) -> None:
        raise StoreAway("no")

    monkeypatch.setattr(console.desk.store, "read", away)
    answer = await stranger.get("/readyz")
    assert (answer.status, (await answer.json())["parts"]["store"]) == (503, {"readable": False})
    assert (await numbers(await (await stranger.get("/metrics")).text()))["hub_store_away"] == 1
    assert (await stranger.get("/healthz")).status == 200


async def numbers(text: str) -> dict[str, float]:
    return {
        "/".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_its_numbers(console: Console, stranger: Browser) -> None:
    await fill(console)
    tell(console, WELL, config_mistakes=("a", "b"))
    answer = await stranger.get("/metrics")
    text = await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = await numbers(text)
    wanted = {
        "hub_events_taken_total/life": 2, "hub_events_taken_total/routine": 40, "hub_batches_total": 9,
        "hub_receipts_total": 11, "hub_spool_waiting/edge": 5, "hub_intake_waiting": 3, "hub_store_away": 0,
        "hub_broker_connected": 1, "hub_configuration_mistakes": 2, "hub_notices/failed": 1, "hub_notices/sent": 1,
        "hub_broker_dropped_total": 4,
        "hub_devices/online": 1, "hub_devices/never": 2, "hub_devices/offline": 0, "hub_devices/unknown": 1,
    }  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["process_resident_memory_bytes"] > 0
    assert "cen@example.com" not in text


async def test_numbers_are_for_this_machine_or_a_token(console: Console, stranger: Browser) -> None:
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    assert (await stranger.get("/metrics")).status == 200
    assert (await stranger.get("/metrics", headers=elsewhere)).status == 401
    token = ApiToken("t", "prometheus", "read", console.clock())
    await console.write(lambda tx: accounts.add_token(tx, console.desk.site, "s3cret", token))
    told = await stranger.get("/metrics", headers={**elsewhere, "Authorization": "Bearer s3cret"})
    assert told.status == 200


async def test_another_machine_without_a_token_gets_no_numbers(console: Console) -> None:
    class Transport:
        def get_extra_info(self, name: str, default: object = None) -> object:
            return ("192.0.2.7", 5000) if name == "peername" else default

    request = make_mocked_request("GET", "/metrics", app=console.app, transport=Transport())
    response = await health.metrics(request)
    assert isinstance(response, web.Response)
    assert response.status == 401
