"""The same frame twice is one record, for each kind; and again when the hub was restarted in between."""

from collections import Counter

from tests.e2e.house import FOUR, KINDS, House, both_ways


@both_ways
async def test_a_record_sent_again_is_the_same_record(house: House) -> None:
    await house.start()
    desk = house.desk
    async with house.devices(*FOUR) as devices:
        happened = [(device, device.memory.waiting[-1]) for device in devices.one_of_each()]
        for device, _ in happened:
            await device.memory.emptied(within=10)
        for kind in KINDS:
            await desk.until("events", type=kind)

        async def again() -> None:
            """Each sends what it had sent, and hears yes again."""
            for device, record in happened:
                device.memory.acked.remove(record)
                device.memory.keep(record)
            for device, record in happened:
                await device.memory.emptied(within=15)
                assert record in device.memory.acked

        await again()
        await house.restart()
        await again()
        devices.reader.card_refused("40999002")  # a fresh one, behind them: they have been taken when it has
        await desk.until("alerts", lambda alert: alert["kind"] == "access_denied" and alert["count"] == 2)
        counted = Counter(event["type"] for event in await desk.items("events"))
        assert {kind: counted[kind] for kind in KINDS} == {**dict.fromkeys(KINDS, 1), "access.denied": 2}
        (incident,) = await desk.items("incidents")
        assert incident["counts"] == {"smoke": 1}
    await house.stop()
