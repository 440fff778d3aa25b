"""The intake: each event in effect once, life first, a receipt for all of it; what fails is found out alone, and while
the store is away everything waits.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub.core.building import Building
from hub.core.device_events import DeadlineReached, Reached
from hub.core.effects import Effect
from hub.core.envelope import event_id
from hub.core.events import EVENT, Event, dump_event
from hub.core.facts import Facts
from hub.core.passing import HostStatus
from hub.intake import deciding, lane
from hub.intake import statuses as statuses_module
from hub.rules import decide
from hub.store import deadlines, devices, events, incidents, outbox, states
from hub.store.database import Priority, Store, StoreAway, Transaction
from tests.disk import until
from tests.intake_side import Desk
from tests.postgresql import Server
from tests.store.examples import SITE, T, command, deadline, fire, granted


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(tmp_path).running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """A desk on each database: what one of them does after a failed statement the other may not."""
    server: Server | None = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    async with Desk(tmp_path, server.url(server.emptied()) if server else "").running() as running:
        yield running


def poison(monkeypatch: pytest.MonkeyPatch, *sequences: int) -> list[int]:
    """These events make the rules fail; returns the tries."""
    tries: list[int] = []

    def fail(event: Event, known: Facts) -> list[Effect]:
        if event.sequence in sequences:
            tries.append(event.sequence or 0)
            raise RuntimeError("欧阳青禾")
        return list(decide(event, known))

    monkeypatch.setattr(deciding, "decide", fail)
    return tries


# once, all of it, in order


async def test_events_are_stored_in_their_order_and_receipted_in_runs(desk: Desk) -> None:
    for number in (1, 2, 3, 5, 6):
        desk.message(granted(number))
    await desk.receives(1, 2, 3, 5, 6)
    assert desk.receipts == [("hub-1", [(1, 3), (5, 6)])]
    assert [event.sequence for event in await desk.stored()] == [1, 2, 3, 5, 6]


async def test_a_repeat_changes_nothing_and_gets_its_receipt(desk: Desk) -> None:
    desk.message(granted(1))
    await desk.receives(1)
    desk.message(granted(1))
    await until(lambda: len(desk.receipts) == 2)
    desk.message(granted(1, sequence=9))
    await desk.receives(9)
    assert len(await desk.stored()) == 1


async def test_the_brokers_copy_of_what_a_host_offered_is_the_same_record(desk: Desk) -> None:
    desk.intake.offer([fire()])
    desk.message(fire())
    await desk.receives(900)
    desk.message(fire())
    await until(lambda: len(desk.receipts) >= 2)
    assert len(await desk.stored()) == 1
    assert len(await desk.alerts()) == 1


async def test_what_follows_a_row_that_was_lost_waits_for_it(desk: Desk) -> None:
    second, third = granted(2).model_copy(update={"after": 1}), granted(3).model_copy(update={"after": 2})
    desk.message(granted(1))
    desk.message(third)
    desk.message(granted(4).model_copy(update={"after": 3}))
    await desk.receives(1)
    assert desk.receipts.count(("hub-1", [])) == 1  # the host is asked once to begin again
    for event in (second, third):
        desk.message(event)
    await desk.receives(1, 2, 3)
    assert [event.sequence for event in await desk.stored()] == [1, 2, 3]


async def test_life_waits_for_nothing_that_was_lost_before_it_but_its_host_is_asked_for_it(desk: Desk) -> None:
    desk.message(fire().model_copy(update={"after": 899}))
    await desk.receives(900)
    assert len(await desk.alerts()) == 1
    assert ("hub-1", []) in desk.receipts


async def test_a_gap_in_one_lane_is_none_in_the_other(desk: Desk) -> None:
    desk.message(fire())
    desk.message(granted(901).model_copy(update={"after": 900}))  # 900 was life: of its own lane it is the first
    await until(lambda: ("hub-1", []) in desk.receipts)
    desk.message(granted(901))
    await desk.receives(900, 901)


async def test_a_row_that_waits_is_not_taken_twice(desk: Desk) -> None:
    desk.intake.offer([fire()])
    desk.intake.offer([fire()])
    assert desk.intake.health["waiting"] == 1


async def test_more_than_a_batch_is_settled_batch_by_batch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "BATCH", 10)
    monkeypatch.setattr(deciding, "DECIDING", 0.0)
    for number in range(1, 36):
        desk.message(granted(number))
    await desk.receives(*range(1, 36))
    assert [event.sequence for event in await desk.stored()] == list(range(1, 36))


# life first


async def test_life_does_not_wait_behind_routine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "BATCH", 10)
    for number in range(1, 80):
        desk.message(granted(number))
    desk.message(fire())
    await desk.receives(900, *range(1, 80))
    order = [event.sequence for event in await desk.stored()]
    assert order.index(900) <= 20, "the batch that was under way, and one that was asked for before"


async def test_a_routine_batch_stops_growing_when_life_waits_for_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "DECIDING", 60.0)
    monkeypatch.setattr(Store, "_life_waits", lambda store: True)
    for number in range(1, 36):
        desk.message(granted(number))
    await desk.receives(*range(1, 36))
    assert desk.intake.health["batches"] == 35, "each goes on by one event"
    assert [event.sequence for event in await desk.stored()] == list(range(1, 36))


async def test_life_does_not_wait_for_a_routine_batch_that_cannot_be_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store.write

    async def slow(store: Store, priority: Priority, work: Any) -> Any:
        if priority is Priority.ROUTINE:
            await asyncio.sleep(60)
        return await write(store, priority, work)

    monkeypatch.setattr(Store, "write", slow)
    desk.message(granted(1))
    await asyncio.sleep(0.05)
    desk.message(fire())
    await desk.receives(900)


# what fails


async def test_one_that_fails_three_times_is_put_aside_and_the_rest_is_stored(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = poison(monkeypatch, 2)
    for number in (1, 2, 3):
        either.message(granted(number))
    await either.receives(1, 2, 3)
    assert [event.sequence for event in await either.stored()] == [1, 3]
    (kept,) = await either.quarantined()
    assert (kept.reason, kept.device) == ("event_failed", "gate-1")
    assert len(tries) == 1 + 3, "with the batch, and three times alone"
    either.message(granted(2))
    await until(lambda: len([1 for _, runs in either.receipts if (2, 2) in runs]) >= 2)
    assert len(await either.quarantined()) == 1


async def test_of_life_it_is_stored_and_raised_bare_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, 900)
    desk.intake.offer([fire()])
    await desk.receives(900)
    desk.message(fire())
    await until(lambda: len(desk.receipts) >= 2)
    assert await desk.alerts() == ["bare"]
    assert [event.sequence for event in await desk.stored()] == [900]
    assert len(await desk.quarantined()) == 1


async def test_what_failed_is_decided_again_by_a_persons_wish(either: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as failing:
        poison(failing, 900, 1)
        either.intake.offer([fire()])
        either.message(granted(1))
        await either.receives(900, 1)
    for kept in await either.quarantined():
        assert either.intake.read_again(kept)
    async with asyncio.timeout(5):
        while sorted(await either.alerts()) != ["bare", "unregistered_fire"]:
            await asyncio.sleep(0.01)
        while len(await either.stored()) != 2:
            await asyncio.sleep(0.01)


async def test_an_event_that_cannot_even_be_stored_is_put_aside_and_raised(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = events.add

    def fail(tx: Transaction, added: Sequence[Event], building: Building | None = None) -> None:
        if any(event.sequence == 900 for event in added):
            tx.connection.exec_driver_sql("SELECT 1 FROM nowhere")
        add(tx, added, building)

    monkeypatch.setattr(events, "add", fail)
    either.intake.offer([fire()])
    for number in (1, 2):
        either.message(granted(number))
    await either.receives(900, 1, 2)
    assert [event.sequence for event in await either.stored()] == [1, 2]
    assert len(await either.quarantined()) == 1
    assert await either.alerts() == ["bare"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no JSON",
        b"[" * 100_000,
        b'{"host": "hub-1", "sequence": 7, "type": "fire.alarm"}',
        dump_event(granted(7)).replace(b"/sites/b1/", b"/sites/other/"),
        dump_event(granted(7)).replace(b'"host":"hub-1",', b""),
    ],
)
async def test_what_is_no_event_of_ours_is_kept_and_nobody_falls_over(desk: Desk, payload: bytes) -> None:
    desk.raw(f"hub/v1/{SITE}/events/routine/gate-1", payload)
    async with asyncio.timeout(5):
        while not await desk.quarantined():
            await asyncio.sleep(0.01)
    (kept,) = await desk.quarantined()
    assert kept.frame == payload
    if b'"host"' in payload:
        await desk.receives(7)
    assert await desk.stored() == []
    desk.message(granted(1))
    await desk.receives(1)


async def test_on_the_life_lane_it_is_raised_bare_once(desk: Desk) -> None:
    for _ in range(2):
        desk.raw(f"hub/v1/{SITE}/events/life/panel-1", b'{"host": "hub-1", "sequence": 7, "type": "fire.soon"}')
        await asyncio.sleep(0.05)
    await desk.receives(7)
    async with asyncio.timeout(5):
        while await desk.alerts() != ["bare"]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["hosts", "devices", "receipts", "commands"])
@pytest.mark.parametrize("payload", [b"", b"{}", b"null", b"[1]", b"\xff", b"[" * 100_000, b'{"at": "yesterday"}'])
async def test_odd_words_of_hosts_harm_nothing(desk: Desk, kind: str, payload: bytes) -> None:
    desk.raw(f"hub/v1/{SITE}/{kind}/x", payload)
    desk.message(granted(1))
    await desk.receives(1)


# the store away


async def test_while_the_store_is_away_all_wait_and_then_go_on_by_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:

        async def refuse(*_: object) -> None:
            raise StoreAway("disk full")

        away.setattr(Store, "write", refuse)
        desk.message(granted(1))
        desk.intake.offer([fire()])
        await until(lambda: desk.intake.store_away == "disk full")
        await asyncio.sleep(0.3)
        assert desk.receipts == []
        assert not desk.intake.health["store"]
    await desk.receives(1, 900)
    assert desk.intake.health["store"]
    assert {event.sequence for event in await desk.stored()} == {1, 900}


# deadlines


def reached(key: str, due: datetime) -> DeadlineReached:
    return DeadlineReached(
        id=event_id(due, site=SITE, device="", type_name="deadline.reached", subject=key, record=f"{key}/{due}"),
        source=f"/sites/{SITE}/hub",
        time=due,
        received=due + timedelta(seconds=1),
        lane="routine",
        clock="hub",
        data=Reached(deadline=key, due=due),
    )


async def keys_left(desk: Desk) -> list[str]:
    return [left.key for left in await desk.store.read(lambda tx: deadlines.due(tx, datetime.max.replace(tzinfo=UTC)))]


async def test_a_deadline_is_decided_and_its_row_gone_in_one_commit(desk: Desk) -> None:
    await desk.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [deadline(), deadline("other/v2")]))
    assert await desk.intake.reached(reached("overstay/v1", T)) is True
    assert await keys_left(desk) == ["other/v2"]


async def test_a_deadline_cleared_meanwhile_does_nothing(desk: Desk) -> None:
    assert await desk.intake.reached(reached("overstay/v1", T)) is False
    await desk.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [deadline(due=T + timedelta(hours=1))]))
    assert await desk.intake.reached(reached("overstay/v1", T)) is False
    assert await keys_left(desk) == ["overstay/v1"]


async def test_a_deadline_that_was_decided_before_is_not_offered_for_ever(desk: Desk) -> None:
    for _ in range(2):
        await desk.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [deadline()]))
        await desk.intake.reached(reached("overstay/v1", T))
        assert await keys_left(desk) == []


async def test_a_deadline_that_fails_is_put_aside_with_its_row(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(deciding, "decide", fail)
    await desk.store.write(Priority.PERSON, lambda tx: deadlines.put(tx, [deadline()]))
    await desk.intake.reached(reached("overstay/v1", T))
    assert await keys_left(desk) == []
    assert len(await desk.quarantined()) == 1


async def test_a_deadline_finds_room_in_a_full_lane(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "BUFFERED", 1)
    waiting = lane.Waiting("routine")
    waiting.take(lane.Taken(granted(1)))
    waiting.take(lane.Taken(granted(2)))
    assert len(waiting) == 1
    waiting.take(lane.Taken(reached("k", T), asyncio.get_running_loop().create_future()))
    assert len(waiting) == 2


# hosts


def word(**changes: Any) -> HostStatus:
    return HostStatus.model_validate({"at": T, "sequence": 0} | changes)


async def test_devices_statuses_are_saved_and_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses_module, "EVERY", 0.02)
    status = {
        "site": SITE, "device": "unknown.x", "host": "hub-1", "adapter": "gbt26875", "address": "9", "declared": False,
        "link": "online",
    }  # fmt: skip
    topic = f"hub/v1/{SITE}/devices/unknown.x"

    async def listed() -> list[str]:
        return [found.device for found in await desk.store.read(lambda tx: devices.listing(tx, SITE))]

    desk.raw(topic, json.dumps(status | {"device": "another"}).encode())
    desk.raw(topic, json.dumps(status | {"site": "elsewhere"}).encode())
    desk.raw(topic, json.dumps(status).encode())
    async with asyncio.timeout(5):
        while await listed() != ["unknown.x"]:
            await asyncio.sleep(0.02)
    desk.raw(topic, b"")
    async with asyncio.timeout(5):
        while await listed():
            await asyncio.sleep(0.02)


async def test_a_command_that_its_host_has_is_kept_and_written_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses_module, "EVERY", 0.02)
    record = command()
    identity = record.command.id
    await desk.store.write(Priority.PERSON, lambda tx: outbox.add_commands(tx, [record]))
    desk.intake.host_status("hub-1", word(kept=[identity, uuid4()]))

    async def state() -> str:
        found = await desk.store.read(lambda tx: outbox.get_command(tx, SITE, str(identity)))
        assert found is not None
        return found.state

    async with asyncio.timeout(5):
        while await state() != "kept":
            await asyncio.sleep(0.02)
    desk.intake.host_status("hub-1", word(kept=[identity]))
    assert not desk.intake._statuses._kept, "what was saved isn't saved every second"


# the history of an incident


async def test_what_was_done_at_the_panel_stands_in_the_history_of_its_incident(desk: Desk) -> None:
    desk.message(fire(900))
    for sequence, operation in ((901, "acknowledge"), (902, "silence")):
        said = fire(sequence).model_dump() | {
            "type": "fire.panel_operated", "subject": "system/1/1", "data": {"operation": operation},
        }  # fmt: skip
        desk.message(EVENT.validate_python(said))
    await desk.receives(900, 901, 902)

    def timeline(tx: Transaction) -> list[str]:
        (incident,) = incidents.open_incidents(tx, SITE)
        return [stored.event.type for stored in incidents.timeline(tx, SITE, incident.id)]

    told = await desk.store.read(timeline)
    assert [kind for kind in told if kind.startswith("fire.")] == ["fire.alarm", *["fire.panel_operated"] * 2]


async def test_an_end_told_late_is_taken_after_a_restart_as_before_it(tmp_path: Path) -> None:
    """The panel's own time of the beginning is on disk: the hub's, a moment later, is no reason to keep it."""
    began, received = T.replace(microsecond=0), T.replace(microsecond=0) + timedelta(milliseconds=400)
    async with Desk(tmp_path).running() as desk:
        desk.message(disabled(1, True, began, received))
        await desk.receives(1)
    async with Desk(tmp_path).running() as desk:
        desk.message(disabled(2, False, began - timedelta(seconds=1), received + timedelta(minutes=5)))
        await desk.receives(2)
        assert [alert.source for alert in await desk.store.read(lambda tx: incidents.open_alerts(tx, SITE))] == [
            "active"
        ]
        desk.message(disabled(3, False, began, received + timedelta(minutes=5)))
        await desk.receives(3)
        assert await desk.store.read(lambda tx: incidents.open_alerts(tx, SITE)) == []


def disabled(sequence: int, active: bool, time: datetime, received: datetime) -> Event:
    return EVENT.validate_python({
        "type": "fire.disablement",
        "id": uuid4(),
        "host": "hub-1",
        "sequence": sequence,
        "source": f"/sites/{SITE}/devices/panel-1",
        "subject": "zone/1/point/7",
        "time": time,
        "received": received,
        "lane": "life",
        "data": {"active": active, "zone": "1", "point": "7"},
    })  # fmt: skip


@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "batch after batch"])
async def test_a_door_that_says_the_same_line_twice_within_a_second_is_as_it_said_last(
    desk: Desk, at_once: bool
) -> None:
    shut, sprung = uuid4(), uuid4()  # of state lines, which tell whole seconds and bear no number
    lines = [moved(1, "closed", shut), moved(2, "opened", sprung), moved(3, "closed", shut)]
    for line in lines:
        desk.message(line)
        if not at_once:
            await desk.receives(line.sequence or 0)
    await desk.receives(1, 2, 3)
    assert await is_open(desk) is False
    assert [event.sequence for event in await desk.stored()] == [1, 2]
    desk.message(lines[1])  # out of the host's spool again
    desk.message(moved(4, "closed", shut))  # the device's resend of all of it, cut off in the middle
    desk.message(moved(5, "opened", sprung))
    await desk.receives(4, 5)
    assert await is_open(desk) is True


async def is_open(desk: Desk) -> bool | None:
    (door,) = await desk.store.read(lambda tx: states.doors(tx, SITE))
    return door.open


def moved(sequence: int, how: str, identity: UUID) -> Event:
    return EVENT.validate_python({
        "type": f"door.{how}",
        "id": identity,
        "host": "hub-1",
        "sequence": sequence,
        "source": f"/sites/{SITE}/devices/reader-1",
        "subject": "door/1",
        "time": T.replace(microsecond=0),
        "received": T,
        "lane": "routine",
        "delivery": "snapshot",
        "data": {"door": "1"},
    })  # fmt: skip
