"""Incidents and alerts: lists, one whole, answer and verdict, what people report, taking and finishing."""

from collections.abc import Callable
from typing import Any

from hub.console.acts import actor, note, perform, report_emergency
from hub.console.api.asks import AlertFilter, IncidentFilter, Judgement, NewIncident, Nothing, Remark
from hub.console.api.models import Alert, AlertList, AlertRevealed, EventRecord, Incident, IncidentList, IncidentWhole
from hub.console.api.route import Call, NotFound
from hub.console.desk import Desk
from hub.core import records as core
from hub.core.effects import AlertBecomes, Effect
from hub.core.facts import Facts
from hub.rules import acts
from hub.store import incidents
from hub.store.database import Transaction
from hub.store.facts import Wanted

# incidents


async def incident_listing(call: Call[IncidentFilter, Nothing]) -> IncidentList:
    """Incidents, by when they were opened."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: incidents.listing(tx, desk.site, state=asked.state, cursor=asked.cursor, limit=asked.limit)
    )
    return IncidentList(items=tuple(Incident.of(each) for each in page.items), next=page.next, total=page.total)


async def incident(call: Call[Nothing, Nothing]) -> IncidentWhole:
    """One incident with its alerts and its history."""
    return await _incident(call.desk, call.id)


async def report(call: Call[Nothing, NewIncident]) -> IncidentWhole:
    """Report an emergency (人工报警). It is decided like an alarm of a device, and may join an incident that is open at
    that place."""
    asked = call.body
    done = await report_emergency(
        call.desk,
        call.signed,
        kind=asked.kind,
        place=asked.place,
        text=asked.text,
        reporter=asked.reporter,
        phone=asked.phone,
        act_id=call.act_id,
    )
    raised = next(effect.alert for effect in done if isinstance(effect, AlertBecomes))
    return await _incident(call.desk, raised.incident)


async def answer(call: Call[Nothing, Nothing]) -> IncidentWhole:
    """Answer an incident (接警): someone has heard it, the sound stops."""
    who = actor(call.signed)
    return await _step(call, "incident.answer", lambda facts: acts.answer_incident(facts, call.id, who, facts.now))


async def judge(call: Call[Nothing, Judgement]) -> IncidentWhole:
    """Give the verdict. It closes the incident as soon as its source is quiet too."""
    who, asked = actor(call.signed), call.body
    return await _step(
        call,
        "incident.judge",
        lambda facts: acts.judge_incident(facts, call.id, asked.verdict, asked.cause, who, facts.now),
    )


async def _step(call: Call[Any, Any], name: str, act: Callable[[Facts], list[Effect]]) -> IncidentWhole:
    await _incident(call.desk, call.id)
    await perform(call.desk, call.signed, Wanted(), act, name=name, target=call.id, act_id=call.act_id)
    return await _incident(call.desk, call.id)


async def _incident(desk: Desk, identity: str) -> IncidentWhole:
    def read(tx: Transaction) -> IncidentWhole:
        found = incidents.get(tx, desk.site, identity)
        if found is None:
            raise NotFound
        return IncidentWhole(
            **Incident.of(found).model_dump(),
            alerts=tuple(Alert.of(alert) for alert in incidents.alerts_of(tx, desk.site, identity)),
            timeline=tuple(EventRecord.of(stored) for stored in incidents.timeline(tx, desk.site, identity)),
        )

    return await desk.store.read(read)


# alerts


async def alert_listing(call: Call[AlertFilter, Nothing]) -> AlertList:
    """Alerts, by when they were raised."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: incidents.alert_listing(
            tx, desk.site, handling=asked.handling, kind=asked.kind, cursor=asked.cursor, limit=asked.limit
        )
    )
    return AlertList(items=tuple(Alert.of(each) for each in page.items), next=page.next, total=page.total)


async def alert(call: Call[Nothing, Nothing]) -> Alert:
    """One alert."""
    return Alert.of(await _alert(call.desk, call.id))


async def take(call: Call[Nothing, Nothing]) -> Alert:
    """Take an alert (收到): this user or program deals with it."""
    who = actor(call.signed)
    return await _alert_step(call, "alert.take", lambda facts: acts.take_alert(facts, call.id, who, facts.now))


async def finish(call: Call[Nothing, Remark]) -> Alert:
    """Done with an alert. One that belongs to an incident is ended by its verdict."""
    who, remark = actor(call.signed), call.body.note
    return await _alert_step(
        call, "alert.finish", lambda facts: acts.finish_alert(facts, call.id, who, facts.now, note=remark)
    )


async def reveal(call: Call[Nothing, Nothing]) -> AlertRevealed:
    """Who reported it, in full. It is written to the audit log first."""
    found = await _alert(call.desk, call.id)
    await note(call.desk, call.signed, name="alert.reveal", target=found.id)
    return AlertRevealed.model_validate(found)


async def _alert_step(call: Call[Any, Any], name: str, act: Callable[[Facts], list[Effect]]) -> Alert:
    await _alert(call.desk, call.id)
    await perform(call.desk, call.signed, Wanted(), act, name=name, target=call.id, act_id=call.act_id)
    return Alert.of(await _alert(call.desk, call.id))


async def _alert(desk: Desk, identity: str) -> core.Alert:
    found = await desk.store.read(lambda tx: incidents.get_alert(tx, desk.site, identity))
    if found is None:
        raise NotFound
    return found
