"""Visits: list, one, announce, let in and out, answer for the host, cancel."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hub.console.acts import actor, made_by, note, perform
from hub.console.api.asks import HostsAnswer, Moment, NewVisit, Nothing, VisitFilter
from hub.console.api.models import Visit, VisitList, VisitRevealed
from hub.console.api.route import Call, NotFound
from hub.console.desk import Desk
from hub.core import records as core
from hub.core.effects import Effect
from hub.core.facts import Facts
from hub.rules import acts
from hub.store import visits
from hub.store.facts import Wanted


async def listing(call: Call[VisitFilter, Nothing]) -> VisitList:
    """Visits, by when they were opened, begin or were announced."""
    desk, asked = call.desk, call.query
    day = None
    if asked.day is not None:
        first = datetime.combine(asked.day, time(), desk.zone)
        day = (
            first.astimezone(UTC),
            datetime.combine(asked.day + timedelta(days=1), time(), desk.zone).astimezone(UTC),
        )
    page = await desk.store.read(
        lambda tx: visits.listing(
            tx, desk.site, state=asked.state, day=day, overstay=asked.overstay, cursor=asked.cursor, limit=asked.limit
        )
    )
    return VisitList(items=tuple(Visit.of(visit) for visit in page.items), next=page.next, total=page.total)


async def one(call: Call[Nothing, Nothing]) -> Visit:
    """One visit."""
    return Visit.of(await _visit(call.desk, call.id))


async def announce(call: Call[Nothing, NewVisit]) -> Visit:
    """Announce a visitor, or register one who has arrived."""
    desk, signed, asked = call.desk, call.signed, call.body
    wish = acts.AnnounceVisit(**asked.model_dump(by_alias=False))
    identity = made_by(desk, call.cause, "visit")
    wanted = Wanted(visits={identity}, units={wish.unit}, phones={wish.phone} - {""})

    def act(facts: Facts) -> list[Effect]:
        return acts.announce(facts, wish, actor(signed), facts.now, call.cause)

    await perform(desk, signed, wanted, act, name="visit.announce", target=identity, act_id=call.act_id)
    return Visit.of(await _visit(desk, identity))


async def answer(call: Call[Nothing, HostsAnswer]) -> Visit:
    """What the host said on the phone: agreed lets the visitor in, refused ends the visit."""
    who, given = actor(call.signed), call.body.answer
    return await _step(
        call, f"visit.{given}", lambda facts: acts.answer_for_host(facts, call.id, given, who, facts.now)
    )


async def check_in(call: Call[Nothing, Moment]) -> Visit:
    """Let the visitor in."""
    who, moment = actor(call.signed), call.body.happened_at
    return await _step(
        call, "visit.check_in", lambda facts: acts.check_in(facts, call.id, who, facts.now, happened_at=moment)
    )


async def check_out(call: Call[Nothing, Moment]) -> Visit:
    """The visitor has left."""
    who, moment = actor(call.signed), call.body.happened_at
    return await _step(
        call, "visit.check_out", lambda facts: acts.check_out(facts, call.id, who, facts.now, happened_at=moment)
    )


async def cancel(call: Call[Nothing, Nothing]) -> Visit:
    """The visit doesn't take place."""
    who = actor(call.signed)
    return await _step(call, "visit.cancel", lambda facts: acts.cancel_visit(facts, call.id, who, facts.now))


async def reveal(call: Call[Nothing, Nothing]) -> VisitRevealed:
    """The visitor's name and numbers in full. It is written to the audit log first."""
    visit = await _visit(call.desk, call.id)
    await note(call.desk, call.signed, name="visit.reveal", target=visit.id)
    return VisitRevealed.model_validate(visit)


async def _step(call: Call[Any, Any], name: str, act: Callable[[Facts], list[Effect]]) -> Visit:
    await _visit(call.desk, call.id)
    wanted = Wanted(visits={call.id})
    await perform(call.desk, call.signed, wanted, act, name=name, target=call.id, act_id=call.act_id)
    return Visit.of(await _visit(call.desk, call.id))


async def _visit(desk: Desk, identity: str) -> core.Visit:
    found = await desk.store.read(lambda tx: visits.get(tx, desk.site, identity))
    if found is None:
        raise NotFound
    return found
