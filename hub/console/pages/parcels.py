"""Parcels: the list, one parcel, taking in at the desk, handing out by code or two facts, giving back."""

from typing import get_args

from aiohttp import web

from hub.console.acts import actor, made_by, note, perform
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import asked, form_of, paging_urls
from hub.console.render import Shown, fragment, page, wants_part
from hub.console.signed import SIGNED
from hub.console.words import Words
from hub.core.effects import Effect
from hub.core.facts import Facts
from hub.core.records import Notice, Parcel, ParcelState
from hub.rules import acts
from hub.store import outbox, parcels
from hub.store.database import Transaction
from hub.store.facts import Wanted
from hub.store.paging import Page

_STATES: dict[str, tuple[ParcelState, ...]] = {state: (state,) for state in get_args(ParcelState)}


async def parcels_page(request: web.Request) -> web.Response:
    """GET /parcels"""
    desk = request.app[DESK]
    state, wanted, overdue = asked(request, "state"), asked(request, "text"), asked(request, "overdue") == "yes"

    def read(tx: Transaction) -> tuple[Page[Parcel], tuple[Parcel, ...]]:
        cursor = request.query.get("cursor")
        listed = parcels.listing(
            tx, desk.site, state=_STATES.get(state, ()), text=wanted, overdue=overdue, cursor=cursor, limit=50
        )
        return listed, parcels.listing(tx, desk.site, limit=1).items

    listed, last = await desk.store.read(read)
    values: Shown = {
        "list": listed,
        "urls": paging_urls(request, listed),
        "last_at": last[0].stored_at if last else None,
    }
    if wants_part(request):
        return fragment(request, "part/parcels_list.html", **values)
    t = Words(request[SIGNED].language)
    states = [("", t("list.all")), *((name, t(f"parcel.state.{name}")) for name in _STATES)]
    return await page(request, "parcels.html", **values, states=states, state=state, wanted=wanted, overdue=overdue)


async def parcel_page(request: web.Request) -> web.Response:
    """GET /parcels/{id}"""
    desk, parcel = request.app[DESK], await _parcel(request)

    def read(tx: Transaction) -> tuple[Notice, ...]:
        return outbox.notice_listing(tx, desk.site, record=parcel.id, limit=10).items

    return await page(request, "parcel.html", parcel=parcel, notices=await desk.store.read(read))


async def reveal(request: web.Request) -> web.Response:
    """POST /parcels/{id}/reveal: the recipient's phone in full, written down first."""
    parcel = await _parcel(request)
    await note(request.app[DESK], request[SIGNED], name="parcel.reveal", target=parcel.id)
    return fragment(request, "part/revealed.html", name=parcel.unit, phone=parcel.phone, email="")


async def take_in(request: web.Request) -> web.Response:
    """POST /parcels: a parcel received at the desk."""
    signed, form = request[SIGNED], await form_of(request)
    wish = acts.TakeInParcel(
        tracking=form.needed("tracking", 60),
        shelf=form.needed("shelf", 40),
        carrier=form.text("carrier", 40),
        unit=form.text("unit", 60),
        phone=form.text("phone", 30),
        person=form.text("visited"),
    )
    cause = form.act_id
    wanted = Wanted(
        parcels={made_by(request.app[DESK], cause, "parcel")},
        trackings={wish.tracking},
        units={wish.unit} - {""},
        phones={wish.phone} - {""},
        people={wish.person} - {""},
    )

    def act(facts: Facts) -> list[Effect]:
        return acts.take_in_parcel(facts, wish, actor(signed), facts.now, cause)

    await perform(request.app[DESK], signed, wanted, act, name="parcel.take_in", target="", act_id=cause)
    return await acted(request, "said.parcel.take_in")


async def hand_out(request: web.Request) -> web.Response:
    """POST /parcels/{id}/hand-out: with its code, or with two facts of three."""
    signed, form, parcel = request[SIGNED], await form_of(request), request.match_info["id"]
    facts_given = tuple(form.text(name, 60) for name in ("unit", "phone_tail", "tracking_tail"))

    def act(facts: Facts) -> list[Effect]:
        return acts.hand_out_parcel(
            facts,
            parcel,
            actor(signed),
            facts.now,
            code=form.text("code", 12),
            facts_given=facts_given,
            by="proxy" if form.text("proxy") == "yes" else "recipient",
        )

    wanted = Wanted(parcels={parcel})
    await perform(request.app[DESK], signed, wanted, act, name="parcel.hand_out", target=parcel, act_id=form.act_id)
    return await acted(request, "said.parcel.hand_out", go=f"/parcels/{parcel}")


async def withdraw(request: web.Request) -> web.Response:
    """POST /parcels/{id}/withdraw: given back to the carrier, or taken away for another reason."""
    signed, form, parcel = request[SIGNED], await form_of(request), request.match_info["id"]
    reason = form.needed("reason")

    def act(facts: Facts) -> list[Effect]:
        return acts.withdraw_parcel(facts, parcel, reason, actor(signed), facts.now)

    wanted = Wanted(parcels={parcel})
    await perform(request.app[DESK], signed, wanted, act, name="parcel.withdraw", target=parcel, act_id=form.act_id)
    return await acted(request, "said.parcel.withdraw", go=f"/parcels/{parcel}")


async def _parcel(request: web.Request) -> Parcel:
    desk = request.app[DESK]
    found = await desk.store.read(lambda tx: parcels.get(tx, desk.site, request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return found
