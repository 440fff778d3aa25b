"""What the desk does about visits."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from hub.core.effects import Effect, Refused, SendCommand, SetDeadline, VisitBecomes
from hub.core.facts import Facts
from hub.core.records import Deadline, Visit
from hub.core.text import rfc3339
from hub.rules.acts.actor import Actor, audit, check_when
from hub.rules.notices import to_person
from hub.rules.passes import pass_number, put_pass
from hub.rules.visits import end_of_visit


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
    check_when(form.happened_at, at)
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
        audit("visit.announce", visit.id, actor),
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
        if visit.answer == answer:
            return []
        raise Refused("visit.not_waiting", state=visit.state)
    answered = replace(visit, answer=answer, answered_by=actor.user)
    effects: list[Effect] = [VisitBecomes(answered, "answered", actor.user), audit(f"visit.{answer}", visit.id, actor)]
    match answer:
        case "agreed" if visit.state == "waiting":
            effects += _open(answered, actor, at, at)
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
    check_when(happened_at, at)
    visit = replace(visit, entered_later=visit.entered_later or happened_at is not None)
    return [*_open(visit, actor, happened_at or at, at), audit("visit.check_in", visit.id, actor)]


def check_out(
    facts: Facts, visit_id: str, actor: Actor, at: datetime, *, happened_at: datetime | None = None
) -> list[Effect]:
    visit = _visit(facts, visit_id)
    if visit.state == "departed":
        return []
    if visit.state != "open":
        raise Refused("visit.not_in", state=visit.state)
    check_when(happened_at, at)
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
        audit("visit.check_out", visit.id, actor),
    ]


def cancel_visit(facts: Facts, visit_id: str, actor: Actor, at: datetime) -> list[Effect]:
    visit = _visit(facts, visit_id)
    if visit.state == "cancelled":
        return []
    if visit.state not in ("expected", "waiting"):
        raise Refused("visit.not_waiting", state=visit.state)
    return [*_cancelled(visit, facts, actor, at), audit("visit.cancel", visit.id, actor)]


def _open(visit: Visit, actor: Actor, opened_at: datetime, at: datetime) -> list[Effect]:
    """Who lets a visitor in after the agreed end knows it: only an end to come is waited for."""
    opened = replace(visit, state="open", opened_at=opened_at)
    effects: list[Effect] = [VisitBecomes(opened, "opened", actor.user)]
    if visit.ends and visit.ends > at:
        deadline = Deadline(
            site=visit.site,
            key=f"overstay/{visit.id}",
            kind="overstay",
            lane="routine",
            due=visit.ends,
            record=visit.id,
            absence=True,
            set_at=at,
        )
        effects.append(SetDeadline(deadline))
    return effects


def _cancelled(visit: Visit, facts: Facts, actor: Actor, at: datetime) -> list[Effect]:
    cancelled = replace(visit, state="cancelled", departed_at=None)
    return [VisitBecomes(cancelled, "cancelled", actor.user), *end_of_visit(cancelled, facts, at)]


def _host(facts: Facts, unit: str) -> str:
    host = facts.recipient(phone=None, unit=unit, ref=None)
    return host.id if host else ""


def _visit(facts: Facts, identity: str) -> Visit:
    if identity not in facts.visits:
        raise Refused("visit.unknown")
    return facts.visits[identity]
