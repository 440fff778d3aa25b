"""What a person does at the desk, done once: one transaction, one line in the audit log."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from hub.console.desk import Desk
from hub.console.signed import Signed
from hub.core.effects import Audit, Effect, Refused
from hub.core.facts import Facts
from hub.core.fire_events import EmergencyKind
from hub.rules import acts, decide
from hub.store import audit, effects, events, facts, quarantine
from hub.store.database import Priority, Transaction
from hub.store.facts import Wanted
from hub.store.quarantine import QuarantinedFrame

_REMEMBERED = 2_000

Act = Callable[[Facts], Iterable[Effect]]


async def perform(
    desk: Desk,
    signed: Signed,
    wanted: Wanted,
    act: Act,
    *,
    name: str,
    target: str,
    act_id: str,
    details: Mapping[str, str] | None = None,
) -> Sequence[Effect]:
    """Do one act of a person and say what it came to.

    `wanted` is what the act needs to know; `act` gets the Facts and returns the effects (a function of
    hub.rules.acts, bound to its form); both run inside one transaction, ahead of all but life. `name`
    (`visit.announce`) and `target` (a record's id, "" for one that the act makes) go to the audit log, with `details`
    that hold no personal value.

    `act_id` comes with the form: the same person's act with the same id is done once, and a repeat (a double click,
    a POST sent again) gets the first one's answer. Give it to the act as its cause too, so that what it makes has the
    same ids.

    Raises Refused where the act can't be done as asked, and store errors; then nothing has happened.
    """

    def work(tx: Transaction) -> Sequence[Effect]:
        now = desk.clock()
        known = facts.load(tx, desk.building, wanted, now)
        known.channels = desk.channels
        done = known.apply(act(known))
        effects.add(tx, desk.site, done, cause=None, at=now, post=signed.post)
        if done and not any(isinstance(effect, Audit) for effect in done):
            audit.add(tx, desk.site, now, signed.name, signed.post, name, target, details or {})
        return done

    return await _once(desk, signed, act_id, work)


async def report_emergency(
    desk: Desk,
    signed: Signed,
    *,
    kind: EmergencyKind,
    place: str,
    text: str,
    reporter: str,
    phone: str,
    act_id: str,
) -> Sequence[Effect]:
    """人工报警: an event like a device's, stored and decided by the rules at once."""

    def work(tx: Transaction) -> Sequence[Effect]:
        now = desk.clock()
        known = facts.load(tx, desk.building, Wanted(), now)
        known.channels = desk.channels
        event = acts.report_emergency(
            known, kind, place, actor(signed), now, act_id, text=text, reporter=reporter, phone=phone
        )
        if not events.unseen(tx, [event]):
            return ()
        events.add(tx, [event], desk.building)
        written = Audit("emergency.report", str(event.id), signed.name, signed.post, {"kind": kind})
        done = known.apply([*decide(event, known), written])
        effects.add(tx, desk.site, done, cause=event, at=now, post=signed.post)
        return done

    return await _once(desk, signed, act_id, work, priority=Priority.LIFE)


async def offer_again(desk: Desk, signed: Signed, kept: QuarantinedFrame) -> None:
    """An event that failed is offered to the rules once more. Raises Refused for a device's frame, and store errors;
    where the mark couldn't be written it was offered all the same, which changes nothing that is known already."""
    if not desk.read_again(kept):
        raise Refused("quarantine.not_here")

    def work(tx: Transaction) -> None:
        quarantine.sent_again(tx, desk.site, kept.id)
        audit.add(tx, desk.site, desk.clock(), signed.name, signed.post, "quarantine.again", kept.id)

    await desk.store.write(Priority.PERSON, work)


async def _once(
    desk: Desk,
    signed: Signed,
    act_id: str,
    work: Callable[[Transaction], Sequence[Effect]],
    *,
    priority: Priority = Priority.PERSON,
) -> Sequence[Effect]:
    key = (signed.name, act_id)
    if act_id and (earlier := desk.performed.get(key)):
        return await asyncio.shield(earlier)
    doing = asyncio.ensure_future(desk.store.write(priority, work))
    if not act_id:
        return await doing
    desk.performed[key] = doing
    while len(desk.performed) > _REMEMBERED:
        desk.performed.popitem(last=False)
    try:
        return await asyncio.shield(doing)
    except Exception:
        desk.performed.pop(key, None)  # it did not happen, so it may be tried again
        raise


def actor(signed: Signed) -> acts.Actor:
    """Who acts, as the rules want to know it."""
    return acts.Actor(signed.name, signed.post)


def made_by(desk: Desk, cause: str, what: str) -> str:
    """The id of the record that an act makes, so that a repeat finds it (Wanted)."""
    return Facts(building=desk.building, now=desk.clock()).new_id(cause, what)


async def note(desk: Desk, signed: Signed, *, name: str, target: str, details: Mapping[str, str] | None = None) -> None:
    """Write down an act that changes no record: a name shown in full, a list exported."""

    def work(tx: Transaction) -> None:
        audit.add(tx, desk.site, desk.clock(), signed.name, signed.post, name, target, details or {})

    await desk.store.write(Priority.PERSON, work)
