"""A deadline that falls due does what it is for: each kind, through the intake's own transaction and a real store."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.adapters import load_adapters
from hub.core.access_events import AccessDenied, Denied
from hub.core.building import Building
from hub.core.device_events import DeadlineReached, ParcelLabel, ParcelStored, Reached, Recipient, Stored
from hub.core.effects import Effect, SetDeadline, VisitBecomes
from hub.core.events import Event
from hub.core.fire_events import FireAlarm, FireCondition, FireModeChanged, ModeChanged
from hub.core.records import Deadline
from hub.intake.deciding import settle
from hub.settings import load
from hub.store import deadlines, effects, incidents, outbox, parcels
from hub.store.database import Priority, Store
from hub.store.sealing import Keys
from tests.store.examples import visit

T = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CONFIG = Path(__file__).parents[2] / "config"


class Estate:
    """The demo building, its store, and what is decided there."""

    def __init__(self, store: Store, building: Building) -> None:
        self.store, self.building, self.site = store, building, building.site.id
        self._sequence = 0

    def event(self, kind: type[Any], device: str, data: Any, lane: str, **changes: Any) -> Event:
        self._sequence += 1
        event: Event = kind(
            id=uuid4(),
            host="hub-1",
            sequence=self._sequence,
            source=f"/sites/{self.site}/devices/{device}",
            time=T,
            received=T,
            lane=lane,
            data=data,
            **changes,
        )
        return event

    async def hears(self, event: Event) -> None:
        await self.store.write(Priority.LIFE, lambda tx: settle(tx, self.building, ("desk",), [event]))

    async def falls_due(self, kind: str) -> Deadline:
        """The first deadline of this kind, reached a second after it was due."""
        far = datetime(2100, 1, 1, tzinfo=UTC)
        waiting = await self.store.read(lambda tx: deadlines.due(tx, far))
        due = next(each for each in sorted(waiting, key=lambda each: each.due) if each.kind == kind)
        await self.hears(
            DeadlineReached(
                id=uuid4(),
                source=f"/sites/{self.site}/hub",
                time=due.due,
                received=due.due + timedelta(seconds=1),
                lane=due.lane,
                clock="hub",
                data=Reached(deadline=due.key, due=due.due),
            )
        )
        left = await self.store.read(lambda tx: deadlines.due(tx, far))
        assert all((each.key, each.due) != (due.key, due.due) for each in left)
        return due

    async def alerts(self) -> list[str]:
        return [alert.kind for alert in await self.store.read(lambda tx: incidents.open_alerts(tx, self.site))]

    async def notices(self) -> list[str]:
        listed = await self.store.read(lambda tx: outbox.notice_listing(tx, self.site, limit=100))
        return sorted(notice.key for notice in listed.items)


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[Estate]:
    store = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    await store.open()
    yield Estate(store, load(CONFIG, load_adapters()).building)
    await store.close()


async def raise_fire(estate: Estate) -> None:
    data = FireCondition(active=True, zone="217", point="6", detector="smoke")
    await estate.hears(estate.event(FireAlarm, "fire-b3", data, "life", subject="zone/217/point/6"))


async def test_nobody_answers_and_the_ladder_climbs(estate: Estate) -> None:
    await raise_fire(estate)
    told = await estate.notices()
    await estate.falls_due("ladder")
    (incident,) = await estate.store.read(lambda tx: incidents.open_incidents(tx, estate.site))
    assert incident.rung == 1
    assert len(await estate.notices()) > len(told)


async def test_three_minutes_without_a_verdict_is_treated_as_real(estate: Estate) -> None:
    await raise_fire(estate)
    told = await estate.notices()
    await estate.falls_due("verify")
    (incident,) = await estate.store.read(lambda tx: incidents.open_incidents(tx, estate.site))
    assert incident.treated_as_real
    assert incident.verdict is None
    assert len(await estate.notices()) == len(told) + len(estate.building.posts)


async def test_a_parcel_that_waits_is_reminded_of(estate: Estate) -> None:
    await estate.hears(parcel_stored(estate))
    await estate.falls_due("reminder")
    (parcel,) = (await estate.store.read(lambda tx: parcels.listing(tx, estate.site))).items
    assert parcel.reminders == 1
    assert [key.split("/")[0] for key in await estate.notices()] == ["pickup", "pickup_reminder_24h"]


async def test_a_parcel_of_a_late_run_is_told_of_when_the_run_is_over(estate: Estate) -> None:
    await estate.hears(parcel_stored(estate, delivery="backlog"))
    assert await estate.notices() == []
    await estate.falls_due("notify")
    assert [key.split("/")[0] for key in await estate.notices()] == ["pickup"]


async def test_a_visitor_who_stays_too_long_is_shown(estate: Estate) -> None:
    over = T + timedelta(hours=1)
    guest = visit(site=estate.site, state="open", opened_at=T, ends=over)
    key = f"overstay/{guest.id}"
    ends = Deadline(
        site=estate.site,
        key=key,
        kind="overstay",
        lane="routine",
        due=over,
        record=guest.id,
        set_at=T,
    )
    done: list[Effect] = [VisitBecomes(guest, "opened"), SetDeadline(ends)]
    await estate.store.write(Priority.PERSON, lambda tx: effects.add(tx, estate.site, done, cause=None, at=T))
    await estate.falls_due("overstay")
    assert await estate.alerts() == ["visit_overstay"]


async def test_a_refusal_leaves_the_queue_by_itself(estate: Estate) -> None:
    data = Denied(door="1", reason="credential_not_found")
    await estate.hears(estate.event(AccessDenied, "reader-n1", data, "routine"))
    assert await estate.alerts() == ["access_denied"]
    await estate.falls_due("fade")
    assert await estate.alerts() == []


async def test_a_panel_left_in_manual_is_an_alert(estate: Estate) -> None:
    data = ModeChanged(linkage="manual")
    await estate.hears(estate.event(FireModeChanged, "fire-b3", data, "life", subject="system/1/0"))
    await estate.falls_due("linkage")
    assert await estate.alerts() == ["linkage_manual"]


def parcel_stored(estate: Estate, **changes: Any) -> Event:
    data = Stored(compartment="7", parcel=ParcelLabel(tracking="YT1"), recipient=Recipient(phone="19900000001"))
    return estate.event(ParcelStored, "locker-2", data, "routine", **changes)
