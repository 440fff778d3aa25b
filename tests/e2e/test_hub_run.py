"""`hub run`: what it prints, how it ends, how it comes back, and what it says when it can't start."""

import socket
import time

import pytest

from tests.e2e.house import House, both_ways
from tests.e2e.process import HubProcess


@both_ways
async def test_it_prints_address_and_password_once_and_ends_whole(house: House) -> None:
    await house.start()
    assert house.hub.said.count(house.building.url) == 1
    assert house.hub.said.count("password") == 1
    await house.stop()
    assert house.hub.children() == []
    assert "Traceback" not in house.hub.logged

    began = time.monotonic()
    house.begin()
    await house.hub.ready(within=20)
    assert time.monotonic() - began < 20
    assert "password" not in house.hub.said
    assert (await house.desk.get("visits"))["items"] == []  # still signed in
    await house.stop()
    assert house.hub.children() == []


@pytest.mark.parametrize("taken", ["http", "readers", "mqtt", "panel"])
async def test_a_port_in_use_is_one_clear_line(house: House, taken: str) -> None:
    port = getattr(house.building.ports, taken)
    with socket.create_server(("127.0.0.1", port)):
        house.begin()
        assert await house.hub.ended() == 1
    said = [line for line in house.hub.logged.splitlines() if not line.startswith("{")]
    (line,) = [line for line in said if str(port) in line]
    assert "in use" in line
    assert house.hub.children() == []


async def test_a_second_hub_on_the_same_data_is_refused_and_hurts_nobody(house: House) -> None:
    await house.start()
    broker = (house.building.data / "broker/mosquitto.conf").read_bytes()
    second = HubProcess(house.building)
    assert await second.ended() == 1
    assert "another hub runs with" in second.logged
    assert (house.building.data / "broker/mosquitto.conf").read_bytes() == broker
    assert (await house.desk.health())["ready"]
    await house.stop()


async def test_a_first_start_with_a_mistake_is_refused_with_its_place(house: House) -> None:
    house.building.change("building.toml", 'into = "b3"', 'into = "b33"')
    house.begin()
    assert await house.hub.ended() == 1
    text = (house.building.config / "building.toml").read_text(encoding="utf-8")
    number = text[: text.index('"b33"')].count("\n") + 1
    assert f"building.toml:{number}" in house.hub.logged
    assert "Traceback" not in house.hub.logged


async def test_a_later_start_with_a_mistake_runs_with_what_it_ran_with_and_says_so(house: House) -> None:
    await house.start()
    await house.stop()
    house.building.change("building.toml", 'into = "b3"', 'into = "b33"')
    await house.start()
    (mistake,) = (await house.desk.health())["parts"]["configuration"]["mistakes"]
    assert "building.toml:" in mistake
    assert "b33" in mistake
    assert "configuration_mistake" in house.hub.logged
    assert "building.toml:" in await house.desk.page("/")
    async with house.devices("reader-b3") as devices:
        reader = devices.by_id["reader-b3"]
        await reader.connected.wait()
        await house.desk.until("devices", lambda device: device["id"] == "reader-b3" and device["link"] == "online")
    await house.stop()
