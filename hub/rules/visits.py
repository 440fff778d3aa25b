"""What goes on at doors: an announced visitor's entry opens the visit, the exit closes it; a resident's passage is a
log line; a stranger or a refused credential is shown.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from hub.core.access_events import (
    AccessDenied,
    AccessGranted,
    DoorClosed,
    DoorForced,
    DoorHeldOpen,
    DoorLocked,
    DoorOpened,
    DoorTailgated,
    DoorUnlocked,
    PersonSeen,
)
from hub.core.building import Place
from hub.core.effects import AlertBecomes, ClearDeadline, DoorBecomes, Effect, SendCommand, SetDeadline, VisitBecomes
from hub.core.envelope import LATE_AFTER
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.records import Deadline, DoorState, Severity, Visit
from hub.core.text import rfc3339
from hub.rules.alerts import clear_alert, device_place, is_older, raise_routine
from hub.rules.notices import language_of, to_person
from hub.rules.passes import remove_pass

DoorMovement = DoorOpened | DoorClosed | DoorLocked | DoorUnlocked
FADE_AFTER = timedelta(minutes=30)
LATE_RUN = timedelta(seconds=30)
"""how long after late news of an entry that of the exit may follow"""
_SEVERITY: dict[str, Severity] = {"door_forced": "high", "door_held_open": "high", "door_tailgated": "medium"}


def granted(event: AccessGranted, facts: Facts) -> list[Effect]:
    person = event.data.person
    visit = facts.visit_by_ref(person.ref if person else "")
    if visit is None:
        return []
    place = facts.building.place(event.device, door=event.data.door)
    direction = place.direction if place.direction not in ("", "unknown") else event.data.direction
    return _left(event, facts, visit, place) if direction == "exit" else _entered(event, facts, visit, place)


def _entered(event: AccessGranted, facts: Facts, visit: Visit, place: Place) -> list[Effect]:
    if visit.state in ("departed", "cancelled", "open"):
        return _fill_history(event, visit, place)
    if not newer(event.host, event.sequence, visit):
        return []
    opened = replace(
        visit,
        state="open",
        opened_at=event.at,
        opened_door=place.door,
        late=event.late,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    effects: list[Effect] = [VisitBecomes(opened, "opened"), *watch_overstay(opened, event)]
    if not event.late:
        host = facts.people.get(visit.visited)
        door = door_name(facts, place.door, language_of(host))
        effects += to_person(
            facts,
            "visitor_arrived",
            visit.id,
            {"visitor": visit.name, "door": door, "at": rfc3339(event.at)},
            event.received,
            person=host,
        )
    return effects


def _left(event: AccessGranted, facts: Facts, visit: Visit, place: Place) -> list[Effect]:
    if visit.state in ("departed", "cancelled") or not newer(event.host, event.sequence, visit):
        return []
    if event.late and visit.opened_at and event.at < visit.opened_at - LATE_AFTER:
        return []  # of an earlier passage than the entry on record, by more than two gates' clocks may differ
    departed = replace(
        visit,
        state="departed",
        departed_at=event.at,
        departed_door=place.door,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    return [VisitBecomes(departed, "departed"), *end_of_visit(departed, facts, event.received, live=not event.late)]


def _fill_history(event: AccessGranted, visit: Visit, place: Place) -> list[Effect]:
    """An older entry than the one on record says when the visitor really came; it reopens nothing."""
    over = visit.departed_at
    if visit.state == "cancelled" or (over and event.at > over):
        return []
    if visit.opened_at and event.at >= visit.opened_at:
        return []
    return [VisitBecomes(replace(visit, opened_at=event.at, opened_door=place.door), "filled")]


def watch_overstay(visit: Visit, event: Event) -> list[Effect]:
    """Waits for the absence of an exit, which may still be on its way."""
    if visit.ends is None:
        return []
    due = max(visit.ends, event.received + LATE_RUN if event.late else event.received)
    return [SetDeadline(replace(_deadline(event, f"overstay/{visit.id}", "overstay", due, visit.id), absence=True))]


def end_of_visit(visit: Visit, facts: Facts, at: datetime, *, live: bool = True) -> list[Effect]:
    """The pass is void with the visit, and what waited for its end waits no more."""
    effects: list[Effect] = [ClearDeadline(f"overstay/{visit.id}")]
    if alert := facts.alerts.get(f"overstay/{visit.id}"):
        effects.append(AlertBecomes(replace(alert, source="quiet", quiet_at=at, handling="done", done_at=at), "done"))
    if live:
        effects += [SendCommand(record) for record in remove_pass(visit, facts, at)]
    return effects


def overstayed(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    visit = facts.visits.get(deadline.record)
    if visit is None or visit.state != "open":
        return []
    return raise_routine(event, facts, "visit_overstay", "medium", deadline.key, details={"visit": visit.id})


def denied(event: AccessDenied, facts: Facts) -> list[Effect]:
    place = facts.building.place(event.device, door=event.data.door)
    kind = "blocked_person" if event.data.reason == "blocked_person" else "access_denied"
    severity: Severity = "high" if kind == "blocked_person" else "low"
    key = f"{kind}/{place.door}"
    details = {"reason": event.data.reason, "method": event.data.method}
    raised = raise_routine(event, facts, kind, severity, key, place=place, details=details)
    return raised if kind == "blocked_person" else _and_fade(event, key, raised)


def seen(event: PersonSeen, facts: Facts) -> list[Effect]:
    if event.data.person is None or event.data.person.list != "stranger":
        return []
    door = event.data.door
    place = facts.building.place(event.device, door=door) if door else device_place(event.device, facts)
    key = f"stranger/{place.door or event.device}"
    return _and_fade(event, key, raise_routine(event, facts, "stranger", "low", key, place=place))


def _and_fade(event: Event, key: str, raised: list[Effect]) -> list[Effect]:
    """What has no end of its own leaves the queue when nothing more of it comes."""
    if not raised:
        return []
    due = event.received + FADE_AFTER
    return [*raised, SetDeadline(_deadline(event, f"fade/{key}", "fade", due, key))]


def faded(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    alert = facts.alerts.get(deadline.record)
    if alert is None or alert.handling == "taken":
        return []
    return [AlertBecomes(replace(alert, source="quiet", quiet_at=event.at, handling="done", done_at=event.at), "done")]


def door_condition(event: DoorForced | DoorHeldOpen | DoorTailgated, facts: Facts) -> list[Effect]:
    place = facts.building.place(event.device, door=event.data.door)
    kind = event.type.replace(".", "_")
    key = f"{kind}/{place.door}"
    if not event.data.active:
        return clear_alert(event, facts, key)
    raised = raise_routine(event, facts, kind, _SEVERITY[kind], key, place=place)
    return _and_fade(event, key, raised) if kind == "door_tailgated" else raised


def door_moved_again(event: DoorMovement, facts: Facts) -> list[Effect]:
    """Where the same host told last of the door: between two hosts no sequence says which came first."""
    known = facts.doors.get(facts.building.place(event.device, door=event.data.door).door)
    return door_moved(event, facts) if known and known.host == event.host else []


def door_moved(event: DoorMovement, facts: Facts) -> list[Effect]:
    place = facts.building.place(event.device, door=event.data.door)
    known = facts.doors.get(place.door) or DoorState(site=event.site, door=place.door, since=event.time)
    if not newer(event.host, event.sequence, known) or is_older(event, known.since):
        return []
    as_of = partial(replace, known, since=event.time, host=event.host or "", sequence=event.sequence or 0)
    match event:
        case DoorOpened():
            return [DoorBecomes(as_of(open=True))]
        case DoorClosed():
            held = clear_alert(event, facts, f"door_held_open/{place.door}")
            return [DoorBecomes(as_of(open=False)), *held]
        case DoorLocked():
            return [DoorBecomes(as_of(locked=True))]
        case DoorUnlocked():
            return [DoorBecomes(as_of(locked=False))]


def door_name(facts: Facts, door: str, language: str) -> str:
    declared = facts.building.doors.get(door)
    return declared.name.in_language(language) if declared else door


def _deadline(event: Event, key: str, kind: str, due: datetime, record: str) -> Deadline:
    return Deadline(site=event.site, key=key, kind=kind, lane="routine", due=due, record=record, set_at=event.received)
