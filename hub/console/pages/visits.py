"""Visitors: the list, one visit, and announcing, letting in and out, answering for the host, cancelling."""

from collections.abc import Callable
from datetime import datetime
from typing import get_args

from aiohttp import web

from hub.console.acts import actor, made_by, note, perform
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import asked, form_of, paging_urls
from hub.console.render import VISIT_KINDS, Shown, fragment, page, wants_part
from hub.console.signed import SIGNED
from hub.console.words import Words
from hub.core.effects import Effect, Refused
from hub.core.facts import Facts
from hub.core.records import Visit, VisitState
from hub.rules import acts
from hub.store import visits
from hub.store.database import Transaction
from hub.store.facts import Wanted
from hub.store.paging import Page

_STATES: dict[str, tuple[VisitState, ...]] = {
    "now": ("expected", "waiting", "open"),
    **{state: (state,) for state in get_args(VisitState)},
}


async def visits_page(request: web.Request) -> web.Response:
    """GET /visits"""
    desk = request.app[DESK]
    state, wanted = asked(request, "state"), asked(request, "text")

    def read(tx: Transaction) -> tuple[Page[Visit], tuple[Visit, ...]]:
        cursor = request.query.get("cursor")
        overstay = state == "overstay"
        listed = visits.listing(
            tx, desk.site, state=_STATES.get(state, ()), text=wanted, overstay=overstay, cursor=cursor, limit=50
        )
        return listed, visits.listing(tx, desk.site, limit=1).items

    listed, last = await desk.store.read(read)
    values: Shown = {
        "list": listed,
        "urls": paging_urls(request, listed),
        "last_at": last[0].announced_at if last else None,
    }
    if wants_part(request):
        return fragment(request, "part/visits_list.html", **values)
    t = Words(request[SIGNED].language)
    states = [("", t("list.all")), *((name, t(f"visit.state.{name}")) for name in (*_STATES, "overstay"))]
    return await page(request, "visits.html", **values, states=states, state=state, wanted=wanted)


async def visit_page(request: web.Request) -> web.Response:
    """GET /visits/{id}"""
    return await page(request, "visit.html", visit=await _visit(request))


async def reveal(request: web.Request) -> web.Response:
    """POST /visits/{id}/reveal: name and phone in full, written down first."""
    visit = await _visit(request)
    await note(request.app[DESK], request[SIGNED], name="visit.reveal", target=visit.id)
    return fragment(request, "part/revealed.html", name=visit.name, phone=visit.phone, email="")


async def announce(request: web.Request) -> web.Response:
    """POST /visits"""
    desk, signed, form = request.app[DESK], request[SIGNED], await form_of(request)
    kind = form.text("kind") or "visit"
    wish = acts.AnnounceVisit(
        name=form.needed("name", 80),
        unit=form.needed("unit", 60),
        kind=kind if kind in VISIT_KINDS else "other",
        phone=form.text("phone", 30),
        purpose=form.needed("purpose"),
        starts=form.moment("starts"),
        ends=form.moment("ends"),
        plate=form.text("plate", 20),
        arrived=form.text("waiting") == "yes",
    )
    cause = form.act_id
    wanted = Wanted(visits={made_by(desk, cause, "visit")}, units={wish.unit}, phones={wish.phone} - {""})

    def act(facts: Facts) -> list[Effect]:
        return acts.announce(facts, wish, actor(signed), facts.now, cause)

    await perform(desk, signed, wanted, act, name="visit.announce", target="", act_id=cause)
    return await acted(request, "said.announced")


async def answer(request: web.Request) -> web.Response:
    """POST /visits/{id}/answer: what the host said on the phone."""
    given = (await form_of(request)).text("answer")
    match given:
        case "agreed" | "refused" | "no_answer":
            return await _step(
                request,
                f"visit.{given}",
                lambda facts, visit, at: acts.answer_for_host(facts, visit, given, actor(request[SIGNED]), at),
            )
        case _:
            raise Refused("refused.field_missing", field="answer")


async def check_in(request: web.Request) -> web.Response:
    who = actor(request[SIGNED])
    return await _step(request, "visit.check_in", lambda facts, visit, at: acts.check_in(facts, visit, who, at))


async def check_out(request: web.Request) -> web.Response:
    who = actor(request[SIGNED])
    return await _step(request, "visit.check_out", lambda facts, visit, at: acts.check_out(facts, visit, who, at))


async def cancel(request: web.Request) -> web.Response:
    who = actor(request[SIGNED])
    return await _step(request, "visit.cancel", lambda facts, visit, at: acts.cancel_visit(facts, visit, who, at))


async def _step(request: web.Request, name: str, step: Callable[[Facts, str, datetime], list[Effect]]) -> web.Response:
    visit, form = request.match_info["id"], await form_of(request)
    await perform(
        request.app[DESK],
        request[SIGNED],
        Wanted(visits={visit}),
        lambda facts: step(facts, visit, facts.now),
        name=name,
        target=visit,
        act_id=form.act_id,
    )
    return await acted(request, f"said.{name}")


async def _visit(request: web.Request) -> Visit:
    desk = request.app[DESK]
    found = await desk.store.read(lambda tx: visits.get(tx, desk.site, request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return found
