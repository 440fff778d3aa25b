"""Raising fails open: a life event that the rules can't take is raised bare, with its raw words, by no rule."""

from hub.core.effects import AlertBecomes, Effect
from hub.core.envelope import event_id
from hub.core.events import Event
from hub.core.records import Alert


def raise_bare(event: Event) -> list[Effect]:
    identity = event_id(
        event.time, site=event.site, device=event.device, type_name="alert", subject=event.subject, record=str(event.id)
    )
    return [
        AlertBecomes(
            Alert(
                id=str(identity),
                site=event.site,
                kind="bare",
                severity="critical",
                lane="life",
                key=f"bare/{event.id}",
                device=event.device,
                subject=event.subject or "",
                label=event.type,
                listed=False,
                raised_at=event.at,
                last_at=event.at,
                late=event.late,
                details={"type": event.type},
                told_at=event.time,
                host=event.host or "",
                sequence=event.sequence or 0,
            ),
            "raised",
        )
    ]
