"""What the desk does about parcels."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from hub.core.effects import Effect, ParcelBecomes, Refused
from hub.core.facts import Facts
from hub.core.records import Parcel
from hub.rules import pickups
from hub.rules.acts.actor import Actor, audit, check_when


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


def take_in_parcel(facts: Facts, form: TakeInParcel, actor: Actor, at: datetime, cause: str) -> list[Effect]:
    """A parcel received at the desk onto a shelf. Facts need the recipient's unit or phone."""
    tracking, shelf = form.tracking.strip(), form.shelf.strip()
    if not tracking:
        raise Refused("parcel.tracking_missing")
    if not shelf:
        raise Refused("parcel.shelf_missing")
    if not (form.unit or form.phone or form.person):
        raise Refused("parcel.recipient_missing")
    check_when(form.happened_at, at)
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
    taken_in = audit("parcel.take_in", parcel.id, actor)
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
        kept = parcel.code_hash or b""
        if not hmac.compare_digest(facts.code_hash(parcel.id, code.strip()), kept):
            raise Refused("parcel.wrong_code")
    else:
        known = {fact.upper() for fact in (parcel.unit, parcel.phone[-4:], parcel.tracking[-4:]) if fact}
        given = {fact.strip().upper() for fact in facts_given if fact.strip()}
        if len(known & given) < 2:
            raise Refused("parcel.two_facts_needed")
    collected = replace(parcel, state="collected", taken_at=at, taken_by=by, code_hash=None)
    return [
        ParcelBecomes(collected, "collected", actor.user),
        *pickups.end_of_parcel(collected, facts, at),
        audit("parcel.hand_out", parcel.id, actor, by=by, proof="code" if code else "two_facts"),
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
        *pickups.remove_code(parcel, facts, at),
        audit("parcel.withdraw", parcel.id, actor, reason=reason.strip()[:200]),
    ]


def _parcel(facts: Facts, identity: str) -> Parcel:
    if identity not in facts.parcels:
        raise Refused("parcel.unknown")
    return facts.parcels[identity]
