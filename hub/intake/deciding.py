"""What the intake does in the writer's transaction: drop repeats, load facts, decide, apply, write; or put aside."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from hub.core.building import Building
from hub.core.device_events import DeadlineReached, FrameQuarantined, Quarantined
from hub.core.effects import ClearDeadline
from hub.core.envelope import Lane, event_id
from hub.core.events import Event
from hub.core.facts import Facts
from hub.rules import decide, decide_again
from hub.rules.bare import raise_bare
from hub.store import effects, events, facts, quarantine
from hub.store.database import Transaction
from hub.store.told import Decided

DECIDING = 0.010
"""seconds of its processor's time after which a routine batch stops growing"""


@dataclass(frozen=True, slots=True)
class Settled:
    """How many of a batch, from its beginning, were taken; and the ids of deadlines that had been cleared before."""

    taken: int
    gone: frozenset[str]


def settle(
    tx: Transaction,
    building: Building,
    channels: tuple[str, ...],
    batch: Sequence[Event],
    again: frozenset[UUID] = frozenset(),
) -> Settled:
    """Everything that a batch changes, in one transaction. `again` are decided although the store has them."""
    fresh = events.unseen(tx, batch)
    new = {event.id for event in fresh}
    wanted = [event for event in batch if event.id in again and event.id not in new]
    fallen_due = [event for event in batch if isinstance(event, DeadlineReached)]
    repeats = _repeats(batch, fresh) if len(fresh) < len(batch) else []
    known = facts.load(tx, building, facts.Wanted.of([*wanted, *fresh, *fallen_due, *repeats], building), tx.now)
    known.channels = channels
    decided: list[Decided] = []
    stored: list[Event] = []
    gone: set[str] = set()
    taken = len(batch)
    started = _Started(time.monotonic(), time.thread_time())
    for number, event in enumerate([*wanted, *fresh]):
        is_new = number >= len(wanted)
        if stored and is_new and event.lane == "routine" and _enough(tx, started):
            taken = next(i for i, other in enumerate(batch) if _same_row(other, event))
            break
        if isinstance(event, DeadlineReached):
            if not _still_due(event, known):
                gone.add(str(event.id))
                continue
            meant = [ClearDeadline(event.data.deadline), *decide(event, known)]  # while its row is among the facts
        else:
            meant = decide(event, known)
        if meant:  # most events are a line in the records and nothing more
            decided.append(Decided(event, event.at, known.apply(meant)))
        if is_new:
            stored.append(event)
    for event in (e for e in fallen_due if e.id not in new and _still_due(e, known)):
        over = known.apply([ClearDeadline(event.data.deadline)])  # decided before: only its row is still there
        decided.append(Decided(None, event.at, over))
    decided += [Decided(None, event.at, known.apply(decide_again(event, known))) for event in repeats]
    events.add(tx, stored, building)
    effects.add_all(tx, building.site.id, decided)
    return Settled(taken, frozenset(gone))


class _Started(NamedTuple):
    clock: float
    processor: float


def _enough(tx: Transaction, started: _Started) -> bool:
    """Whether a routine batch stops growing: it has taken its time, or life waits for its end. The processor's time,
    never more than the clock's, is a call to the system, nearly as dear as deciding a passage."""
    if tx.life_waits():
        return True
    return time.monotonic() - started.clock > DECIDING and time.thread_time() - started.processor > DECIDING


def put_aside(tx: Transaction, building: Building, event: Event, problem: str, *, store: bool) -> None:
    """An event that fails, in a commit of its own: quarantined, and of life raised bare, by no rule. `store`: a life
    event is stored beside that like any other, where the storing isn't what fails."""
    site = building.site.id
    if quarantine.get(tx, site, str(event.id)) is not None:
        return
    quarantine.add_event(tx, site, event, traceback=problem)
    if isinstance(event, DeadlineReached):
        effects.add(tx, site, [ClearDeadline(event.data.deadline)], cause=None, at=event.at)
    if event.lane == "life":
        if store:
            events.add(tx, events.unseen(tx, [event]), building)
        effects.add(tx, site, raise_bare(event), cause=None, at=event.at)


def put_bytes_aside(tx: Transaction, building: Building, lane: Lane, device: str, payload: bytes, problem: str) -> None:
    """A message that is none of our events. On the life lane it is raised bare: it may have been a fire."""
    site = building.site.id
    mark = quarantine.add_bytes(tx, site, payload, reason="event_unreadable", traceback=problem)
    if lane != "life":
        return
    identity = event_id(
        None, site=site, device=device, type_name="frame.quarantined", subject=None, record=f"unreadable/{mark}"
    )
    event = FrameQuarantined(
        id=identity,
        source=f"/sites/{site}/devices/{device}" if device else f"/sites/{site}/hub",
        time=tx.now,
        received=tx.now,
        lane="life",
        clock="hub",
        data=Quarantined(reason="event_unreadable", quarantine=mark),
    )
    if fresh := events.unseen(tx, [event]):
        events.add(tx, fresh, building)
        effects.add(tx, site, raise_bare(event), cause=None, at=event.at)


def _repeats(batch: Sequence[Event], fresh: Sequence[Event]) -> list[Event]:
    """What a host sent whose id was known, in the batch or in the store."""
    rows = {(event.host, event.sequence) for event in fresh}
    return [event for event in batch if event.host and (event.host, event.sequence) not in rows]


def _same_row(one: Event, other: Event) -> bool:
    """A copy that is stored under an id of its own is still the same row of its host's spool."""
    return one.id == other.id or (one.host is not None and (one.host, one.sequence) == (other.host, other.sequence))


def _still_due(event: DeadlineReached, known: Facts) -> bool:
    deadline = known.deadlines.get(event.data.deadline)
    return deadline is not None and deadline.due == event.data.due
