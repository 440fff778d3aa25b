"""Alerts, and the incidents that group those of life."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, literal_column, select

from hub.core.records import Alert, Incident
from hub.store import tables
from hub.store.database import Transaction
from hub.store.events import StoredEvent, stored_event
from hub.store.layout import Layout
from hub.store.paging import Page, page
from hub.store.upsert import put as put_rows
from hub.store.upsert import put_new

_ALERTS = tables.alerts.c
_INCIDENTS = tables.incidents.c
_ALERT = Layout(tables.alerts, Alert)
_INCIDENT = Layout(tables.incidents, Incident)
_ALERT_OPEN = _ALERTS.handling != literal_column("'done'")
_INCIDENT_OPEN = _INCIDENTS.state != literal_column("'done'")
"""literal, so that the indexes of what is open answer"""


def put_alerts(tx: Transaction, alerts: Collection[Alert]) -> None:
    """Those that are done go first: another with the same key may follow in the same batch."""
    in_order = sorted(alerts, key=lambda alert: alert.handling != "done")
    put_rows(tx.connection, tables.alerts, [_ALERT.row(tx, alert) for alert in in_order])
    if alerts:
        tx.touch("alerts", life=any(alert.lane == "life" for alert in alerts), became=in_order)


def put_incidents(tx: Transaction, incidents: Collection[Incident]) -> None:
    put_rows(tx.connection, tables.incidents, [_INCIDENT.row(tx, incident) for incident in incidents])
    if incidents:
        tx.touch("incidents", life=True, became=incidents)


def open_incidents(tx: Transaction, site: str) -> list[Incident]:
    """Those that aren't done, newest first."""
    found = _INCIDENT.all_of(tx, site, _INCIDENT_OPEN)
    return sorted(found, key=lambda incident: (incident.opened_at, incident.id), reverse=True)


def open_alerts(tx: Transaction, site: str) -> list[Alert]:
    """Those that aren't done, newest first."""
    found = _ALERT.all_of(tx, site, _ALERT_OPEN)
    return sorted(found, key=lambda alert: (alert.raised_at, alert.id), reverse=True)


def get(tx: Transaction, site: str, incident: str) -> Incident | None:
    return _INCIDENT.get(tx, _INCIDENTS.site == site, _INCIDENTS.id == incident)


def get_alert(tx: Transaction, site: str, alert: str) -> Alert | None:
    return _ALERT.get(tx, _ALERTS.site == site, _ALERTS.id == alert)


def alerts_of(tx: Transaction, site: str, incident: str) -> list[Alert]:
    """Oldest first."""
    found = _ALERT.find(tx, _ALERTS.site == site, _ALERTS.incident == incident)
    return sorted(found, key=lambda alert: (alert.raised_at, alert.id))


def listing(
    tx: Transaction, site: str, *, state: Sequence[str] = (), cursor: str | None = None, limit: int = 50
) -> Page[Incident]:
    """Newest first."""
    where: list[ColumnElement[bool]] = [_INCIDENTS.site == site]
    if state:
        where.append(_INCIDENTS.state.in_(state))
    query = _INCIDENT.select().where(*where)
    order = [_INCIDENTS.opened_at, _INCIDENTS.id]
    return page(tx, query, order, lambda row: _INCIDENT.record(tx, row), cursor=cursor, limit=limit, count=True)


def alert_listing(
    tx: Transaction,
    site: str,
    *,
    handling: Sequence[str] = (),
    kind: Sequence[str] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Alert]:
    """Newest first."""
    where: list[ColumnElement[bool]] = [_ALERTS.site == site]
    if handling:
        where.append(_ALERTS.handling.in_(handling))
    if kind:
        where.append(_ALERTS.kind.in_(kind))
    query = _ALERT.select().where(*where)
    order = [_ALERTS.raised_at, _ALERTS.id]
    return page(tx, query, order, lambda row: _ALERT.record(tx, row), cursor=cursor, limit=limit, count=True)


def belongs(tx: Transaction, site: str, pairs: Collection[tuple[str, UUID]]) -> None:
    """Put events into the histories of incidents: (incident, event)."""
    rows = [{"site": site, "incident": incident, "event": event} for incident, event in pairs]
    put_new(tx.connection, tables.incident_events, rows)


def timeline(tx: Transaction, site: str, incident: str) -> list[StoredEvent]:
    """The events that made it what it is, oldest first."""
    of = tables.incident_events.c
    query = (
        select(tables.events)
        .join(tables.incident_events, of.event == tables.events.c.id)
        .where(of.site == site, of.incident == incident)
        .order_by(tables.events.c.n)
    )
    return [stored_event(tx, row) for row in tx.connection.execute(query)]
