"""Incidents and alerts: answering, the verdict, what people report, and taking or finishing a routine alert."""

from typing import Literal, get_args

from aiohttp import web

from hub.console.acts import actor, perform, report_emergency
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import form_of
from hub.console.render import page
from hub.console.signed import SIGNED
from hub.core.effects import Effect, Refused
from hub.core.facts import Facts
from hub.core.fire_events import EmergencyKind
from hub.core.records import Alert, FalseCause, Incident, Verdict
from hub.rules import acts
from hub.store import incidents
from hub.store.database import Transaction
from hub.store.events import StoredEvent
from hub.store.facts import Wanted

_VERDICTS: dict[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
_CAUSES: dict[str, FalseCause] = {cause: cause for cause in get_args(FalseCause)}
_KINDS: dict[str, EmergencyKind] = {kind: kind for kind in get_args(EmergencyKind)}


async def incident_page(request: web.Request) -> web.Response:
    """GET /incidents/{id}: its points and its history."""
    desk, identity = request.app[DESK], request.match_info["id"]

    def read(tx: Transaction) -> tuple[Incident | None, list[Alert], list[StoredEvent]]:
        return (
            incidents.get(tx, desk.site, identity),
            incidents.alerts_of(tx, desk.site, identity),
            incidents.timeline(tx, desk.site, identity),
        )

    incident, alerts, timeline = await desk.store.read(read)
    if incident is None:
        raise web.HTTPNotFound
    return await page(request, "incident.html", incident=incident, alerts=alerts, timeline=timeline)


async def answer(request: web.Request) -> web.Response:
    """POST /incidents/{id}/answer: 接警."""
    signed, form, incident = request[SIGNED], await form_of(request), request.match_info["id"]

    def act(facts: Facts) -> list[Effect]:
        return acts.answer_incident(facts, incident, actor(signed), facts.now)

    await perform(request.app[DESK], signed, Wanted(), act, name="incident.answer", target=incident, act_id=form.act_id)
    return await acted(request, "said.incident.answer")


async def judge(request: web.Request) -> web.Response:
    """POST /incidents/{id}/judge: real, false with a cause, or test."""
    signed, form, incident = request[SIGNED], await form_of(request), request.match_info["id"]
    verdict = _VERDICTS.get(form.text("verdict"))
    if verdict is None:
        raise Refused("refused.field_missing", field="verdict")
    cause: FalseCause | Literal[""] = _CAUSES.get(form.text("cause"), "")

    def act(facts: Facts) -> list[Effect]:
        return acts.judge_incident(facts, incident, verdict, cause, actor(signed), facts.now)

    await perform(request.app[DESK], signed, Wanted(), act, name="incident.judge", target=incident, act_id=form.act_id)
    return await acted(request, f"said.judged.{verdict}")


async def report(request: web.Request) -> web.Response:
    """POST /emergencies: 人工报警."""
    form = await form_of(request)
    await report_emergency(
        request.app[DESK],
        request[SIGNED],
        kind=_KINDS.get(form.text("kind"), "other"),
        place=form.needed("place"),
        text=form.text("text", 1000),
        reporter=form.text("reporter", 80),
        phone=form.text("phone", 30),
        act_id=form.act_id,
    )
    return await acted(request, "said.reported", go="/")


async def take_alert(request: web.Request) -> web.Response:
    """POST /alerts/{id}/take"""
    signed, form, alert = request[SIGNED], await form_of(request), request.match_info["id"]

    def act(facts: Facts) -> list[Effect]:
        return acts.take_alert(facts, alert, actor(signed), facts.now)

    await perform(request.app[DESK], signed, Wanted(), act, name="alert.take", target=alert, act_id=form.act_id)
    return await acted(request, "said.alert.take")


async def finish_alert(request: web.Request) -> web.Response:
    """POST /alerts/{id}/finish"""
    signed, form, alert = request[SIGNED], await form_of(request), request.match_info["id"]

    def act(facts: Facts) -> list[Effect]:
        return acts.finish_alert(facts, alert, actor(signed), facts.now, note=form.text("note", 500))

    await perform(request.app[DESK], signed, Wanted(), act, name="alert.finish", target=alert, act_id=form.act_id)
    return await acted(request, "said.alert.finish")
