"""Parcels: list, one, take in at the desk, hand out, withdraw."""

from collections.abc import Callable
from typing import Any

from hub.console.acts import actor, made_by, note, perform
from hub.console.api.asks import HandOut, NewParcel, Nothing, ParcelFilter, Reason
from hub.console.api.models import Parcel, ParcelList, ParcelRevealed
from hub.console.api.route import Call, NotFound
from hub.console.desk import Desk
from hub.core import records as core
from hub.core.effects import Effect
from hub.core.facts import Facts
from hub.rules import acts
from hub.store import parcels, people
from hub.store.facts import Wanted


async def listing(call: Call[ParcelFilter, Nothing]) -> ParcelList:
    """Parcels, by when they were stored."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: parcels.listing(
            tx, desk.site, state=asked.state, overdue=asked.overdue, cursor=asked.cursor, limit=asked.limit
        )
    )
    return ParcelList(items=tuple(Parcel.of(parcel) for parcel in page.items), next=page.next, total=page.total)


async def one(call: Call[Nothing, Nothing]) -> Parcel:
    """One parcel."""
    return Parcel.of(await _parcel(call.desk, call.id))


async def take_in(call: Call[Nothing, NewParcel]) -> Parcel:
    """Take a parcel in at the desk, onto a shelf. Its recipient gets a pickup notice."""
    desk, signed = call.desk, call.signed
    form = acts.TakeInParcel(**call.body.model_dump())
    identity = made_by(desk, call.cause, "parcel")
    wanted = Wanted(
        parcels={identity},
        trackings={form.tracking},
        units={form.unit} - {""},
        phones={form.phone} - {""},
        people={form.person} - {""},
    )

    def act(facts: Facts) -> list[Effect]:
        return acts.take_in_parcel(facts, form, actor(signed), facts.now, call.cause)

    await perform(desk, signed, wanted, act, name="parcel.take_in", target=identity, act_id=call.act_id)
    return Parcel.of(await _parcel(desk, identity))


async def hand_out(call: Call[Nothing, HandOut]) -> Parcel:
    """Hand a parcel out, by its code or by two facts."""
    who, asked = actor(call.signed), call.body
    given = (asked.unit, asked.phone_tail, asked.tracking_tail)
    return await _step(
        call,
        "parcel.hand_out",
        lambda facts: acts.hand_out_parcel(
            facts, call.id, who, facts.now, code=asked.code, facts_given=given, by=asked.by
        ),
    )


async def withdraw(call: Call[Nothing, Reason]) -> Parcel:
    """Give a parcel back to its carrier, or take it away for another reason."""
    who, reason = actor(call.signed), call.body.reason
    return await _step(
        call, "parcel.withdraw", lambda facts: acts.withdraw_parcel(facts, call.id, reason, who, facts.now)
    )


async def reveal(call: Call[Nothing, Nothing]) -> ParcelRevealed:
    """Whose it is, in full. It is written to the audit log first."""
    desk = call.desk
    parcel = await _parcel(desk, call.id)
    await note(desk, call.signed, name="parcel.reveal", target=parcel.id)
    person = await desk.store.read(lambda tx: people.get(tx, desk.site, parcel.person)) if parcel.person else None
    name = person.name if person else ""
    return ParcelRevealed(id=parcel.id, tracking=parcel.tracking, name=name, phone=parcel.phone)


async def _step(call: Call[Any, Any], name: str, act: Callable[[Facts], list[Effect]]) -> Parcel:
    await _parcel(call.desk, call.id)
    wanted = Wanted(parcels={call.id})
    await perform(call.desk, call.signed, wanted, act, name=name, target=call.id, act_id=call.act_id)
    return Parcel.of(await _parcel(call.desk, call.id))


async def _parcel(desk: Desk, identity: str) -> core.Parcel:
    found = await desk.store.read(lambda tx: parcels.get(tx, desk.site, identity))
    if found is None:
        raise NotFound
    return found
