"""What was decided, written: one statement a table for a whole batch, the last word on each record."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from hub.core.effects import (
    AlertBecomes,
    Audit,
    ClearDeadline,
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
from hub.core.events import Event
from hub.store import audit, deadlines, events, incidents, outbox, parcels, people, states, visits
from hub.store.database import Transaction
from hub.store.told import Decided, histories, told

T = TypeVar("T")


def add(
    tx: Transaction, site: str, effects: Sequence[Effect], *, cause: Event | None, at: datetime, post: str = ""
) -> list[Event]:
    """Write the effects of one cause; returns the record events that it stored with them."""
    return add_all(tx, site, [Decided(cause, at, effects, post)])


def add_all(tx: Transaction, site: str, batch: Sequence[Decided]) -> list[Event]:
    """Write the effects of a batch, in their order; returns the record events that it stored with them."""
    every = [effect for decided in batch for effect in decided.effects]
    kinds: dict[type[Effect], list[Any]] = defaultdict(list)
    for effect in every:
        kinds[type(effect)].append(effect)
    visits.put(tx, _last((e.visit for e in kinds[VisitBecomes]), lambda v: v.id))
    parcels.put(tx, _last((e.parcel for e in kinds[ParcelBecomes]), lambda p: p.id))
    incidents.put_alerts(tx, _last((e.alert for e in kinds[AlertBecomes]), lambda a: a.id))
    incidents.put_incidents(tx, _last((e.incident for e in kinds[IncidentBecomes]), lambda i: i.id))
    states.put_panel_modes(tx, _last((e.mode for e in kinds[PanelModeBecomes]), lambda m: (m.device, m.system)))
    states.put_doors(tx, _last((e.door for e in kinds[DoorBecomes]), lambda d: d.door))
    people.save(tx, *_last((e.person for e in kinds[PersonBecomes]), lambda p: p.id))
    _add_deadlines(tx, site, every)
    outbox.add_notices(tx, _last((e.notice for e in kinds[SendNotice]), lambda n: n.key))
    outbox.add_commands(tx, _last((e.record for e in kinds[SendCommand]), lambda r: str(r.command.id)))
    if kinds[CommandBecomes] or kinds[Audit]:
        for decided in batch:
            outbox.close_commands(tx, site, [e for e in decided.effects if isinstance(e, CommandBecomes)], decided.at)
            _add_audit(tx, site, decided)
    return _tell(tx, site, batch)


def _last(values: Iterable[T], key: Callable[[T], object]) -> Collection[T]:
    return {key(value): value for value in values}.values()


def _add_deadlines(tx: Transaction, site: str, every: Sequence[Effect]) -> None:
    last: dict[str, SetDeadline | ClearDeadline] = {}
    for effect in every:
        if isinstance(effect, SetDeadline):
            last[effect.deadline.key] = effect
        elif isinstance(effect, ClearDeadline):
            last[effect.key] = effect
    deadlines.put(tx, [effect.deadline for effect in last.values() if isinstance(effect, SetDeadline)])
    deadlines.delete(tx, site, *(effect.key for effect in last.values() if isinstance(effect, ClearDeadline)))


def _add_audit(tx: Transaction, site: str, decided: Decided) -> None:
    for effect in decided.effects:
        if isinstance(effect, Audit):
            post = effect.post or decided.post
            audit.add(tx, site, decided.at, effect.by, post, effect.act, effect.target, effect.details)


def _tell(tx: Transaction, site: str, batch: Sequence[Decided]) -> list[Event]:
    """Store the record events, numbered in the site's own series, and put all into their incidents' histories."""
    history: set[tuple[str, UUID]] = set()
    unnumbered: list[Event] = []
    for decided in batch:
        if decided.cause is not None:
            history |= {(incident, decided.cause.id) for incident in histories(decided)}
        for news in told(decided, site, tx.now):
            unnumbered.append(news.event)
            if news.incident:
                history.add((news.incident, news.event.id))
    fresh = events.unseen(tx, unnumbered)
    numbered = events.numbered(tx, fresh)
    events.add(tx, numbered)
    incidents.belongs(tx, site, history)
    return numbered
