"""A simulated gate behaves as the vendor's paper says a gate does."""

import asyncio
from typing import Any

import pytest

from simulators.gate import Gate
from simulators.mqtt import Broker
from simulators.simulator import Misbehaviour, running
from tests.simulators.hub_side import declared, listening

DOWN = "mqtt/face/7700001"


def gate(broker: Broker, misbehaviour: Misbehaviour | None = None, *, old_firmware: bool = False) -> Gate:
    return Gate(
        declared("gate-x", "face_mqtt", "7700001", heartbeat=30.0),
        broker,
        enrolled={"R-001": "甲"},
        old_firmware=old_firmware,
        speed=100,
        misbehaviour=misbehaviour,
    )


def of(operator: str) -> Any:
    return lambda topic, message: message.get("operator") == operator


def push_ack(number: object, kind: int = 2) -> dict[str, Any]:
    return {"operator": "PushAck", "messageId": "m", "info": {"PushAckType": kind, "SnapOrRecordID": number}}


async def test_a_record_comes_again_until_its_ack_and_the_next_one_waits_behind_it(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        device.person_passes("R-001")
        device.person_passes("R-001")
        first = await hub.until(of("RecPush"), times=3)
        assert {message["info"]["RecordID"] for message in first} == {"1"}
        hub.say(DOWN, push_ack("1"))
        await hub.until(lambda t, m: m.get("info", {}).get("RecordID") == "2")
        hub.say(DOWN, push_ack("1"))
        hub.say(DOWN, push_ack(2))
        await device.memory.emptied(10)
        acks = await hub.until(of("PushAck-Ack"), times=3)
    assert acks[0]["info"] == {
        "facesluiceId": "7700001",
        "result": "ok",
        "PushAckType": "2",
        "SnapOrRecordID": "1",
    }
    assert [record.number for record in device.memory.acked] == [1, 2]


async def test_an_ack_of_a_snapshot_is_none_of_a_recognition(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        device.person_passes("R-001")
        await hub.until(of("RecPush"))
        hub.say(DOWN, push_ack(1, kind=1))
        await hub.until(of("PushAck-Ack"))
        assert device.memory.acked == []


async def test_numbers_are_strings_on_one_firmware_and_numbers_on_the_other(broker: Broker) -> None:
    new, old = gate(broker), gate(broker, old_firmware=True)
    async with listening(broker, "mqtt/face/#") as hub:
        async with running(new):
            new.person_passes("R-001")
            [modern] = (await hub.until(of("RecPush")))[:1]
        hub.heard.clear()
        async with running(old):
            old.person_passes("R-001")
            [older] = (await hub.until(of("RecPush")))[:1]
    assert (modern["info"]["VerifyStatus"], modern["info"]["personName"]) == ("1", "甲")
    assert (older["info"]["VerifyStatus"], older["info"]["persionName"]) == (1, "甲")
    assert modern["info"]["pic"].startswith("data:image/jpeg;base64,/9j/")


async def test_online_is_repeated_until_answered_and_the_heart_beats(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        await hub.until(of("Online"), times=2)
        hub.say(DOWN, {"operator": "Online-Ack", "info": {"facesluiceId": "7700001", "result": "ok"}})
        await hub.until(of("HeartBeat"), times=2)
        said = len(await hub.until(of("Online")))
        await hub.until(of("HeartBeat"), times=5)
        assert len(await hub.until(of("Online"))) <= said + 1


async def test_a_cut_line_makes_the_broker_say_offline_and_a_stop_in_order_does_not(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub:
        async with running(device):
            await hub.until(of("Online"))
            device.outage(10)
            device.person_passes("R-001")
            await hub.until(of("Offline"))
            await hub.until(of("RecPush"))
            assert device.connections == 2
            hub.heard.clear()
        async with running(gate(broker)):
            await hub.until(of("Online"))
        assert not [m for _, m in hub.heard if m.get("operator") == "Offline"]


async def test_someone_whose_pass_was_put_walks_in_while_it_is_valid(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        await hub.until(of("Online"))
        coming = asyncio.create_task(device.visitor_passes())
        hub.say(DOWN, {"operator": "EditPerson", "messageId": "a", "info": {"customId": "v-1", "name": "来客"}})
        assert await coming == "v-1"
        [passage] = (await hub.until(of("RecPush")))[:1]
        assert (passage["info"]["customId"], passage["info"]["VerifyStatus"]) == ("v-1", "1")
        window = {"validBegin": "2020-01-01 00:00:00", "validEnd": "2020-01-02 00:00:00"}
        hub.say(DOWN, {"operator": "EditPerson", "messageId": "b", "info": {"customId": "v-1", **window}})
        await hub.until(of("EditPerson-Ack"), times=2)
        device.person_passes("v-1")
    assert device.memory.waiting[-1].body["VerifyStatus"] == "2"


async def test_a_list_of_people_is_answered_with_200_though_one_failed(broker: Broker) -> None:
    device = gate(broker)
    device.refuse_people("467")
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        await hub.until(of("Online"))
        hub.say(DOWN, {"operator": "AddPersons", "messageId": "a", "info": [{"customId": "v-1"}]})
        [ack] = await hub.until(of("AddPersons-Ack"))
    assert (ack["code"], ack["info"]["result"], ack["info"]["AddErrNum"]) == ("200", "ok", "1")
    assert ack["info"]["AddErrInfo"] == [{"customId": "v-1", "errcode": "467"}]


async def test_it_lives_on_when_it_is_told_nonsense(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        await hub.until(of("Online"))
        hub.say(DOWN, {"no": "operator"})
        hub.say(DOWN, push_ack("not a number"))
        hub.say(DOWN, {"operator": "Unlock", "messageId": "u", "info": {"openDoor": 1}})
        [ack] = await hub.until(of("Unlock-Ack"))
    assert (ack["messageId"], ack["info"]["result"]) == ("u", "ok")
    assert (device.connections, device.opened_remotely) == (1, 1)


async def test_a_replay_pushes_again_what_was_answered_marked_as_done_by_hand(broker: Broker) -> None:
    device = gate(broker)
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        device.person_passes("R-001")
        await hub.until(of("RecPush"))
        hub.say(DOWN, push_ack(1))
        await device.memory.emptied(10)
        stretch = {"TimeS": "2000-01-01 00:00:00", "TimeE": "2100-01-01 00:00:00"}
        hub.say(DOWN, {"operator": "ManualPushRecords", "messageId": "r", "info": stretch})
        await hub.until(lambda t, m: m.get("info", {}).get("PushType") == 2)


async def test_the_clock_is_wrong_until_it_is_set(broker: Broker) -> None:
    device = gate(broker, Misbehaviour(wrong_clock=9 * 86400))
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        await hub.until(of("Online"))
        ahead = device.clock.now()
        hub.say(DOWN, {"operator": "SetSysTime", "messageId": "t", "info": {"SysTime": "2026-01-02 03:04:05"}})
        await hub.until(of("SetSysTime-Ack"))
        assert device.clock.now() < ahead
        assert device.clock.now().strftime("%Y-%m-%d %H:%M") == "2026-01-02 03:04"


@pytest.mark.parametrize(
    ("faults", "seen"),
    [
        (Misbehaviour(duplicate=1.0), lambda rec: len(rec) >= 2),
        (Misbehaviour(garbage=1.0), lambda rec: any("operator" not in m for m in rec)),
    ],
    ids=["duplicate", "garbage"],
)
async def test_it_misbehaves_on_request(broker: Broker, faults: Misbehaviour, seen: Any) -> None:
    device = gate(broker, faults)
    async with listening(broker, "mqtt/face/+/Rec") as hub, running(device):
        device.person_passes("R-001")
        async with asyncio.timeout(10):
            while not seen([m for _, m in hub.heard]):
                await hub.until(lambda t, m: True, times=len(hub.heard) + 1)
        hub.say(DOWN, push_ack(1))


async def test_answers_can_go_unheard_and_the_line_can_storm(broker: Broker) -> None:
    device = gate(broker, Misbehaviour(drop=1.0, reconnect_storm=0.3))
    async with listening(broker, "mqtt/face/#") as hub, running(device):
        device.person_passes("R-001")
        await hub.until(of("RecPush"))
        hub.say(DOWN, push_ack(1))
        await hub.until(of("Offline"), times=2)
        assert [record.number for record in device.memory.waiting] == [1]
        device.misbehave(drop=0.0, reconnect_storm=0.0)
        already = len(device.memory.sent)
        await device.memory.transmitted(already + 1, within=10)
        hub.say(DOWN, push_ack(1))
        await device.memory.emptied(10)
