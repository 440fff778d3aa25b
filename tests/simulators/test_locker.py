"""A simulated locker keeps to docs/locker-protocol.md and to the schema beside the adapter."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema

from simulators.building import Person
from simulators.locker import Locker
from simulators.mqtt import Broker
from simulators.simulator import Misbehaviour, running
from tests.simulators.hub_side import Listener, declared, listening

DOWN = "locker/v1/yunhe/locker-x/down"
SCHEMA = json.loads((Path(__file__).parents[2] / "hub/adapters/locker_mqtt/schema.json").read_text())
PEOPLE = {"R-001": Person("R-001", "resident", "甲", "19900001013", "3-1-702", ())}


def locker(broker: Broker, faults: Misbehaviour | None = None) -> Locker:
    device = declared(
        "locker-x", "locker_mqtt", "locker-x", heartbeat=60.0, compartments={"1": "S", "2": "S", "3": "M"}
    )
    return Locker(device, broker, people=PEOPLE, boot=41, speed=100, misbehaviour=faults)


def of(kind: str) -> Callable[[str, dict[str, Any]], bool]:
    return lambda topic, message: message.get("type") == kind and topic.endswith("/up")


def command(kind: str, **fields: Any) -> dict[str, Any]:
    when = {"now": "2026-01-02T03:04:05Z", "expires": "2026-01-02T03:05:05Z"}
    return {"type": kind, "command": str(uuid4()), **when, **fields}


async def keep_all(hub: Listener, device: Locker) -> None:
    """Answer `kept` to every record until nothing waits."""
    async with asyncio.timeout(10):
        while device.memory.waiting:
            for record in tuple(device.memory.waiting):
                hub.say(DOWN, {"type": "kept", "boot": 41, "number": record.number}, 1)
            await asyncio.sleep(0.02)


async def test_every_message_fits_the_schema(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        number = await device.courier_stores("R-001")
        device.wrong_code()
        device.fault("2")
        device.trouble("screen")
        device.tampered()
        device.low_battery()
        hub.say(DOWN, command("pickup.put", parcel="p-1", compartment=number, code="384921"), 1)
        await device.recipient_collects(number)
        await hub.until(of("parcel.collected"))
        await keep_all(hub, device)
    check = jsonschema.Draft202012Validator({"$ref": "#/$defs/up", "$defs": SCHEMA["$defs"]})
    said = [message for topic, message in hub.heard if topic.endswith("/up")]
    for message in said:
        check.validate(message)
    assert said[0]["type"] == "hello"
    assert said[1]["type"] == "heartbeat"


async def test_a_parcel_is_stored_after_open_and_shut_and_collected_only_with_the_code(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        number = await device.courier_stores("R-001", tracking="YH77")
        collecting = asyncio.create_task(device.recipient_collects(number))
        [stored] = await hub.until(of("parcel.stored"))
        assert stored["recipient"] == {"phone": "19900001013", "unit": "3-1-702"}
        assert not collecting.done()
        hub.say(DOWN, command("pickup.put", parcel="p-1", compartment=number, code="384921"), 1)
        await collecting
        [collected] = await hub.until(of("parcel.collected"))
        assert collected["parcel"]["tracking"] == "YH77"
        order = [m["type"] for _, m in hub.heard if "number" in m and m["type"] != "kept"]
        assert order[:3] == ["compartment.opened", "compartment.closed", "parcel.stored"]
        assert device.compartments[number].code == ""


async def test_records_come_again_until_kept_with_the_same_number_and_time(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        device.wrong_code()
        first, second = (await hub.until(of("pickup.refused"), times=2))[:2]
        assert first == second
        hub.say(DOWN, {"type": "kept", "boot": 40, "number": first["number"]}, 1)
        await hub.until(of("pickup.refused"), times=3)
        hub.say(DOWN, {"type": "kept", "boot": 41, "number": first["number"]}, 1)
        await device.memory.emptied(10)


async def test_after_an_outage_what_waited_is_backlog_and_the_will_was_published(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        await hub.until(of("heartbeat"))
        device.outage(10)
        device.wrong_code()
        [offline] = await hub.until(of("offline"))
        assert offline == {"type": "offline", "boot": 41, "connection": 1}
        [late, *_] = await hub.until(of("pickup.refused"))
        assert late["backlog"] is True
        second = (await hub.until(of("hello"), times=2))[1]
        assert second["connection"] == 2


async def test_a_command_is_done_once_however_often_it_comes(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        await hub.until(of("heartbeat"))
        opening = command("compartment.open", compartment="2")
        hub.say(DOWN, opening, 1)
        [done] = (await hub.until(of("command.done")))[:1]
        assert (done["command"], done["result"]) == (opening["command"], "opened")
        await hub.until(of("compartment.closed"))
        await keep_all(hub, device)
        hub.heard.clear()
        other = command("compartment.open", compartment="3")
        for message in (opening, opening, other):
            hub.say(DOWN, message, 1)
        await hub.until(
            lambda topic, message: of("command.done")(topic, message) and message["command"] == other["command"]
        )
        again = [m for m in await hub.until(of("command.done")) if m["command"] == opening["command"]]
        assert {message["number"] for message in again} == {done["number"]}
        assert {message["compartment"] for message in await hub.until(of("compartment.opened"))} == {"3"}


async def test_a_command_that_cant_be_done_says_why(broker: Broker) -> None:
    async with listening(broker, "locker/#") as hub, running(device := locker(broker)):
        await hub.until(of("heartbeat"))
        device.jam("1")
        hub.say(DOWN, command("compartment.open", compartment="1"), 1)
        hub.say(DOWN, command("compartment.open", compartment="99"), 1)
        hub.say(DOWN, command("compartment.open", compartment="2") | {"expires": "2026-01-02T03:04:05Z"}, 1)
        hub.say(DOWN, command("robot.dance"), 1)
        failed = await hub.until(of("command.failed"), times=4)
        assert {message["result"] for message in failed} >= {"failed", "unknown", "expired", "unsupported"}


async def test_it_misbehaves_on_request(broker: Broker) -> None:
    faults = Misbehaviour(duplicate=1.0, garbage=1.0, drop=1.0)
    async with listening(broker, "locker/#") as hub, running(device := locker(broker, faults)):
        device.wrong_code()
        await hub.until(of("pickup.refused"), times=2)
        hub.say(DOWN, {"type": "kept", "boot": 41, "number": 1}, 1)
        await hub.until(lambda topic, message: message.get("type") is None or "number" not in message)
        assert device.memory.waiting
        device.misbehave(drop=0.0)
        await keep_all(hub, device)
