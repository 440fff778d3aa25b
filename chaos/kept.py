"""What the store holds after a run, read through `hub.store` when the hub has ended."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from chaos.check import Asked, Notice, Stored, Thing
from hub.cli.storage import store_in
from hub.core.records import Alert, Incident, Parcel, Visit
from hub.core.records import Notice as Queued
from hub.store import tables
from hub.store.database import Transaction
from hub.store.devices import DeviceStatus
from hub.store.events import StoredEvent, stored_event
from hub.store.layout import Layout
from hub.store.outbox import command_listing

OVERDUE = timedelta(seconds=5)
_COMPARED = frozenset(
    {
        "access.granted", "access.denied", "door.opened", "door.closed", "parcel.stored", "parcel.collected",
        "parcel.withdrawn", "compartment.opened", "compartment.closed", "fire.alarm", "fire.trouble", "fire.normal",
    }
)  # fmt: skip


async def read(data: Path, database: str, ended: datetime) -> Stored:
    """`database` as HUB_DATABASE has it, "" for the data directory's own.

    `ended`: when the hub was asked to end; what fell due just before that isn't overdue."""
    store = store_in(data, database)
    await store.open()
    try:
        return await store.read(lambda tx: _all(tx, ended))
    finally:
        await store.close()


def _all(tx: Transaction, ended: datetime) -> Stored:
    stored = Stored()
    for row in tx.connection.execute(select(tables.events).order_by(tables.events.c.n)):
        _event(stored, stored_event(tx, row))
    for visit in Layout(tables.visits, Visit).find(tx):
        stored.things[Thing("desk", "visit", visit.name)] += 1
        _state(stored, "visit", visit.ref, visit.state)
    for parcel in Layout(tables.parcels, Parcel).find(tx):
        _state(stored, "parcel", parcel.tracking, parcel.state)
        if parcel.state == "stored":
            wait = f"reminder/{parcel.id}/pickup_reminder_24h" if parcel.notified else f"notify/{parcel.id}"
            stored.must_wait.add(wait)
    for alert in Layout(tables.alerts, Alert).find(tx):
        _alert(stored, alert)
    for incident in Layout(tables.incidents, Incident).find(tx):
        if incident.state == "unanswered" and not incident.late:
            stored.must_wait |= {f"verify/{incident.id}", f"ladder/{incident.id}/1", f"ladder/{incident.id}/2"}
    for status in Layout(tables.devices, DeviceStatus).find(tx):
        _state(stored, "device", status.device, status.link)
    for door in tx.connection.execute(select(tables.doors)):
        _state(stored, "door", door.door, "open" if door.open else "closed")
    for mode in tx.connection.execute(select(tables.panel_modes)):
        if mode.system.startswith("system/"):
            _state(stored, "linkage", mode.device, mode.linkage)
            if mode.linkage == "manual":
                stored.must_wait.add(f"linkage/{mode.device}/{mode.system}")
    for row in tx.connection.execute(select(tables.deadlines)):
        stored.waiting.add(row.key)
        if row.due < ended - OVERDUE:
            stored.overdue.add(row.key)
    for notice in Layout(tables.notices, Queued).find(tx):
        stored.notices.append(Notice(_cause(notice), notice.key))
    _commands(tx, stored)
    return stored


def _event(stored: Stored, kept: StoredEvent) -> None:
    event = kept.event
    match event.type:
        case "deadline.reached":
            stored.fired[event.data.deadline, event.data.due.isoformat()] += 1
        case "fire.normal" if not (event.subject or "").startswith("zone/"):
            pass  # of the panel itself, and the transmission device's heartbeat
        case what if what in _COMPARED:
            stored.things[Thing(event.device, what, _mark(kept))] += 1
        case _:
            pass


def _mark(kept: StoredEvent) -> str:
    event = kept.event
    at = f"{event.time.timestamp():.0f}"
    match event.type:
        case "access.granted" if event.device.startswith("gate"):
            return event.data.person.ref if event.data.person else ""
        case "access.denied":
            return (event.data.credential.number if event.data.credential else None) or ""
        case "parcel.stored" | "parcel.collected" | "parcel.withdrawn":
            return event.data.parcel.tracking if event.data.parcel else ""
        case "compartment.opened" | "compartment.closed":
            return f"{event.data.compartment} {event.data.cause} {at}"
        case "fire.alarm" | "fire.trouble" | "fire.normal":
            return event.subject or ""
        case _:
            return at


def _state(stored: Stored, kind: str, name: str, state: str) -> None:
    stored.states.setdefault(Asked(kind, name), []).append(state)


def _alert(stored: Stored, alert: Alert) -> None:
    match alert.kind:
        case "fire":
            _state(stored, "fire", alert.subject, alert.source)
        case "fire_trouble":
            _state(stored, "trouble", alert.subject, alert.source)
        case _:
            pass


def _cause(notice: Queued) -> str:
    """Of an alert to a post: which incident, rung and post. Of others: which message about which record to whom."""
    rung = "/".join(notice.key.split("/")[-3:]) if notice.template == "alert" else ""
    return f"{notice.template} {notice.record} {notice.channel} {notice.person} {rung}"


def _commands(tx: Transaction, stored: Stored) -> None:
    site = str(tx.connection.scalars(select(tables.commands.c.site)).first() or "")
    cursor: str | None = None
    while True:
        page = command_listing(tx, site, cursor=cursor, limit=200)
        for record in page.items:
            if record.command.kind == "door.open":
                stored.things[Thing("desk", "command", record.command.why)] += 1
            if record.state in ("kept", "unknown"):
                stored.unknown.append(f"{record.command.kind} {record.command.id} at {record.command.device}")
        cursor = page.next
        if cursor is None:
            return
