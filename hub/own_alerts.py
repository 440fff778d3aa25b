"""What the hub has to say of itself and a person has to take: alerts like any other, raised by no event."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from hub.core.effects import AlertBecomes
from hub.core.envelope import event_id
from hub.core.records import Alert, Severity
from hub.store import effects, incidents
from hub.store.database import Transaction


def raise_own(
    tx: Transaction, site: str, kind: str, severity: Severity, at: datetime, label: str, details: Mapping[str, str]
) -> None:
    """Raise it, or join the open one of its kind. Who took that one has taken this too, unless its details differ."""
    known = _open(tx, site, kind)
    if known is None:
        identity = str(event_id(at, site=site, device="", type_name="alert", subject=None, record=kind))
        alert = Alert(
            id=identity,
            site=site,
            kind=kind,
            severity=severity,
            lane="routine",
            key=kind,
            source="quiet",
            label=label,
            listed=False,
            raised_at=at,
            last_at=at,
            details=details,
            told_at=at,
        )
        effects.add(tx, site, [AlertBecomes(alert, "raised")], cause=None, at=at)
    elif known.last_at != at:
        again = replace(known, last_at=at, count=known.count + 1, label=label, details=details)
        if known.details != details:
            again = replace(again, handling="unanswered", owner="")
        effects.add(tx, site, [AlertBecomes(again, "repeated")], cause=None, at=at)


def clear_own(tx: Transaction, site: str, kind: str, at: datetime) -> None:
    """It is over, whether somebody has taken it or not."""
    if known := _open(tx, site, kind):
        over = replace(known, source="quiet", quiet_at=at, handling="done", done_at=at)
        effects.add(tx, site, [AlertBecomes(over, "cleared")], cause=None, at=at)


def _open(tx: Transaction, site: str, kind: str) -> Alert | None:
    return next((alert for alert in incidents.open_alerts(tx, site) if alert.key == kind), None)
