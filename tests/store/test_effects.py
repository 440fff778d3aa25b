"""What was decided is what is known next time; what became of records is told as events, the same ids each time."""

from dataclasses import replace
from typing import Any, Self

import pytest

from hub.core.device_events import CommandDone, DeadlineReached, Outcome, Reached
from hub.core.effects import (
    AlertBecomes,
    Audit,
    ClearDeadline,
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
from hub.core.events import Event
from hub.core.facts import Facts
from hub.store import deadlines, effects, events, facts, incidents, visits
from hub.store.database import Priority, Store, Transaction
from hub.store.facts import Wanted
from hub.store.told import Decided
from tests.store.examples import (
    BUILDING,
    CARD,
    MINUTE,
    PHONE,
    SITE,
    TRACKING,
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


async def decide(store: Store, cause: Event | None, *done: Effect) -> list[Event]:
    return await store.write(Priority.ROUTINE, lambda tx: effects.add(tx, SITE, done, cause=cause, at=T))


async def known(store: Store, wanted: Wanted) -> Facts:
    return await store.read(lambda tx: facts.load(tx, BUILDING, wanted, T))


async def test_what_one_batch_did_the_next_one_knows(store: Store) -> None:
    asked = command()
    applied = Facts(building=BUILDING, now=T)
    done = applied.apply(
        [
            VisitBecomes(visit(), "announced"),
            ParcelBecomes(parcel(), "stored"),
            AlertBecomes(alert(), "raised"),
            AlertBecomes(alert("a2", handling="done"), "done"),
            IncidentBecomes(incident(), "opened"),
            IncidentBecomes(incident("i2", state="done"), "done"),
            PanelModeBecomes(mode()),
            DoorBecomes(door("gate-1/1")),
            PersonBecomes(person(), "front"),
            SetDeadline(deadline()),
            SetDeadline(deadline("cleared")),
            ClearDeadline("cleared"),
            SendCommand(asked),
        ]
    )
    await decide(store, None, *done)
    wanted = Wanted(
        visits={"v1"}, parcels={"k1"}, people={"p1"}, commands={str(asked.command.id)}, devices={"panel-1"},
        doors={"gate-1/1"},
    )  # fmt: skip
    loaded = await known(store, wanted)
    assert loaded.secret
    assert replace(loaded, secret=b"") == applied


@pytest.mark.parametrize(
    "wanted",
    [{"visits": {"v1"}}, {"visit_refs": {"70012"}}, {"deadlines": {"overstay/v1"}}],
    ids=lambda wanted: next(iter(wanted)),
)
async def test_a_visit_is_found_with_whom_it_is_for(store: Store, wanted: dict[str, Any]) -> None:
    await decide(
        store, None, VisitBecomes(visit(), "announced"), PersonBecomes(person(), "front"), SetDeadline(deadline()),
        VisitBecomes(visit("other", ref="5"), "announced"),
    )  # fmt: skip
    loaded = await known(store, Wanted(**wanted))
    assert set(loaded.visits) == {"v1"}
    assert set(loaded.people) == {"p1"}
    assert set(loaded.deadlines) == {"overstay/v1"}


@pytest.mark.parametrize(
    "wanted",
    [{"parcels": {"k1"}}, {"places": {("locker-1", "12")}}, {"trackings": {TRACKING}}],
    ids=lambda wanted: next(iter(wanted)),
)
async def test_a_parcel_is_found_with_its_recipient(store: Store, wanted: dict[str, Any]) -> None:
    await decide(
        store, None, ParcelBecomes(parcel(), "stored"), PersonBecomes(person(), "front"),
        ParcelBecomes(parcel("other", compartment="3", tracking="x"), "stored"),
        ParcelBecomes(parcel("gone", state="collected", tracking="y"), "collected"),
    )  # fmt: skip
    loaded = await known(store, Wanted(**wanted))
    assert set(loaded.parcels) == {"k1"}
    assert set(loaded.people) == {"p1"}


@pytest.mark.parametrize(
    "wanted",
    [{"people": {"p1"}}, {"people": {"gate-1/88"}}, {"people": {"5001"}}, {"phones": {PHONE}}, {"units": {"3-1-1201"}},
     {"numbers": {CARD}}],
    ids=str,
)  # fmt: skip
async def test_a_person_is_found_by_all_that_names_them(store: Store, wanted: dict[str, Any]) -> None:
    other = person("p2", phone="", unit="9", credentials=())
    await decide(store, None, PersonBecomes(person(), "front"), PersonBecomes(other, "front"))
    assert (await known(store, Wanted(**wanted))).people == {"p1": person()}


async def test_nothing_is_found_by_an_empty_name(store: Store) -> None:
    await decide(
        store, None, PersonBecomes(person("p2", phone="", unit="", credentials=()), "front"),
        VisitBecomes(visit(ref="", visited="", unit="", phone=""), "announced"),
        ParcelBecomes(parcel(device="", compartment="", person="", phone="", unit=""), "stored"),
    )  # fmt: skip
    empty = Wanted(visits={""}, visit_refs={""}, people={""}, phones={""}, units={""}, numbers={""}, parcels={""})
    loaded = await known(store, empty)
    assert (loaded.people, loaded.visits, loaded.parcels) == ({}, {}, {})


def test_what_is_wanted_is_read_off_the_events() -> None:
    done = CommandDone(
        id=granted(5).id, source=f"/sites/{SITE}/devices/locker-1", time=T, received=T, lane="routine",
        data=Outcome(command="c1"),
    )  # fmt: skip
    reached = DeadlineReached(
        id=granted(6).id, source=f"/sites/{SITE}/hub", time=T, received=T, lane="routine",
        data=Reached(deadline="overstay/v1", due=T),
    )  # fmt: skip
    wanted = Wanted.of([granted(), stored(), fire(), done, reached], BUILDING)
    assert wanted == Wanted(
        visit_refs={"5001"},
        places={("locker-1", "12")},
        trackings={TRACKING},
        phones={PHONE},
        deadlines={"overstay/v1"},
        commands={"c1"},
        devices={"locker-1", "panel-1"},
    )


async def test_the_last_word_of_a_batch_stands(store: Store) -> None:
    await decide(
        store, granted(),
        VisitBecomes(visit(), "announced"), VisitBecomes(visit(state="open", opened_at=T), "opened"),
        SetDeadline(deadline()), ClearDeadline("overstay/v1"), SetDeadline(deadline(due=T + MINUTE)),
        ClearDeadline("reminder"), SetDeadline(deadline("reminder")), ClearDeadline("reminder"),
    )  # fmt: skip
    assert await store.read(lambda tx: visits.get(tx, SITE, "v1")) == visit(state="open", opened_at=T)
    assert await store.read(lambda tx: deadlines.named(tx, SITE, {"overstay/v1", "reminder"})) == [
        deadline(due=T + MINUTE)
    ]


async def test_records_tell_what_became_of_them_in_a_series_of_their_own(store: Store) -> None:
    await store.write(Priority.LIFE, lambda tx: events.add(tx, [fire()]))
    told = await decide(
        store, fire(),
        AlertBecomes(alert(), "raised"), IncidentBecomes(incident(), "opened"), AlertBecomes(alert(), "repeated"),
        IncidentBecomes(incident(), "joined"), VisitBecomes(visit(state="open"), "opened", by="gate"),
        VisitBecomes(visit(answer="agreed"), "answered", by="p1"), Audit("alert.raised", "a1", "hub"),
    )  # fmt: skip
    assert [event.type for event in told] == ["alert.raised", "incident.opened", "visit.opened", "visit.answered"]
    assert [(event.host, event.sequence) for event in told] == [("intake", number) for number in (1, 2, 3, 4)]
    assert {event.source for event in told} == {f"/sites/{SITE}/hub"}
    assert [event.lane for event in told] == ["life", "life", "routine", "routine"]
    stored_ones = await store.read(lambda tx: events.listing(tx, SITE))
    assert [item.event.id for item in stored_ones.items] == [event.id for event in (*reversed(told), fire())]
    timeline = await store.read(lambda tx: incidents.timeline(tx, SITE, "i1"))
    assert [item.event.type for item in timeline] == ["fire.alarm", "alert.raised", "incident.opened"]
    more = await decide(store, None, IncidentBecomes(incident(state="done"), "done", by="front"))
    assert [(event.type, event.sequence) for event in more] == [("incident.done", 5)]


async def test_deciding_again_makes_the_same_ids_and_writes_nothing_twice(store: Store) -> None:
    done: list[Effect] = [
        AlertBecomes(alert(), "raised"), VisitBecomes(visit(), "announced"),
        SendNotice(notice()), SendCommand(command()),
    ]  # fmt: skip

    class Crash(Exception):
        pass

    first: list[Event] = []

    def crashing(tx: Transaction) -> None:
        first.extend(effects.add(tx, SITE, done, cause=fire(), at=T))
        raise Crash

    with pytest.raises(Crash):
        await store.write(Priority.LIFE, crashing)
    assert (await store.read(lambda tx: events.listing(tx, SITE))).items == ()
    second = await decide(store, fire(), *done)
    assert [(e.id, e.sequence) for e in first] == [(e.id, e.sequence) for e in second]
    assert await decide(store, fire(), *done) == []
    assert len((await store.read(lambda tx: events.listing(tx, SITE))).items) == 2


async def test_two_causes_of_one_moment_are_two_events(store: Store) -> None:
    batch = [Decided(cause, T, [AlertBecomes(alert(), "raised")]) for cause in (fire(1), fire(2))]
    told = await store.write(Priority.LIFE, lambda tx: effects.add_all(tx, SITE, batch))
    assert len({event.id for event in told}) == 2


async def test_two_acts_of_people_are_two_events_at_their_post(store: Store) -> None:
    def act(tx: Transaction, minute: int) -> list[Event]:
        now = T + minute * MINUTE
        return effects.add(tx, SITE, [AlertBecomes(alert(), "answered", "front")], cause=None, at=now, post="lobby")

    told = await store.write(Priority.PERSON, lambda tx: [*act(tx, 1), *act(tx, 2)])
    assert len({event.id for event in told}) == 2
    assert {event.source for event in told} == {f"/sites/{SITE}/posts/lobby"}


async def test_a_whole_batch_is_written_with_few_statements(store: Store) -> None:
    batch = [
        Decided(granted(number), T, [VisitBecomes(visit(f"v{number}"), "opened"), SetDeadline(deadline(f"d{number}"))])
        for number in range(200)
    ]

    def counted(tx: Transaction) -> tuple[list[Event], int]:
        statements = []
        execute, cursor = tx.connection.execute, tx.connection.connection.cursor

        class Counting:
            dialect = tx.connection.dialect

            @property
            def connection(self) -> Self:
                return self

            def execute(self, *arguments: Any) -> Any:
                statements.append(arguments)
                return execute(*arguments)

            def cursor(self) -> Any:
                """The driver's: one a statement."""
                statements.append(())
                return cursor()

        tx.connection = Counting()  # type: ignore[assignment]
        return effects.add_all(tx, SITE, batch), len(statements)

    told, statements = await store.write(Priority.ROUTINE, counted)
    assert [event.sequence for event in told] == list(range(1, 201))
    assert statements < 10
    assert (await store.read(lambda tx: visits.counts(tx, SITE)))["expected"] == 200


async def test_whoever_listens_hears_what_changed_and_whether_it_is_life(store: Store) -> None:
    heard = store.changes.subscribe()
    await decide(store, granted(), VisitBecomes(visit(), "opened"), SetDeadline(deadline()))
    change = await anext(heard)
    assert (change.topics, change.life) == (frozenset({"visits", "deadlines", "events"}), False)
    await decide(store, fire(), AlertBecomes(alert(), "raised"))
    change = await anext(heard)
    assert (change.topics, change.life) == (frozenset({"alerts", "events"}), True)
