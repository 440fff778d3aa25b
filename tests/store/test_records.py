"""Every record comes back as it was put; nothing personal can be read off the disk."""

import base64
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.core.commands import OpenDoor, SetClock
from hub.core.device_events import FrameQuarantined, Quarantined
from hub.core.effects import (
    AlertBecomes,
    Audit,
    CommandBecomes,
    DoorBecomes,
    Effect,
    IncidentBecomes,
    PanelModeBecomes,
    ParcelBecomes,
    PersonBecomes,
    SendCommand,
    SendNotice,
    SetDeadline,
    VisitBecomes,
)
from hub.store import (
    accounts,
    audit,
    deadlines,
    devices,
    effects,
    events,
    incidents,
    outbox,
    parcels,
    people,
    quarantine,
    states,
    visits,
)
from hub.store.accounts import ApiToken, NameTaken, Session, User
from hub.store.database import Priority, Store, Transaction
from hub.store.devices import DeviceStatus
from hub.store.sealing import Unsealable
from hub.store.tables import metadata
from tests.store.examples import (
    BUILDING,
    CARD,
    MINUTE,
    NAME,
    PHONE,
    SITE,
    T,
    alert,
    command,
    deadline,
    door,
    fire,
    granted,
    incident,
    mode,
    notice,
    parcel,
    person,
    stored,
    visit,
)


async def put(store: Store, *done: Effect) -> None:
    await store.write(Priority.PERSON, lambda tx: effects.add(tx, SITE, done, cause=None, at=T))


async def test_every_record_comes_back_as_it_was_put(store: Store) -> None:
    asked = command()
    await put(
        store,
        VisitBecomes(visit(), "announced"),
        ParcelBecomes(parcel(), "stored"),
        AlertBecomes(alert(), "raised"),
        IncidentBecomes(incident(), "opened"),
        PanelModeBecomes(mode()),
        DoorBecomes(door()),
        PersonBecomes(person(), "front"),
        SetDeadline(deadline()),
        SendNotice(notice()),
        SendCommand(asked),
        Audit("visit.announced", "v1", "front", "lobby", {"state": "expected"}),
    )

    def found(tx: Transaction) -> list[Any]:
        return [
            visits.get(tx, SITE, "v1"),
            parcels.get(tx, SITE, "k1"),
            incidents.get_alert(tx, SITE, "a1"),
            incidents.get(tx, SITE, "i1"),
            *states.panel_modes(tx, SITE),
            *states.doors(tx, SITE),
            people.get(tx, SITE, "p1"),
            deadlines.get(tx, SITE, "overstay/v1"),
            outbox.get_notice(tx, SITE, "pickup/k1"),
            outbox.get_command(tx, SITE, str(asked.command.id)),
        ]

    assert await store.read(found) == [
        visit(), parcel(), alert(), incident(), mode(), door(), person(), deadline(), notice(), asked,
    ]  # fmt: skip
    assert await store.read(lambda tx: visits.get(tx, "another site", "v1")) is None
    row = (await store.read(lambda tx: audit.listing(tx, SITE))).items[0]
    assert (row.act, row.target, row.who, row.post, row.details) == (
        "visit.announced", "v1", "front", "lobby", {"state": "expected"},
    )  # fmt: skip


async def test_every_field_survives_even_when_nothing_is_said(store: Store) -> None:
    bare = replace(visit(), phone="", starts=None, ends=None, plate="", visited="")
    await put(
        store, VisitBecomes(bare, "announced"), PersonBecomes(replace(person(), phone="", credentials=()), "front")
    )
    assert await store.read(lambda tx: visits.get(tx, SITE, "v1")) == bare
    found = await store.read(lambda tx: people.get(tx, SITE, "p1"))
    assert found == replace(person(), phone="", credentials=())


async def test_a_sealed_value_moved_to_another_row_does_not_open(store: Store) -> None:
    await put(store, VisitBecomes(visit("v1"), "announced"), VisitBecomes(visit("v2"), "announced"))

    def swap(tx: Transaction) -> None:
        tx.connection.exec_driver_sql(
            "UPDATE visits SET sealed = (SELECT sealed FROM visits AS o WHERE o.id = 'v2') WHERE id = 'v1'"
        )

    await store.write(Priority.PERSON, swap)
    with pytest.raises(Unsealable):
        await store.read(lambda tx: visits.get(tx, SITE, "v1"))


async def test_a_quarantined_frame_leaves_its_event_and_is_kept_whole(store: Store) -> None:
    raw = bytes(range(256)) * 4
    unread = FrameQuarantined(
        id=uuid4(), source=f"/sites/{SITE}/devices/panel-1", time=T, received=T, lane="life", host="hub-1", sequence=7,
        data=Quarantined(reason="bad checksum", quarantine="q1", frame=base64.b64encode(raw).decode(), topic="t/1"),
    )  # fmt: skip
    await store.write(Priority.LIFE, lambda tx: events.add(tx, [unread]))
    kept = await store.read(lambda tx: quarantine.get(tx, SITE, "q1"))
    assert kept is not None
    assert (kept.frame, kept.reason, kept.device, kept.topic, kept.host) == (
        raw, "bad checksum", "panel-1", "t/1", "hub-1",
    )  # fmt: skip
    event = await store.read(lambda tx: events.get(tx, SITE, unread.id))
    assert event is not None
    assert isinstance(event.event, FrameQuarantined)
    assert event.event.data == unread.data.model_copy(update={"frame": None})
    await store.write(Priority.PERSON, lambda tx: quarantine.sent_again(tx, SITE, "q1"))
    listed = await store.read(lambda tx: quarantine.listing(tx, SITE))
    assert listed.total == 1
    assert listed.items[0].sent_again_at is not None


async def test_what_fails_in_the_intake_is_kept_too_once(store: Store) -> None:
    def twice(tx: Transaction) -> None:
        for _ in range(2):
            quarantine.add_event(tx, SITE, granted(), traceback="…")
            quarantine.add_bytes(tx, SITE, b"\xff no event", reason="event_unreadable")

    await store.write(Priority.ROUTINE, twice)
    listed = await store.read(lambda tx: quarantine.listing(tx, SITE))
    assert [(frame.reason, frame.traceback) for frame in listed.items] == [
        ("event_unreadable", ""),
        ("event_failed", "…"),
    ]
    assert NAME.encode() in listed.items[1].frame


async def test_people_are_found_by_all_that_names_them(store: Store) -> None:
    other = person("p2", name="李四海", phone="13800001111", unit="2-1-301", credentials=())
    await store.write(Priority.PERSON, lambda tx: people.save(tx, person(), other))

    async def ids(text: str) -> list[str]:
        return [found.id for found in await store.read(lambda tx: people.search(tx, SITE, text))]

    for text in (NAME, NAME[1:3], PHONE, PHONE[-4:], CARD, "3-1-1201", "p1"):
        assert await ids(text) == ["p1"], text
    assert await ids("-1-") == ["p1", "p2"]
    assert await ids("nobody") == []
    assert await ids("  ") == []


async def test_saving_a_person_again_drops_the_credentials_that_are_gone(store: Store) -> None:
    await store.write(Priority.PERSON, lambda tx: people.save(tx, person()))
    without = replace(person(), credentials=person().credentials[1:])
    await store.write(Priority.PERSON, lambda tx: people.save(tx, without))
    assert await store.read(lambda tx: people.get(tx, SITE, "p1")) == without
    assert await store.read(lambda tx: people.find(tx, SITE, numbers={CARD})) == []
    await store.write(Priority.PERSON, lambda tx: people.remove(tx, SITE, "p1"))
    assert await store.read(lambda tx: people.find(tx, SITE, refs={"5001"})) == []


async def test_a_device_that_is_declared_knocks_no_longer(store: Store) -> None:
    said = {"site": SITE, "device": "unknown.x", "host": "hub-1", "adapter": "zkteco_push", "address": "SN1",
            "declared": False, "link": "online", "last_heard": "2026-04-10T02:00:07.000Z", "more": 1}  # fmt: skip
    knocking = DeviceStatus.read(said)
    declared = DeviceStatus.read(said | {"device": "reader-1", "declared": True, "skew": -3.5, "waiting": 4})
    assert knocking is not None
    assert declared is not None
    assert DeviceStatus.read({"device": 3}) is None
    await store.write(Priority.ROUTINE, lambda tx: devices.save_status(tx, knocking))
    assert await store.read(lambda tx: devices.unknown(tx, SITE)) == [knocking]
    await store.write(Priority.ROUTINE, lambda tx: devices.save_status(tx, declared))
    assert await store.read(lambda tx: devices.listing(tx, SITE)) == [declared]


async def test_what_a_host_does_not_know_since_its_start_stays_as_it_was(store: Store) -> None:
    heard = DeviceStatus(
        site=SITE, device="gate-1", host="hub-1", adapter="face_mqtt", address="1", declared=True, link="online",
        last_heard=T, since=T - MINUTE,
    )  # fmt: skip
    restarted = replace(heard, link="never", last_heard=None, since=None)
    silent = replace(heard, link="offline", last_heard=None, since=T + MINUTE)

    async def kept_after(status: DeviceStatus) -> DeviceStatus | None:
        await store.write(Priority.ROUTINE, lambda tx: devices.save_status(tx, status))
        return await store.read(lambda tx: devices.get(tx, SITE, "gate-1"))

    assert await kept_after(heard) == heard
    assert await kept_after(restarted) == heard
    assert await kept_after(silent) == replace(silent, last_heard=T)


async def test_who_is_signed_in_and_until_when(store: Store, tmp_path: Path) -> None:
    user = User("u1", "front", "前台", "argon", "desk")
    session = Session("u1", "lobby", "csrf", T, T + MINUTE)

    def signing_in(tx: Transaction) -> None:
        accounts.add_user(tx, SITE, user)
        accounts.open_session(tx, SITE, "browser-secret", session)
        accounts.add_token(tx, SITE, "program-secret", ApiToken("t1", "lift", "read", T, T + MINUTE))

    await store.write(Priority.PERSON, signing_in)
    with pytest.raises(NameTaken):
        await store.write(Priority.PERSON, lambda tx: accounts.add_user(tx, SITE, replace(user, id="u2")))
    assert await store.read(lambda tx: accounts.session(tx, SITE, "browser-secret", T)) == (user, session)
    assert await store.read(lambda tx: accounts.session(tx, SITE, "browser-secret", T + MINUTE)) is None
    assert await store.read(lambda tx: accounts.session(tx, SITE, "guess", T)) is None
    assert (await store.read(lambda tx: accounts.token(tx, SITE, "program-secret", T))) is not None
    assert await store.read(lambda tx: accounts.token(tx, SITE, "program-secret", T + MINUTE)) is None
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith("hub.db"))
    assert b"browser-secret" not in written
    assert b"program-secret" not in written
    await store.write(Priority.PERSON, lambda tx: accounts.extend_session(tx, SITE, "browser-secret", T + 2 * MINUTE))
    assert await store.read(lambda tx: accounts.session(tx, SITE, "browser-secret", T + MINUTE)) is not None
    await store.write(Priority.PERSON, lambda tx: accounts.change_user(tx, SITE, replace(user, active=False)))
    assert await store.read(lambda tx: accounts.session(tx, SITE, "browser-secret", T)) is None
    await store.write(Priority.PERSON, lambda tx: accounts.revoke_token(tx, SITE, "t1"))
    assert await store.read(lambda tx: accounts.tokens(tx, SITE)) == []


async def test_a_notice_goes_through_its_states(store: Store) -> None:
    await put(store, SendNotice(notice()), SendNotice(notice("late/k2", next_at=T + MINUTE, severity="critical")))
    due = await store.read(lambda tx: outbox.due_notices(tx, T, 10))
    assert [n.key for n in due] == ["pickup/k1"]
    later = await store.read(lambda tx: outbox.due_notices(tx, T + MINUTE, 10))
    assert [n.key for n in later] == ["late/k2", "pickup/k1"]  # the gravest first
    await store.write(
        Priority.DISPATCH, lambda tx: outbox.notice_failed(tx, "pickup/k1", "refused", T + 2 * MINUTE, site=SITE)
    )
    failed = await store.read(lambda tx: outbox.get_notice(tx, SITE, "pickup/k1"))
    assert failed is not None
    assert (failed.state, failed.attempts, failed.error, failed.next_at) == ("queued", 1, "refused", T + 2 * MINUTE)
    await store.write(Priority.DISPATCH, lambda tx: outbox.notice_sent(tx, "pickup/k1", T + 2 * MINUTE, site=SITE))
    await put(store, SendNotice(notice()))
    sent = await store.read(lambda tx: outbox.get_notice(tx, SITE, "pickup/k1"))
    assert sent is not None
    assert (sent.state, sent.sent_at, sent.error) == ("sent", T + 2 * MINUTE, "")  # deciding it again sends nothing
    assert await store.write(Priority.PERSON, lambda tx: outbox.send_again(tx, SITE, "pickup/k1"))
    assert not await store.write(Priority.PERSON, lambda tx: outbox.send_again(tx, SITE, "pickup/none"))
    again = await store.read(lambda tx: outbox.get_notice(tx, SITE, "pickup/k1"))
    assert again is not None
    assert again.state == "queued"
    await store.write(Priority.DISPATCH, lambda tx: outbox.notice_failed(tx, "pickup/k1", "gone", None, site=SITE))
    listed = await store.read(lambda tx: outbox.notice_listing(tx, SITE, state=("failed",)))
    assert [n.key for n in listed.items] == ["pickup/k1"]


async def test_when_the_clock_is_set_notices_go_as_meant_and_no_opening_becomes_good_for_longer(store: Store) -> None:
    made = [notice("old", created_at=T - MINUTE), notice("new", next_at=T + MINUTE)]
    about: dict[str, Any] = {"site": SITE, "device": "gate-1", "expires": T + MINUTE, "by": "desk"}
    door = command(command=OpenDoor(id=uuid4(), door="1", **about))
    clock = command(command=SetClock(id=uuid4(), **about))

    def ask(tx: Transaction) -> None:
        outbox.add_notices(tx, made)
        outbox.add_commands(tx, [door, clock])

    await store.write(Priority.PERSON, ask)
    day = timedelta(days=1)
    for step, since, went in ((day, T, T + MINUTE + day), (-day, T + day, T + MINUTE + day)):
        await store.write(Priority.DEADLINE, partial(outbox.clock_set, site=SITE, by=step, since=since))
        due = await store.read(lambda tx: outbox.due_notices(tx, T + 3 * day, 10))
        assert {one.key: one.next_at for one in due} == {"old": T, "new": went}
    states = await store.read(lambda tx: outbox.command_listing(tx, SITE))
    assert {one.command.kind: one.state for one in states.items} == {
        "door.open": "expired",
        "device.set_clock": "queued",
    }


async def test_a_held_notice_is_sent_once_it_is_decided_so(store: Store) -> None:
    await put(store, SendNotice(notice(state="held")))
    assert await store.read(lambda tx: outbox.due_notices(tx, T, 10)) == []
    await put(store, SendNotice(notice()))
    assert await store.read(lambda tx: outbox.due_notices(tx, T, 10)) == [notice()]


async def test_a_command_is_offered_until_its_host_has_it_and_never_again(store: Store) -> None:
    first, second = command(), command(created_at=T + MINUTE)
    await put(store, SendCommand(first), SendCommand(second))
    assert await store.read(lambda tx: outbox.queued_commands(tx, T)) == [first, second]
    await store.write(Priority.DISPATCH, lambda tx: outbox.command_kept(tx, {str(first.command.id)}))
    await put(store, SendCommand(first))
    assert await store.read(lambda tx: outbox.queued_commands(tx, T)) == [second]
    expired = await store.write(Priority.DISPATCH, lambda tx: outbox.expire_commands(tx, T + 10 * MINUTE))
    assert [(r.command, r.state) for r in expired] == [(second.command, "expired")]
    await put(store, CommandBecomes(str(first.command.id), "done", "opened"))
    done = await store.read(lambda tx: outbox.get_command(tx, SITE, str(first.command.id)))
    assert done is not None
    assert (done.state, done.result, done.closed_at, done.command) == ("done", "opened", T, first.command)
    listed = await store.read(lambda tx: outbox.command_listing(tx, SITE, state=("done", "expired")))
    assert [r.command.id for r in listed.items] == [second.command.id, first.command.id]


async def test_deadlines_fall_due_life_first_and_absences_hold_up_nobody(store: Store) -> None:
    await put(
        store,
        *(SetDeadline(deadline(f"absent/{i}", due=T - 9 * MINUTE)) for i in range(5)),
        SetDeadline(deadline("reminder", absence=False, devices=())),
        SetDeadline(deadline("ladder", lane="life", absence=False, due=T)),
        SetDeadline(deadline("later", due=T + MINUTE)),
    )
    due = await store.read(lambda tx: deadlines.due(tx, T, 3))
    assert [d.key for d in due] == ["ladder", "reminder", "absent/0"]
    assert await store.read(deadlines.next_due) == T - 9 * MINUTE
    await store.write(Priority.DEADLINE, lambda tx: deadlines.delete(tx, SITE, "ladder", "reminder"))
    assert {d.key for d in await store.read(lambda tx: deadlines.due(tx, T, 9))} == {f"absent/{i}" for i in range(5)}


async def test_an_alert_that_is_done_makes_room_for_another_of_its_kind(store: Store) -> None:
    done = alert("a1", key="fire/x", handling="done", done_at=T)
    await put(store, AlertBecomes(alert("a1", key="fire/x"), "raised"))
    await put(
        store, AlertBecomes(alert("a2", key="fire/x", raised_at=T + MINUTE), "raised"), AlertBecomes(done, "done")
    )
    assert [a.id for a in await store.read(lambda tx: incidents.open_alerts(tx, SITE))] == ["a2"]
    assert [a.id for a in await store.read(lambda tx: incidents.alerts_of(tx, SITE, "i1"))] == ["a1", "a2"]
    with pytest.raises(Exception, match=r"(?i)unique"):
        await put(store, AlertBecomes(alert("a3", key="fire/x"), "raised"))


async def test_events_come_back_with_the_place_they_were_at(store: Store) -> None:
    declared = BUILDING.model_validate(
        BUILDING.model_dump()
        | {
            "doors": {"lobby": {"id": "lobby", "name": {"zh": "大堂", "en": "Lobby"}, "into": "b3"}},
            "devices": {
                "gate-1": {
                    "id": "gate-1", "name": {"zh": "闸机", "en": "Gate"}, "adapter": "face_mqtt", "address": "g1",
                    "heartbeat": "PT30S", "silence": "PT90S", "doors": {"1": {"door": "lobby", "direction": "entry"}},
                }
            },
        }
    )  # fmt: skip
    await store.write(Priority.ROUTINE, lambda tx: events.add(tx, [granted()], declared))
    found = await store.read(lambda tx: events.get(tx, SITE, granted().id))
    assert found is not None
    assert (found.event, found.door, found.zone, found.late) == (granted(), "lobby", "b3", False)
    assert await store.read(lambda tx: events.get(tx, "another site", granted().id)) is None
    assert await store.read(lambda tx: events.get(tx, SITE, "no id")) is None


async def test_events_are_listed_by_what_they_are(store: Store) -> None:
    every = [*(granted(number) for number in range(1, 6)), stored(), fire()]
    await store.write(Priority.ROUTINE, lambda tx: events.add(tx, every))

    async def listed(**wanted: Any) -> list[int | None]:
        found = await store.read(lambda tx: events.listing(tx, SITE, **wanted))
        return [item.event.sequence for item in found.items]

    assert await listed() == [900, 500, 5, 4, 3, 2, 1]
    assert await listed(types=("access.granted", "fire.alarm")) == [900, 5, 4, 3, 2, 1]
    assert await listed(device="locker-1") == [500]
    assert await listed(lane="life") == [900]
    assert await listed(since=T + 2 * MINUTE, until=T + 4 * MINUTE) == [3, 2]


def test_every_row_belongs_to_a_site() -> None:
    without = {table.name for table in metadata.sorted_tables if "site" not in table.c}
    assert without == {"marks"}
