"""What the board shows: incidents pinned on top, one ranked queue, visitors, parcels. Read in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from hub.console.desk import Desk
from hub.console.parts import parts_away
from hub.console.text import SEVERITY_NUMBER, Text, mask_name
from hub.core.building import Building
from hub.core.records import Alert, Incident, Parcel, Severity, Visit
from hub.store import accounts, devices, events, incidents, parcels, visits
from hub.store.changes import Emergency
from hub.store.database import Transaction
from hub.store.devices import DeviceStatus
from hub.store.events import StoredEvent

LOUD_FOR = timedelta(seconds=10)
"""how long a point that joins an incident shows"""
_VISITS_SHOWN = 8
_PARCELS_SHOWN = 8

_FOLDED = ("visit_overstay", "parcel_overdue")
"""alerts that other lines of the queue stand for"""

LineKind = Literal["part", "alert", "visit", "overstay", "parcels", "unknown", "config", "broker", "siren"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The records on the board, as of one moment."""

    at: datetime
    incidents: Sequence[Incident]
    alerts: Sequence[Alert]
    waiting: Sequence[Visit]
    open_visits: Sequence[Visit]
    overstaying: Sequence[Visit]
    expected: Sequence[Visit]
    visit_counts: Mapping[str, int]
    parcels: Sequence[Parcel]
    parcel_counts: Mapping[str, int]
    unknown: Sequence[DeviceStatus]
    let_fall: Mapping[str, DeviceStatus]
    """devices of which the hub took too much to take all, by id"""
    last: StoredEvent | None
    users: Mapping[str, str]
    """colleagues' names on screen, by the names they sign in with"""
    readable: bool = True
    """False while the store can't be read: then these are the records as last known"""

    @property
    def undeclared(self) -> Mapping[str, str]:
        """9999 @ 127.0.0.1, by the id that it goes by"""
        return {one.device: " @ ".join(part for part in (one.address, one.peer) if part) for one in self.unknown}


@dataclass(frozen=True, slots=True)
class IncidentLine:
    incident: Incident
    next_step: str
    state: str
    sounds: Literal["life", "neutral", ""]
    joined: bool
    restored: bool
    """its source was heard to be quiet, which a source that can't say so never is"""
    first_unanswered: bool
    counts_down: bool
    counted_from: datetime
    counted_seconds: int
    sheet: str


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One thing that waits for a hand. `record` is the id that its acts name."""

    id: str
    kind: LineKind
    severity_word: Severity
    since: datetime
    title: str
    next_step: str
    record: str = ""
    owner: str = ""
    link: str = ""
    link_word: str = ""
    life: bool = False
    pinned: bool = False
    chimes: bool = True
    literal: str = ""
    """what a file or a program says of itself, word for word"""

    @property
    def severity(self) -> int:
        return SEVERITY_NUMBER[self.severity_word]

    @property
    def rank(self) -> tuple[bool, bool, int, datetime]:
        """Life, what makes the rest unsure, severity, age."""
        return (not self.life, not self.pinned, self.severity, self.since)

    @property
    def sounds(self) -> bool:
        """A matter of life that belongs to no incident (raised bare) rings until someone takes it."""
        return self.life and self.chimes


@dataclass(frozen=True, slots=True)
class Board:
    """The snapshot in words."""

    incidents: Sequence[IncidentLine]
    queue: Sequence[QueueLine]
    visits: Sequence[Visit]
    visit_counts: Mapping[str, int]
    parcels: Sequence[Parcel]
    parcel_counts: Mapping[str, int]
    last: StoredEvent | None


def read_board(tx: Transaction, desk: Desk) -> Snapshot:
    site = desk.site
    return Snapshot(
        at=desk.clock(),
        **_emergencies(tx, site),
        **_visits(tx, site),
        **_parcels(tx, site),
        **_devices(tx, site),
        users={user.name: user.display or user.name for user in accounts.listing(tx, site)},
    )


def read_changes(tx: Transaction, desk: Desk, known: Snapshot, changed: Collection[str]) -> Snapshot:
    """The board after `known`, where only records of the kinds `changed` are others: a fire waits for no visit list."""
    fresh: dict[str, Any] = {"at": desk.clock(), **_emergencies(tx, desk.site)}
    if "visits" in changed:
        fresh |= _visits(tx, desk.site)
    if "parcels" in changed:
        fresh |= _parcels(tx, desk.site)
    if "devices" in changed:
        fresh |= _devices(tx, desk.site)
    return replace(known, **fresh)


def with_emergencies(known: Snapshot, became: Iterable[Emergency], desk: Desk) -> Snapshot:
    """The board after `known`, where these are what alerts and incidents became: nothing is read for it."""
    alerts = {alert.id: alert for alert in known.alerts}
    incidents = {incident.id: incident for incident in known.incidents}
    for record in became:
        if record.site != desk.site:
            continue
        if isinstance(record, Alert):
            alerts[record.id] = record
        else:
            incidents[record.id] = record
    return replace(
        known,
        at=desk.clock(),
        alerts=[alert for alert in alerts.values() if alert.handling != "done"],
        incidents=[incident for incident in incidents.values() if incident.state != "done"],
    )


def _devices(tx: Transaction, site: str) -> dict[str, Any]:
    return {
        "unknown": devices.unknown(tx, site),
        "let_fall": {status.device: status for status in devices.let_fall(tx, site)},
    }


def _emergencies(tx: Transaction, site: str) -> dict[str, Any]:
    last = events.listing(tx, site, limit=1).items
    return {
        "incidents": incidents.open_incidents(tx, site),
        "alerts": incidents.open_alerts(tx, site),
        "last": last[0] if last else None,
    }


def _visits(tx: Transaction, site: str) -> dict[str, Any]:
    def shown(most: int, **which: Any) -> Sequence[Visit]:
        return visits.listing(tx, site, limit=most, count=False, **which).items

    return {
        "waiting": shown(50, state=("waiting",)),
        "open_visits": shown(_VISITS_SHOWN, state=("open",)),
        "overstaying": shown(50, overstay=True),
        "expected": shown(_VISITS_SHOWN, state=("expected",)),
        "visit_counts": visits.counts(tx, site),
    }


def _parcels(tx: Transaction, site: str) -> dict[str, Any]:
    stored = parcels.listing(tx, site, state=("stored",), limit=_PARCELS_SHOWN, count=False)
    return {"parcels": stored.items, "parcel_counts": parcels.counts(tx, site)}


def board_of(snapshot: Snapshot, desk: Desk, text: Text) -> Board:
    visit_counts, parcel_counts = snapshot.visit_counts, snapshot.parcel_counts
    shown = [*snapshot.waiting, *snapshot.expected, *snapshot.open_visits]
    return Board(
        incidents=_incident_lines(snapshot, text),
        queue=sorted(_queue(snapshot, desk, text), key=lambda line: (line.rank, line.id)),
        visits=shown[:_VISITS_SHOWN],
        visit_counts={state: visit_counts.get(state, 0) for state in ("open", "expected", "waiting", "overstay")},
        parcels=snapshot.parcels,
        parcel_counts={state: parcel_counts.get(state, 0) for state in ("stored", "overdue")},
        last=snapshot.last,
    )


# incidents


def _incident_lines(snapshot: Snapshot, text: Text) -> list[IncidentLine]:
    ordered = sorted(snapshot.incidents, key=lambda i: (i.state != "unanswered", i.opened_at, i.id))
    heard_quiet = {alert.incident for alert in snapshot.alerts if alert.quiet_at}
    lines = []
    for number, incident in enumerate(ordered):
        counted_from = incident.answered_at or incident.asked_again_at or incident.opened_at
        passed = snapshot.at - counted_from
        of_fire = incident.kind in ("fire", "evacuation")
        counts_down = of_fire and incident.verdict is None and not incident.late
        real = incident.verdict == "real" or (incident.verdict is None and incident.treated_as_real)
        lines.append(
            IncidentLine(
                incident=incident,
                next_step=_next_step(incident, text, real=real),
                state=_state(incident, text),
                sounds=_sounds(incident, text),
                joined=incident.joined_at is not None and snapshot.at - incident.joined_at < LOUD_FOR,
                restored=incident.source == "quiet" and incident.id in heard_quiet,
                first_unanswered=number == 0 and incident.state == "unanswered",
                counts_down=counts_down,
                counted_from=counted_from,
                counted_seconds=min(180, max(0, int(passed.total_seconds()))),
                sheet=_sheet(incident, text) if real and of_fire else "",
            )
        )
    return lines


def _sounds(incident: Incident, text: Text) -> Literal["life", "neutral", ""]:
    if incident.kind == "duress" and text.public:
        return "neutral"
    return "life" if incident.state == "unanswered" else ""


def _state(incident: Incident, text: Text) -> str:
    if incident.state == "unanswered":
        return text.t("incident.unanswered")
    state = text.incident_state(incident)
    who = incident.judged_by if incident.verdict else incident.answered_by
    when = incident.judged_at if incident.verdict else incident.answered_at
    if incident.verdict == "false" and incident.cause:
        state = text.t("incident.because", state=state, cause=text.t.named("cause", incident.cause))
    return text.t("incident.by", state=state, who=text.user(who), time=text.clock(when)) if who else state


def _next_step(incident: Incident, text: Text, *, real: bool) -> str:
    if incident.kind == "duress" and text.public:
        return text.t("next.duress_public")
    if incident.verdict in ("false", "test"):
        return text.t("next.wait_for_quiet")
    group = incident.kind if incident.kind in ("fire", "evacuation", "help", "duress") else "emergency"
    stage = "real" if real else incident.state
    if text.is_undeclared(incident) and not real:
        return text.t("next.undeclared")
    floor = text.t("next.floor", floor=incident.floor) if incident.floor else text.incident_place(incident)
    return text.t(f"next.{group}.{stage}", floor=floor)


def _sheet(incident: Incident, text: Text) -> str:
    """What is read out to 119: place, what, where it was seen, who calls, from which telephone."""
    site = text.building.site
    post = text.building.post_for("fire") or text.building.post_for("emergency")
    return text.t(
        "sheet.words",
        address=site.address or site.name.in_language(text.language),
        place=text.t("sheet.place_unknown") if text.is_undeclared(incident) else text.incident_place(incident),
        counts=text.counts(incident) or text.incident_kind(incident),
        point=text.first_point(incident),
        who=text.user(incident.judged_by or incident.answered_by) or "—",
        phone=post.phone if post else "—",
    )


# the queue


def _queue(snapshot: Snapshot, desk: Desk, text: Text) -> list[QueueLine]:
    pinned = {incident.id for incident in snapshot.incidents}
    lines = [
        _alert_line(a, snapshot, text) for a in snapshot.alerts if a.incident not in pinned and a.kind not in _FOLDED
    ]
    lines += [_waiting_line(visit, text) for visit in snapshot.waiting]
    lines += [_overstay_line(visit, visit.ends, text) for visit in snapshot.overstaying if visit.ends]
    if left_behind := [alert for alert in snapshot.alerts if alert.kind == "parcel_overdue"]:
        lines.append(_left_behind_line(left_behind, text))
    lines += [_unknown_line(device, snapshot.at, text) for device in snapshot.unknown]
    lines += _own_lines(snapshot, desk, text)
    return lines


def _alert_line(alert: Alert, snapshot: Snapshot, text: Text) -> QueueLine:
    key = f"alert_next.{alert.kind}"
    if alert.kind == "link_offline" and alert.lane == "life":
        key = "alert_next.link_offline_panel"
    step = text.t(key) if text.t.has(key) else text.t("alert_next.other")
    facts = [step]
    if taken_away := text.taken_away(alert):
        facts.insert(0, taken_away)
    if skew := alert.details.get("skew"):
        facts.insert(0, text.skew(float(skew)))
    if alert.kind == "siren_failed":
        facts.insert(0, text.t(f"siren_failed.{alert.details['reason']}", status=alert.details["status"]))
    if alert.kind == "hub_restarted":
        facts.insert(0, text.t("queue.restarted", time=text.clock(alert.last_at), workers=alert.details["workers"]))
    if alert.kind == "device_flooding" and (status := snapshot.let_fall.get(alert.device)):
        facts.append(text.t("device.let_fall_since", number=status.let_fall, time=text.short(status.let_fall_since)))
    if alert.count > 1:
        facts.append(text.t("queue.times", number=alert.count, time=text.clock(alert.last_at)))
    if alert.source == "quiet":
        facts.append(text.t("queue.quiet_since", time=text.clock(alert.quiet_at or alert.last_at)))
    if alert.late:
        facts.append(text.t("queue.late"))
    return QueueLine(
        id=alert.id,
        kind="alert",
        severity_word=alert.severity,
        since=alert.raised_at,
        title=f"{text.alert_title(alert)}  {text.alert_place(alert)}",
        next_step=" · ".join(facts),
        record=alert.id,
        owner=text.user(alert.owner),
        life=alert.lane == "life" and alert.severity == "critical",
        chimes=alert.handling == "unanswered",
    )


def _waiting_line(visit: Visit, text: Text) -> QueueLine:
    return QueueLine(
        id=f"visit-{visit.id}",
        kind="visit",
        severity_word="medium",
        since=visit.announced_at,
        title=text.t("queue.visit", name=mask_name(visit.name), unit=visit.unit),
        next_step=text.t(f"queue.visit_{visit.answer or 'ask'}"),
        record=visit.id,
    )


def _overstay_line(visit: Visit, ended: datetime, text: Text) -> QueueLine:
    return QueueLine(
        id=f"overstay-{visit.id}",
        kind="overstay",
        severity_word="medium",
        since=ended,
        title=text.t("queue.overstay", name=mask_name(visit.name), unit=visit.unit),
        next_step=text.t("queue.overstay_next", time=text.short(ended)),
        record=visit.id,
        chimes=False,
    )


def _left_behind_line(alerts: Sequence[Alert], text: Text) -> QueueLine:
    """滞留快递: one line for all that nobody came for in a week."""
    oldest = min(alert.raised_at for alert in alerts)
    return QueueLine(
        id="parcels-overdue",
        kind="parcels",
        severity_word="medium",
        since=oldest,
        title=text.t("queue.overdue", number=len(alerts)),
        next_step=text.t("queue.overdue_next"),
        link="/parcels?state=stored&overdue=yes",
        link_word=text.t("queue.overdue_list"),
        chimes=False,
    )


def _unknown_line(device: DeviceStatus, now: datetime, text: Text) -> QueueLine:
    return QueueLine(
        id=f"unknown-{device.adapter}-{device.address}-{device.peer}".replace("/", "-"),
        kind="unknown",
        severity_word="low",
        since=device.since or device.last_heard or now,
        title=text.t("queue.unknown", adapter=device.adapter, address=device.address),
        next_step=text.t("queue.unknown_next"),
        link="/devices#unknown",
        link_word=text.t("queue.look"),
    )


def _own_lines(snapshot: Snapshot, desk: Desk, text: Text) -> list[QueueLine]:
    """What the hub has to say about itself."""
    lines = [
        QueueLine(
            id=f"part-{part.name}",
            kind="part",
            severity_word="high",
            since=part.since,
            title=text.t(f"part_away.{part.name}") if part.named else text.t("part_away.other", part=part.name),
            next_step=text.t(f"part_next.{part.name if part.named else 'other'}"),
            pinned=True,
        )
        for part in parts_away(desk, readable=snapshot.readable)
    ]
    if desk.siren and (rang := desk.siren.calls()) and rang.outcome != "failed":
        title = text.t("queue.siren", time=text.clock(rang.at), outcome=text.t(f"siren.{rang.outcome}"))
        next_step = text.t("queue.siren_next")
        lines.append(QueueLine("siren", "siren", "high", rang.at, title, next_step, pinned=True, chimes=False))
    if desk.config_mistakes:
        title = text.t("queue.config", number=len(desk.config_mistakes))
        lines.append(
            QueueLine("config", "config", "high", snapshot.at, title, text.t("queue.config_next"), chimes=False,
                      literal=desk.config_mistakes[0], link="/devices#config", link_word=text.t("queue.look"))
        )  # fmt: skip
    if notice := desk.broker_notice():
        title, next_step = text.t(f"queue.broker.{notice}"), text.t(f"queue.broker.{notice}_next")
        lines.append(QueueLine("broker", "broker", "low", snapshot.at, title, next_step, chimes=False))
    return lines


def visit_state(visit: Visit, text: Text) -> str:
    """未到 · 等业主答复 · 在访 · 东门 1 · 超时未离开"""
    if visit.state == "open":
        if visit.ends and visit.ends < text.now:
            return text.t("visit.state.overstay")
        where = text.door(visit.opened_door) if visit.opened_door else ""
        return " · ".join(part for part in (text.t("visit.state.open"), where) if part)
    if visit.state == "waiting" and visit.answer:
        return text.t(f"visit.answered.{visit.answer}")
    return text.t(f"visit.state.{visit.state}")


def parcel_state(parcel: Parcel, text: Text) -> str:
    if parcel.state != "stored":
        return text.t(f"parcel.state.{parcel.state}")
    told = text.t("parcel.notified") if parcel.notified else text.t("parcel.not_notified")
    when = text.t("parcel.overdue") if parcel.overdue else text.short(parcel.stored_at)
    return f"{when} · {told}"


def places_of(building: Building, language: str) -> list[str]:
    """Names to choose from when a place is typed."""
    zones = [zone.name.in_language(language) for zone in building.zones.values()]
    fire_zones = [building.fire_zone_name(one, language) for zone in building.zones.values() for one in zone.fire_zones]
    return [*zones, *(door.name.in_language(language) for door in building.doors.values()), *fire_zones]
