"""What a person does at the desk, as pure functions: facts and a form in, effects out. `Refused` says why not.

`cause` names the act: the same act sent twice makes the same records.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from hub.core.commands import Command, OpenCompartment, OpenDoor, SetClock
from hub.core.effects import (
    AlertBecomes,
    Audit,
    ClearDeadline,
    Effect,
    IncidentBecomes,
    ParcelBecomes,
    Refused,
    SendCommand,
    SetDeadline,
    VisitBecomes,
)
from hub.core.envelope import event_id
from hub.core.facts import Facts
from hub.core.fire_events import Emergency, EmergencyKind, EmergencyReported
from hub.core.records import (
    Alert,
    CommandRecord,
    Deadline,
    FalseCause,
    Incident,
    Parcel,
    Person,
    Verdict,
    Visit,
)
from hub.core.text import rfc3339
from hub.rules import emergencies, pickups
from hub.rules.notices import to_person
from hub.rules.passes import pass_number, put_pass
from hub.rules.visits import end_of_visit

COMMAND_VALID = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and where: a user's id, and a post's id or ""."""

    user: str
    post: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceVisit:
    """`arrived`: the visitor stands at the desk and waits for the host's answer. `kind` is visit, delivery, courier,
    agent, moving, renovation or another word of the property's."""

    name: str
    unit: str
    kind: str = "visit"
    phone: str = ""
    purpose: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    plate: str = ""
    items: str = ""
    id_seen: str = ""
    arrived: bool = False
    happened_at: datetime | None = None
    """entered later: when it really was"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeInParcel:
    tracking: str
    shelf: str
    carrier: str = ""
    unit: str = ""
    phone: str = ""
    person: str = ""
    size: str = ""
    happened_at: datetime | None = None


# visitors


def announce(facts: Facts, form: AnnounceVisit, actor: Actor, at: datetime, cause: str) -> list[Effect]:
    """A new visit: expected, or waiting when the visitor has arrived. Facts need the unit's people."""
    name, unit = form.name.strip(), form.unit.strip()
    if not name:
        raise Refused("visit.name_missing")
    if not unit:
        raise Refused("visit.unit_missing")
    if form.starts and form.ends and form.ends <= form.starts:
        raise Refused("visit.ends_before_it_starts")
    if form.ends and form.ends <= at and not form.happened_at:
        raise Refused("visit.is_over_already")
    identity = facts.new_id(cause, "visit")
    if identity in facts.visits:
        return []
    later = form.happened_at is not None
    visit = Visit(
        id=identity,
        site=facts.building.site.id,
        ref="8" + facts.digits(identity, "visitor", 8),
        state="waiting" if form.arrived else "expected",
        kind=form.kind,
        name=name,
        phone=form.phone.strip(),
        unit=unit,
        visited=_host(facts, unit),
        purpose=form.purpose,
        starts=form.starts,
        ends=form.ends,
        announced_at=form.happened_at or at,
        plate=form.plate,
        items=form.items,
        id_seen=form.id_seen,
        by=actor.user,
        entered_later=later,
    )
    effects: list[Effect] = [
        VisitBecomes(visit, "waiting" if form.arrived else "announced", actor.user),
        _audit("visit.announce", visit.id, actor),
    ]
    if later or form.arrived:
        return effects
    effects += [SendCommand(record) for record in put_pass(visit, facts, at)]
    params = {
        "code": pass_number(visit, facts),
        "from": rfc3339(visit.starts) if visit.starts else "",
        "until": rfc3339(visit.ends) if visit.ends else "",
    }
    return effects + list(to_person(facts, "visitor_code", visit.id, params, at, phone=visit.phone))


def answer_for_host(
    facts: Facts, visit_id: str, answer: Literal["agreed", "refused", "no_answer"], actor: Actor, at: datetime
) -> list[Effect]:
    """What the host said on the phone. Agreed lets the visitor in; refused ends the visit; no answer leaves it
    waiting."""
    visit = _visit(facts, visit_id)
    if visit.state not in ("expected", "waiting"):
        raise Refused("visit.not_waiting", state=visit.state)
    answered = replace(visit, answer=answer, answered_by=actor.user)
    effects: list[Effect] = [VisitBecomes(answered, "answered", actor.user), _audit(f"visit.{answer}", visit.id, actor)]
    match answer:
        case "agreed" if visit.state == "waiting":
            effects += _open(answered, facts, actor, at)
        case "refused":
            effects += _cancelled(answered, facts, actor, at)
        case _:
            pass
    return effects


def check_in(
    facts: Facts, visit_id: str, actor: Actor, at: datetime, *, happened_at: datetime | None = None
) -> list[Effect]:
    visit = _visit(facts, visit_id)
    if visit.state == "open":
        return []
    if visit.state not in ("expected", "waiting"):
        raise Refused("visit.is_over", state=visit.state)
    visit = replace(visit, entered_later=visit.entered_later or happened_at is not None)
    return [*_open(visit, facts, actor, happened_at or at), _audit("visit.check_in", visit.id, actor)]


def check_out(
    facts: Facts, visit_id: str, actor: Actor, at: datetime, *, happened_at: datetime | None = None
) -> list[Effect]:
    visit = _visit(facts, visit_id)
    if visit.state == "departed":
        return []
    if visit.state != "open":
        raise Refused("visit.not_in", state=visit.state)
    if happened_at and visit.opened_at and happened_at < visit.opened_at:
        raise Refused("visit.departed_before_it_came")
    departed = replace(
        visit,
        state="departed",
        departed_at=happened_at or at,
        entered_later=visit.entered_later or happened_at is not None,
    )
    return [
        VisitBecomes(departed, "departed", actor.user),
        *end_of_visit(departed, facts, at),
        _audit("visit.check_out", visit.id, actor),
    ]


def cancel_visit(facts: Facts, visit_id: str, actor: Actor, at: datetime) -> list[Effect]:
    visit = _visit(facts, visit_id)
    if visit.state == "cancelled":
        return []
    if visit.state not in ("expected", "waiting"):
        raise Refused("visit.not_waiting", state=visit.state)
    return [*_cancelled(visit, facts, actor, at), _audit("visit.cancel", visit.id, actor)]


def _open(visit: Visit, facts: Facts, actor: Actor, at: datetime) -> list[Effect]:
    opened = replace(visit, state="open", opened_at=at)
    effects: list[Effect] = [VisitBecomes(opened, "opened", actor.user)]
    if visit.ends:
        key = f"overstay/{visit.id}"
        effects.append(
            SetDeadline(
                Deadline(
                    site=visit.site,
                    key=key,
                    kind="overstay",
                    lane="routine",
                    due=visit.ends,
                    record=visit.id,
                    set_at=at,
                )
            )
        )
    return effects


def _cancelled(visit: Visit, facts: Facts, actor: Actor, at: datetime) -> list[Effect]:
    cancelled = replace(visit, state="cancelled", departed_at=None)
    return [VisitBecomes(cancelled, "cancelled", actor.user), *end_of_visit(cancelled, facts, at)]


# parcels


def take_in_parcel(facts: Facts, form: TakeInParcel, actor: Actor, at: datetime, cause: str) -> list[Effect]:
    """A parcel received at the desk onto a shelf. Facts need the recipient's unit or phone."""
    tracking, shelf = form.tracking.strip(), form.shelf.strip()
    if not tracking:
        raise Refused("parcel.tracking_missing")
    if not shelf:
        raise Refused("parcel.shelf_missing")
    if not (form.unit or form.phone or form.person):
        raise Refused("parcel.recipient_missing")
    if any(p.state == "stored" and p.id != facts.new_id(cause, "parcel") for p in facts.parcels_tracked(tracking)):
        raise Refused("parcel.is_here_already")
    identity = facts.new_id(cause, "parcel")
    if identity in facts.parcels:
        return []
    person = facts.recipient(phone=form.phone or None, unit=form.unit or None, ref=form.person or None)
    parcel = Parcel(
        id=identity,
        site=facts.building.site.id,
        state="stored",
        tracking=tracking,
        carrier=form.carrier.strip(),
        shelf=shelf,
        person=person.id if person else "",
        phone=form.phone or (person.phone if person else ""),
        unit=form.unit or (person.unit if person else ""),
        size=form.size,
        stored_at=form.happened_at or at,
        by=actor.user,
        entered_later=form.happened_at is not None,
    )
    taken_in = _audit("parcel.take_in", parcel.id, actor)
    if parcel.entered_later:
        return [ParcelBecomes(parcel, "stored", actor.user), taken_in]
    return [*pickups.received(parcel, facts, at), taken_in]


def hand_out_parcel(
    facts: Facts,
    parcel_id: str,
    actor: Actor,
    at: datetime,
    *,
    code: str = "",
    facts_given: tuple[str, ...] = (),
    by: Literal["recipient", "proxy", "staff"] = "recipient",
) -> list[Effect]:
    """Out with its pickup code, or with two facts of three: the unit, the phone's last four, the tracking number's
    last four."""
    parcel = _parcel(facts, parcel_id)
    if parcel.state == "collected":
        return []
    if parcel.state != "stored":
        raise Refused("parcel.not_here", state=parcel.state)
    if parcel.device:
        raise Refused("parcel.is_in_a_locker")
    if code:
        if parcel.code_hash is None or facts.code_hash(parcel.id, code.strip()) != parcel.code_hash:
            raise Refused("parcel.wrong_code")
    else:
        known = {fact for fact in (parcel.unit, parcel.phone[-4:], parcel.tracking[-4:].upper()) if fact}
        given = {fact.strip().upper() for fact in facts_given if fact.strip()}
        if len(known & given) < 2:
            raise Refused("parcel.two_facts_needed")
    collected = replace(parcel, state="collected", taken_at=at, taken_by=by, code_hash=None)
    return [
        ParcelBecomes(collected, "collected", actor.user),
        *pickups.end_of_parcel(collected, facts, at),
        _audit("parcel.hand_out", parcel.id, actor, by=by, proof="code" if code else "two_facts"),
    ]


def withdraw_parcel(facts: Facts, parcel_id: str, reason: str, actor: Actor, at: datetime) -> list[Effect]:
    """Given back to the carrier, or taken away for another reason that is said."""
    parcel = _parcel(facts, parcel_id)
    if parcel.state == "withdrawn":
        return []
    if parcel.state != "stored":
        raise Refused("parcel.not_here", state=parcel.state)
    if not reason.strip():
        raise Refused("reason_missing")
    withdrawn = replace(parcel, state="withdrawn", taken_at=at, taken_by="staff", code_hash=None)
    return [
        ParcelBecomes(withdrawn, "withdrawn", actor.user),
        *pickups.end_of_parcel(withdrawn, facts, at),
        _audit("parcel.withdraw", parcel.id, actor, reason=reason.strip()[:200]),
    ]


# incidents and alerts


def answer_incident(facts: Facts, incident_id: str, actor: Actor, at: datetime) -> list[Effect]:
    """接警: someone has heard it; the sound stops, and three minutes run to the verdict."""
    incident = _incident(facts, incident_id)
    if incident.state != "unanswered":
        return []
    answered = replace(incident, state="answered", answered_at=at, answered_by=actor.user)
    effects: list[Effect] = [IncidentBecomes(answered, "answered", actor.user)]
    effects += [ClearDeadline(f"ladder/{incident.id}/{rung}") for rung in range(1, len(emergencies.LADDER) + 1)]
    for alert in facts.alerts_of(incident.id):
        if alert.handling == "unanswered":
            effects.append(AlertBecomes(replace(alert, handling="taken", owner=actor.user), "answered", actor.user))
    if incident.kind in ("fire", "evacuation") and not incident.late and not incident.treated_as_real:
        key = f"verify/{incident.id}"
        due = at + emergencies.VERIFY_WITHIN
        effects.append(
            SetDeadline(
                Deadline(
                    site=incident.site, key=key, kind="verify", lane="life", due=due, record=incident.id, set_at=at
                )
            )
        )
    return [*effects, _audit("incident.answer", incident.id, actor)]


def judge_incident(
    facts: Facts, incident_id: str, verdict: Verdict, cause: FalseCause | Literal[""], actor: Actor, at: datetime
) -> list[Effect]:
    """What a person found. It closes the incident as soon as its source is quiet too."""
    incident = _incident(facts, incident_id)
    if verdict == "false" and not cause:
        raise Refused("incident.cause_missing")
    judged = replace(
        incident,
        state="judged",
        answered_at=incident.answered_at or at,
        answered_by=incident.answered_by or actor.user,
        judged_at=at,
        judged_by=actor.user,
        verdict=verdict,
        cause=cause if verdict == "false" else "",
    )
    effects: list[Effect] = [
        IncidentBecomes(judged, "judged", actor.user),
        ClearDeadline(f"verify/{incident.id}"),
        *[ClearDeadline(f"ladder/{incident.id}/{rung}") for rung in range(1, len(emergencies.LADDER) + 1)],
        _audit("incident.judge", incident.id, actor, verdict=verdict, cause=judged.cause),
    ]
    if judged.source == "quiet":
        effects += emergencies.settle(judged, facts.alerts_of(incident.id), at)
    return effects


def report_emergency(
    facts: Facts,
    kind: EmergencyKind,
    place: str,
    actor: Actor,
    at: datetime,
    cause: str,
    *,
    text: str = "",
    reporter: str = "",
    phone: str = "",
) -> EmergencyReported:
    """人工报警: an event like a device's; the caller has it decided by the rules, in the same transaction."""
    if not place.strip():
        raise Refused("emergency.place_missing")
    site = facts.building.site.id
    source = f"/sites/{site}/posts/{actor.post}" if actor.post else f"/sites/{site}/hub"
    return EmergencyReported(
        id=event_id(at, site=site, device="", type_name="emergency.reported", subject=None, record=cause),
        source=source,
        time=at,
        received=at,
        lane="life",
        clock="hub",
        data=Emergency(
            kind=kind,
            place=place.strip(),
            text=text.strip(),
            reporter=reporter.strip() or None,
            phone=phone.strip() or None,
        ),
    )


def take_alert(facts: Facts, alert_id: str, actor: Actor, at: datetime) -> list[Effect]:
    """收到: this person deals with it; it stays, with owner and age, until it is done."""
    alert = _alert(facts, alert_id)
    if alert.handling == "taken" and alert.owner == actor.user:
        return []
    taken = replace(alert, handling="taken", owner=actor.user)
    return [AlertBecomes(taken, "answered", actor.user), _audit("alert.take", alert.id, actor)]


def finish_alert(facts: Facts, alert_id: str, actor: Actor, at: datetime, *, note: str = "") -> list[Effect]:
    """Done with. A life alert is ended by its incident's verdict, not here; one whose source is active comes again
    when the source says so again."""
    alert = _alert(facts, alert_id)
    if alert.incident:
        raise Refused("alert.belongs_to_an_incident")
    details = {**alert.details, "note": note.strip()[:500]} if note.strip() else alert.details
    done = replace(alert, handling="done", done_at=at, owner=alert.owner or actor.user, details=details)
    return [
        AlertBecomes(done, "done", actor.user),
        ClearDeadline(f"fade/{alert.key}"),
        _audit("alert.finish", alert.id, actor),
    ]


# devices


def command_device(
    facts: Facts,
    device: str,
    what: Literal["door.open", "compartment.open", "device.set_clock"],
    point: str,
    reason: str,
    actor: Actor,
    at: datetime,
    cause: str,
) -> list[Effect]:
    """Open a door or a compartment, set a clock. An opening says why."""
    if device not in facts.building.devices:
        raise Refused("device.unknown")
    if what != "device.set_clock" and not reason.strip():
        raise Refused("reason_missing")
    identity = UUID(facts.new_id(cause, what))
    expires = at + COMMAND_VALID
    site, by, why = facts.building.site.id, actor.user, reason.strip()[:500]
    command: Command
    match what:
        case "door.open":
            command = OpenDoor(
                id=identity, site=site, device=device, expires=expires, by=by, why=why, door=point or "1"
            )
        case "compartment.open":
            command = OpenCompartment(
                id=identity, site=site, device=device, expires=expires, by=by, why=why, compartment=point
            )
        case "device.set_clock":
            if _alarm_open(facts, device):
                raise Refused("device.alarm_open")
            command = SetClock(id=identity, site=site, device=device, expires=expires, by=by, why=why)
    return [
        SendCommand(CommandRecord(command=command, created_at=at)),
        _audit(what, f"{device}/{point}" if point else device, actor, command=str(identity), reason=why[:200]),
    ]


def _alarm_open(facts: Facts, device: str) -> bool:
    return any(a.device == device and a.key.startswith("fire.alarm/") for a in facts.alerts.values())


# what they share


def _audit(act: str, target: str, actor: Actor, **details: str) -> Audit:
    return Audit(act, target, actor.user, actor.post, details)


def _host(facts: Facts, unit: str) -> str:
    host: Person | None = facts.recipient(phone=None, unit=unit, ref=None)
    return host.id if host else ""


def _visit(facts: Facts, identity: str) -> Visit:
    if identity not in facts.visits:
        raise Refused("visit.unknown")
    return facts.visits[identity]


def _parcel(facts: Facts, identity: str) -> Parcel:
    if identity not in facts.parcels:
        raise Refused("parcel.unknown")
    return facts.parcels[identity]


def _incident(facts: Facts, identity: str) -> Incident:
    if identity not in facts.incidents:
        raise Refused("incident.is_done")
    return facts.incidents[identity]


def _alert(facts: Facts, identity: str) -> Alert:
    found = next((alert for alert in facts.alerts.values() if alert.id == identity), None)
    if found is None:
        raise Refused("alert.is_done")
    return found
