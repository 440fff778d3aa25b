"""Parcels: stored → a pickup notice to the recipient, reminders at 24 h, 72 h and 7 days; collected → closed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from hub.core.building import Place
from hub.core.commands import PutPickup, RemovePickup
from hub.core.device_events import (
    CompartmentClosed,
    CompartmentFaulted,
    CompartmentForced,
    CompartmentLeftOpen,
    CompartmentOpened,
    CompartmentOpenFailed,
    ParcelCollected,
    ParcelLabel,
    ParcelStored,
    ParcelWithdrawn,
    PickupRefused,
)
from hub.core.effects import AlertBecomes, ClearDeadline, Effect, ParcelBecomes, ParcelStep, SendCommand, SetDeadline
from hub.core.envelope import LATE_AFTER
from hub.core.events import Event
from hub.core.facts import Facts, newer
from hub.core.records import CommandRecord, Deadline, Parcel, Severity
from hub.core.text import rfc3339
from hub.rules.alerts import clear_alert, raise_routine
from hub.rules.notices import language_of, to_person

REMINDERS = (
    (timedelta(hours=24), "pickup_reminder_24h"),
    (timedelta(hours=72), "pickup_reminder_72h"),
    (timedelta(days=7), "pickup_overdue_7d"),
)
OVERDUE_AFTER = REMINDERS[1][0]
LATE_RUN = timedelta(seconds=30)
CODE_DIGITS = 6
CODE_VALID = timedelta(days=14)
UNKNOWN = "unknown"
"""who took a parcel that is gone from its compartment without a word"""


def stored(event: ParcelStored, facts: Facts) -> list[Effect]:
    """A compartment holds one parcel. The same number there again is the same parcel; another one means that what lay
    there is gone."""
    label = event.data.parcel
    known = facts.parcels_tracked(label.tracking)
    if event.delivery == "snapshot" and any(p.state == "stored" and p.device == event.device for p in known):
        return []
    if over := next((parcel for parcel in known if _ended_before_it_began(parcel, event)), None):
        return [ParcelBecomes(_begun_later(over, _parcel(event, facts)), "filled")]
    there = facts.parcels_in(event.device, event.data.compartment or "")
    same = next((parcel for parcel in there if label.tracking and parcel.tracking == label.tracking), None)
    parcel = _parcel(event, facts)
    begins = _told_again(event, facts, same, parcel) if same else _begins(event, facts, parcel)
    gone = [effect for other in there if other is not same for effect in _gone(event, facts, other)]
    return [*gone, *begins]


def _parcel(event: ParcelStored, facts: Facts) -> Parcel:
    to, label = event.data.recipient, event.data.parcel
    person = facts.recipient(phone=to.phone, unit=to.unit, ref=to.ref)
    return Parcel(
        id=facts.new_id(event.id, "parcel"),
        site=event.site,
        state="stored",
        tracking=label.tracking,
        carrier=label.carrier or "",
        device=event.device,
        compartment=event.data.compartment or "",
        shelf=event.data.shelf or "",
        person=person.id if person else "",
        phone=to.phone or (person.phone if person else ""),
        unit=to.unit or (person.unit if person else ""),
        size=event.data.size or "",
        stored_at=event.at,
        told_at=event.time,
        expires=event.data.expires,
        by=event.device,
        late=event.late,
        host=event.host or "",
        sequence=event.sequence or 0,
    )


def _ended_before_it_began(parcel: Parcel, event: ParcelStored) -> bool:
    """Who took it was received before this: both times are by the locker's own clock."""
    told_at = parcel.told_at
    return not parcel.by and parcel.device == event.device and told_at is not None and event.time <= told_at


def _begun_later(over: Parcel, told: Parcel) -> Parcel:
    """What nobody need be told of any more: it was there, and is gone."""
    taken_at = over.taken_at or told.stored_at
    return replace(
        told,
        id=over.id,
        state=over.state,
        stored_at=min(told.stored_at, taken_at),
        taken_at=over.taken_at,
        taken_by=over.taken_by,
    )


def _begins(event: ParcelStored, facts: Facts, parcel: Parcel) -> list[Effect]:
    if event.late or event.delivery == "snapshot":
        wait = _deadline(event, f"notify/{parcel.id}", "notify", event.received + LATE_RUN, parcel.id)
        return [ParcelBecomes(parcel, "stored"), SetDeadline(replace(wait, absence=True, devices=(event.device,)))]
    return received(parcel, facts, event.received)


def _told_again(event: ParcelStored, facts: Facts, known: Parcel, told: Parcel) -> list[Effect]:
    """What the courier corrected; one notice a parcel all the same. Who opened the compartment anew may have erased
    its code, so that is put again."""
    if not newer(event.host, event.sequence, known):
        return []
    corrected = replace(
        known,
        carrier=told.carrier or known.carrier,
        person=told.person or known.person,
        phone=told.phone or known.phone,
        unit=told.unit or known.unit,
        size=told.size or known.size,
        expires=told.expires or known.expires,
        host=told.host,
        sequence=told.sequence,
    )
    if event.late:
        return [ParcelBecomes(corrected, "filled")]
    if known.notified:
        code = pickup_code(known, facts) if known.code_hash and known.device in facts.building.devices else ""
        put = [SendCommand(_put_code(corrected, code, facts, event.received, event.id))] if code else []
        return [ParcelBecomes(corrected, "filled"), *put]
    return [ClearDeadline(f"notify/{known.id}"), *received(corrected, facts, event.received, "filled")]


def _gone(event: ParcelStored, facts: Facts, parcel: Parcel) -> list[Effect]:
    """去向不明: another parcel lies where this one was, and nobody said who took it. A person looks; a later word of
    who took it corrects the record."""
    if not newer(event.host, event.sequence, parcel) or event.time < (parcel.told_at or parcel.stored_at):
        return []
    closed = replace(
        parcel,
        state="withdrawn",
        taken_at=event.at,
        taken_by=UNKNOWN,
        code_hash=None,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    missing = raise_routine(
        event,
        facts,
        "parcel_missing",
        "medium",
        f"parcel_missing/{parcel.id}",
        place=_compartment(parcel.compartment),
        details={"parcel": parcel.id},
    )
    forgets = [] if event.late or event.delivery == "snapshot" else remove_code(parcel, facts, event.received)
    return [ParcelBecomes(closed, "withdrawn"), *end_of_parcel(closed, facts, event.at), *forgets, *missing]


def received(parcel: Parcel, facts: Facts, at: datetime, step: ParcelStep = "stored") -> list[Effect]:
    """A parcel that waits from now on: its code, its notice, its reminders. Also for one taken in at the desk."""
    locker = facts.building.devices.get(parcel.device)
    with_code = locker.codes == "hub" if locker else not parcel.device
    code = pickup_code(parcel, facts) if with_code else ""
    kept = replace(
        parcel,
        notified=True,
        overdue=parcel.stored_at + OVERDUE_AFTER <= at,
        code_hash=facts.code_hash(parcel.id, code) if code else None,
    )
    effects: list[Effect] = [ParcelBecomes(kept, step)]
    if code and parcel.device and parcel.compartment:
        effects.append(SendCommand(_put_code(kept, code, facts, at, parcel.id)))
    return [*effects, *_notify(kept, "pickup", facts, at), *_reminders(kept, at)]


def _reminders(parcel: Parcel, at: datetime) -> list[Effect]:
    """Those still to come. Who hears of a parcel only now isn't reminded of it in the same minute."""
    effects: list[Effect] = []
    for wait, template in REMINDERS:
        due = parcel.stored_at + wait
        if due <= at and template == REMINDERS[-1][1]:
            due = at + REMINDERS[0][0]
        if due > at:
            key = f"reminder/{parcel.id}/{template}"
            deadline = Deadline(
                site=parcel.site, key=key, kind="reminder", lane="routine", due=due, record=parcel.id, set_at=at
            )
            effects.append(SetDeadline(deadline))
    return effects


def notify_late(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    """The locker's late run is over: the notice is about what is still true."""
    parcel = facts.parcels.get(deadline.record)
    if parcel is None or parcel.state != "stored" or parcel.notified:
        return []
    return received(parcel, facts, event.received, "filled")


def remind(event: Event, facts: Facts, deadline: Deadline) -> list[Effect]:
    parcel = facts.parcels.get(deadline.record)
    if parcel is None or parcel.state != "stored":
        return []
    template = deadline.key.rpartition("/")[2]
    step = replace(parcel, reminders=parcel.reminders + 1, overdue=parcel.overdue or template != REMINDERS[0][1])
    effects: list[Effect] = [ParcelBecomes(step, "filled"), *_notify(step, template, facts, event.received)]
    if template == REMINDERS[-1][1]:
        effects += raise_routine(
            event, facts, "parcel_overdue", "medium", f"parcel_overdue/{parcel.id}", details={"parcel": parcel.id}
        )
    return effects


def taken(event: ParcelCollected | ParcelWithdrawn, facts: Facts) -> list[Effect]:
    step: Literal["collected", "withdrawn"] = "collected" if isinstance(event, ParcelCollected) else "withdrawn"
    label = event.data.parcel
    if label and label.tracking and not facts.parcels_tracked(label.tracking):
        return [ParcelBecomes(_only_its_end(event, label, facts, step), step)]
    parcel = _meant(event, facts)
    if parcel is None or not newer(event.host, event.sequence, parcel):
        return []
    closed = replace(
        parcel,
        state=step,
        taken_at=event.at,
        taken_by=event.data.by,
        code_hash=None,
        host=event.host or "",
        sequence=event.sequence or 0,
    )
    return [ParcelBecomes(closed, step), *end_of_parcel(closed, facts, event.at)]


def _only_its_end(
    event: ParcelCollected | ParcelWithdrawn, label: ParcelLabel, facts: Facts, step: Literal["collected", "withdrawn"]
) -> Parcel:
    """Its beginning may be on its way: what a locker says again after a while is overtaken by what it says then."""
    return Parcel(
        id=facts.new_id(event.id, "parcel"),
        site=event.site,
        state=step,
        tracking=label.tracking,
        carrier=label.carrier or "",
        device=event.device,
        compartment=event.data.compartment or "",
        stored_at=event.at,
        told_at=event.time,
        taken_at=event.at,
        taken_by=event.data.by,
        by="",
        late=event.late,
        host=event.host or "",
        sequence=event.sequence or 0,
    )


def end_of_parcel(parcel: Parcel, facts: Facts, at: datetime) -> list[Effect]:
    effects: list[Effect] = [ClearDeadline(f"reminder/{parcel.id}/{template}") for _, template in REMINDERS]
    effects.append(ClearDeadline(f"notify/{parcel.id}"))
    for kind in ("parcel_overdue", "parcel_missing"):
        if alert := facts.alerts.get(f"{kind}/{parcel.id}"):
            done = replace(alert, source="quiet", quiet_at=at, handling="done", done_at=at)
            effects.append(AlertBecomes(done, "done"))
    return effects


def refused(event: PickupRefused, facts: Facts) -> list[Effect]:
    """A wrong code now and then is nobody's business; a locked one needs the desk."""
    if not event.data.locked_out:
        return []
    key = f"pickup_locked/{event.device}/{event.data.compartment or ''}"
    return raise_routine(event, facts, "pickup_locked", "medium", key, place=_compartment(event.data.compartment))


def compartment_condition(
    event: CompartmentLeftOpen | CompartmentOpenFailed | CompartmentForced | CompartmentFaulted, facts: Facts
) -> list[Effect]:
    kind = event.type.replace(".", "_")
    key = f"{kind}/{event.device}/{event.data.compartment}"
    if not event.data.active:
        return clear_alert(event, facts, key)
    severity: Severity = "high" if isinstance(event, CompartmentForced) else "medium"
    return raise_routine(event, facts, kind, severity, key, place=_compartment(event.data.compartment))


def compartment_moved(event: CompartmentOpened | CompartmentClosed, facts: Facts) -> list[Effect]:
    over = "compartment_open_failed" if isinstance(event, CompartmentOpened) else "compartment_left_open"
    return clear_alert(event, facts, f"{over}/{event.device}/{event.data.compartment}")


def pickup_code(parcel: Parcel, facts: Facts) -> str:
    """The hub's one-time code of a parcel: six digits, the same whenever it is asked for."""
    return facts.digits(parcel.id, "pickup", CODE_DIGITS)


def _put_code(parcel: Parcel, code: str, facts: Facts, at: datetime, cause: UUID | str) -> CommandRecord:
    expires = max(parcel.expires or parcel.stored_at + CODE_VALID, at + timedelta(hours=1))
    command = PutPickup(
        id=UUID(facts.new_id(cause, "pickup.put")),
        site=parcel.site,
        device=parcel.device,
        expires=expires,
        by="hub",
        why="parcel_stored",
        parcel=parcel.id,
        compartment=parcel.compartment,
        code=code,
        code_expires=expires,
    )
    return CommandRecord(command=command, record=parcel.id, created_at=at)


def remove_code(parcel: Parcel, facts: Facts, at: datetime) -> list[Effect]:
    """The locker forgets the code of a parcel that nobody shall collect any more."""
    if not (parcel.code_hash and parcel.compartment and parcel.device in facts.building.devices):
        return []
    command = RemovePickup(
        id=UUID(facts.new_id(parcel.id, "pickup.remove")),
        site=parcel.site,
        device=parcel.device,
        expires=at + timedelta(hours=24),
        by="hub",
        why="parcel_withdrawn",
        parcel=parcel.id,
        compartment=parcel.compartment,
    )
    return [SendCommand(CommandRecord(command=command, record=parcel.id, created_at=at))]


def _notify(parcel: Parcel, template: str, facts: Facts, at: datetime) -> list[Effect]:
    person = facts.people.get(parcel.person)
    language = language_of(person)
    device = facts.building.devices.get(parcel.device)
    post = facts.building.post_for("parcel")
    params = {
        "carrier": parcel.carrier,
        "tail": parcel.tracking[-4:],
        "locker": device.name.in_language(language) if device else "",
        "compartment": parcel.compartment,
        "post": "" if device or not post else post.name.in_language(language),
        "shelf": parcel.shelf,
        "code": pickup_code(parcel, facts) if parcel.code_hash else "",
        "until": rfc3339(parcel.expires) if parcel.expires else "",
    }
    return list(to_person(facts, template, parcel.id, params, at, person=person, phone=parcel.phone))


def _meant(event: ParcelCollected | ParcelWithdrawn, facts: Facts) -> Parcel | None:
    """The parcel with this number, else the latest in the compartment; never one that came there afterwards. One
    whose whereabouts nobody knew until now is meant too, if it was still there then; a number says that it was."""
    tracking = event.data.parcel.tracking if event.data.parcel else ""
    compartment = event.data.compartment or ""
    here = [p for p in facts.parcels.values() if p.device == event.device and _came_before(p, event)]
    named = [p for p in here if tracking == p.tracking != "" and (p.state == "stored" or p.taken_by == UNKNOWN)]
    placed = [
        p
        for p in here
        if not tracking and compartment == p.compartment != "" and (p.state == "stored" or _was_still_there(p, event))
    ]
    return max(named or placed, key=_began, default=None)


def _began(parcel: Parcel) -> datetime:
    return parcel.told_at or parcel.stored_at


def _came_before(parcel: Parcel, event: ParcelCollected | ParcelWithdrawn) -> bool:
    """By the locker's own times: those of the hub's clock, which may be set meanwhile, and late ones don't compare.
    Where the locker's clock was set back itself, what is said live is said after all that was written before it."""
    if _began(parcel) <= event.time:
        return True
    return not event.late and _began(parcel) - event.time > LATE_AFTER and newer(event.host, event.sequence, parcel)


def _was_still_there(parcel: Parcel, event: ParcelCollected | ParcelWithdrawn) -> bool:
    return parcel.taken_by == UNKNOWN and parcel.taken_at is not None and event.at <= parcel.taken_at


def _compartment(number: str | None) -> Place:
    return Place(label=number or "", listed=True)


def _deadline(event: Event, key: str, kind: str, due: datetime, record: str) -> Deadline:
    return Deadline(site=event.site, key=key, kind=kind, lane="routine", due=due, record=record, set_at=event.received)
