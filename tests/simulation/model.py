"""What must be true in the end, whatever happened on the way: said by the devices alone, compared with the store."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hub.core.adapter import DeviceContext, Frame
from hub.core.device_events import DeadlineReached, ParcelCollected, ParcelStored
from hub.core.events import Event
from hub.core.records import Alert, CommandRecord, Deadline, Notice, Parcel
from hub.rules.pickups import REMINDERS
from hub.store import deadlines, outbox, quarantine, tables
from hub.store.database import Transaction
from hub.store.events import StoredEvent, stored_event
from hub.store.layout import Layout
from tests.simulation.clock import BEGIN
from tests.simulation.devices import PANEL, SITE, Record
from tests.simulation.process import ADAPTERS, HOST
from tests.simulation.world import BUILDING, World

COPIES = 0xFFFFFF
"""a fire that is raised again under a suspect clock has an id of its own, which differs here alone"""
HUBS_OWN = (
    "device.online",
    "device.offline",
    "device.reported",
    "device.clock_wrong",
    "command.done",
    "command.failed",
)
"""events of a device that answer to no record of it"""


@dataclass(frozen=True, slots=True)
class Kept:
    """The store at the end. `events` in the order of their commits."""

    events: list[StoredEvent]
    parcels: list[Parcel]
    alerts: list[Alert]
    notices: list[Notice]
    waiting: list[Deadline]
    commands: list[CommandRecord]
    aside: list[str]


def read(tx: Transaction) -> Kept:
    rows = tx.connection.execute(select(tables.events).order_by(tables.events.c.n)).all()
    return Kept(
        events=[stored_event(tx, row) for row in rows],
        parcels=list(Layout(tables.parcels, Parcel).find(tx)),
        alerts=list(Layout(tables.alerts, Alert).find(tx)),
        notices=list(Layout(tables.notices, Notice).find(tx)),
        waiting=deadlines.due(tx, datetime(2999, 1, 1, tzinfo=UTC), 10_000),
        commands=list(outbox.command_listing(tx, SITE, limit=200).items),
        aside=[f"{each.reason} of {each.device}: {each.traceback}" for each in quarantine.listing(tx, SITE).items],
    )


def faults(world: World, kept: Kept) -> Iterator[str]:
    """Each thing that isn't as promised, in words."""
    for aside in kept.aside:
        yield f"put aside: {aside}"
    yield from _lost_or_twice(world, kept)
    yield from _order(kept)
    yield from _parcels(world, kept)
    yield from _notices(world, kept)
    yield from _deadlines(world, kept)
    yield from _commands(world, kept)
    yield from _left_open(world, kept)
    yield from _fires(world, kept)


# what was told yes exists exactly once


def _meant(device: str, record: Record) -> tuple[Event, ...]:
    declared = BUILDING.devices[device]
    adapter = ADAPTERS[declared.adapter]
    context = DeviceContext(SITE, device, declared.address, ZoneInfo("Asia/Shanghai"), adapter.lane, adapter.options())
    frame = Frame(record.frame, BEGIN, topic=f"locker/v1/{SITE}/{device}/up" if device != PANEL else "")
    return adapter.decode(frame, context).events


def _said(world: World) -> Iterator[tuple[str, Record]]:
    for record in world.panel.said:
        yield PANEL, record
    for name, locker in world.lockers.items():
        for record in locker.said.values():
            yield name, record


def _lost_or_twice(world: World, kept: Kept) -> Iterator[str]:
    stored = Counter(_first(each.event.id) for each in kept.events)
    suspect = {_first(each.event.id) for each in kept.events if each.event.clock == "suspect"}
    known: set[int] = set()
    for device, record in _said(world):
        for event in _meant(device, record):
            first = _first(event.id)
            known.add(first)
            if record.told and not stored[first]:
                yield f"told yes and lost: {event.type} {event.subject} of {device}, {event.time}"
            if stored[first] > 1 and first not in suspect:
                yield f"stored {stored[first]} times: {event.type} {event.subject} of {device}"
        if not record.told:
            yield f"never told yes: {record.frame!r}"
    for each in kept.events:
        if each.event.host == HOST and _first(each.event.id) not in known and each.event.type not in HUBS_OWN:
            yield f"nobody said {each.event.type} {each.event.subject} of {each.event.device}"


def _first(identity: UUID) -> int:
    return identity.int & ~COPIES


# the order of a host and lane


def _order(kept: Kept) -> Iterator[str]:
    """Of life, what matters is that it comes at once."""
    last = 0
    for each in kept.events:
        event = each.event
        if event.host == HOST and event.lane == "routine" and event.sequence is not None:
            if event.sequence < last:
                yield f"row {event.sequence} stored behind {last}"
            last = event.sequence


# records


def _parcels(world: World, kept: Kept) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for parcel in kept.parcels:
        found.setdefault(parcel.tracking, []).append(parcel.state)
    for locker in world.lockers.values():
        for tracking, state in locker.parcels.items():
            if found.get(tracking) != [state]:
                yield f"parcel {tracking}: {found.get(tracking)}, and its locker said {state}"


def _left_open(world: World, kept: Kept) -> Iterator[str]:
    """Late news raises nothing routine, so what began late may stand or not."""
    last: dict[str, StoredEvent] = {}
    for each in kept.events:
        event = each.event
        if event.type in ("compartment.left_open", "compartment.closed"):
            key = f"compartment_left_open/{event.device}/{event.data.compartment}"
            if key not in last or (event.sequence or 0) > (last[key].event.sequence or 0):
                last[key] = each
    is_open = {alert.key for alert in kept.alerts if alert.handling != "done"}
    for key, each in last.items():
        active = getattr(each.event.data, "active", False)
        if active and not each.late and key not in is_open:
            yield f"{key}: not raised"
        if not active and not each.late and key in is_open:
            yield f"{key}: not cleared"


def _fires(world: World, kept: Kept) -> Iterator[str]:
    burning = {alert.subject for alert in kept.alerts if alert.kind == "fire" and alert.source == "active"}
    for point, alarm in world.panel.points.items():
        subject = f"zone/12/point/{point}"
        if alarm and not any(each.endswith(subject) for each in burning):
            yield f"{subject} burns, and no alert says so"
        if not alarm and any(each.endswith(subject) for each in burning):
            yield f"{subject} is quiet, and its alert says it burns"


# what goes out


def _notices(world: World, kept: Kept) -> Iterator[str]:
    keys: dict[tuple[str, ...], set[str]] = {}
    for notice in kept.notices:
        rung = notice.key.split("/")[2:-1] if notice.template == "alert" else []
        keys.setdefault((notice.template, notice.record, notice.channel, *rung), set()).add(notice.key)
    for cause, several in keys.items():
        if len(several) > 1:
            yield f"two keys for one cause: {cause}: {several}"
    known = {notice.key for notice in kept.notices}
    for message in world.sent:
        if message.key not in known:
            yield f"a notice went out that isn't in the store: {message.key}"
    sent = {message.key for message in world.sent}
    for notice in kept.notices:
        if notice.state == "sent" and notice.key not in sent:
            yield f"a notice is marked as sent and never went: {notice.key}"
    told = {notice.record for notice in kept.notices if notice.template == "pickup"}
    told |= {deadline.record for deadline in kept.waiting if deadline.kind == "notify"}
    for parcel in kept.parcels:
        if parcel.state == "stored" and parcel.id not in told:
            yield f"nobody was told of parcel {parcel.tracking}"


def _commands(world: World, kept: Kept) -> Iterator[str]:
    for command, times in world.wire.items():
        if times > 1:
            yield f"command {command} was written {times} times"
    known = {str(each.command.id): each.state for each in kept.commands}
    carried_out = {order for locker in world.lockers.values() for order in locker.orders}
    for order in carried_out:
        if known.get(order) != "done":
            yield f"command {order} was carried out, and the store says {known.get(order)}"
    for command, state in known.items():
        if state == "done" and command not in carried_out:
            yield f"command {command} is done, and no locker did it"
        if state == "queued":
            yield f"command {command} was never taken by its host"


# deadlines


class Fired(NamedTuple):
    n: int
    due: datetime
    unsure: bool


def _deadlines(world: World, kept: Kept) -> Iterator[str]:
    now = world.clock.now()
    reached: dict[str, list[Fired]] = {}
    for each in kept.events:
        if isinstance(each.event, DeadlineReached):
            data = each.event.data
            reached.setdefault(data.deadline, []).append(Fired(each.n, data.due, data.unsure))
    for key, fired in reached.items():
        if len({each.due for each in fired}) != len(fired):
            yield f"{key} was reached {len(fired)} times"
    for deadline in kept.waiting:
        if deadline.due < now - timedelta(seconds=5):
            yield f"{deadline.key} is overdue since {deadline.due}"
    taken = {_tracking(each): each for each in kept.events if isinstance(each.event, ParcelCollected)}
    begun = {_tracking(each): each for each in kept.events if isinstance(each.event, ParcelStored)}
    waiting = {deadline.key for deadline in kept.waiting}
    for parcel in kept.parcels:
        yield from _too_early(parcel, taken.get(parcel.tracking), reached)
        start = begun.get(parcel.tracking)
        if parcel.state == "stored" and start and not start.late:
            for wait, template in REMINDERS:
                key = f"reminder/{parcel.id}/{template}"
                if parcel.stored_at + wait > start.event.received and key not in reached and key not in waiting:
                    yield f"{key} is neither reached nor waited for"


def _too_early(parcel: Parcel, end: StoredEvent | None, reached: Mapping[str, Sequence[Fired]]) -> Iterator[str]:
    """What was collected isn't reminded of, and what is to tell of it waits for what the locker still has to say."""
    if end is None:
        return
    for _, template in REMINDERS:
        if any(fired.n > end.n for fired in reached.get(f"reminder/{parcel.id}/{template}", ())):
            yield f"reminded of {parcel.tracking}, which had been collected"
    for fired in reached.get(f"notify/{parcel.id}", ()):
        if fired.n < end.n and end.event.received <= fired.due and not fired.unsure:
            yield f"told of {parcel.tracking} before its host's word of {end.event.received} was read"


def _tracking(each: StoredEvent) -> str:
    label = getattr(each.event.data, "parcel", None)
    return label.tracking if label else ""
