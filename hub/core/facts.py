"""What the rules know while they decide: loaded in bulk for a batch inside its transaction, dropped with it.

Effects are applied as they are decided, so the second event of a batch sees what the first one did.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from hub.core.building import Building
from hub.core.effects import (
    AlertBecomes,
    Audit,
    ClearDeadline,
    CommandBecomes,
    DoorBecomes,
    Effect,
    IncidentBecomes,
    PanelModeBecomes,
    ParcelBecomes,
    PersonBecomes,
    SendCommand,
    SendNotice,
    SetDeadline,
    VisitBecomes,
)
from hub.core.records import (
    Alert,
    CommandRecord,
    Deadline,
    DoorState,
    Incident,
    PanelMode,
    Parcel,
    Person,
    Visit,
)


@dataclass(slots=True)
class Facts:
    """One site's facts for one batch.

    `alerts` and `incidents` hold all that aren't done; `visits` those expected, waiting or open that an event of the
    batch may concern, and those that departed and are named; `parcels` those stored in a place or named by tracking
    number; `people` those named by ref, phone, unit or card.
    """

    building: Building
    now: datetime
    secret: bytes = b""
    """keys ids' pickup codes; never shown"""
    channels: tuple[str, ...] = ("desk",)
    """where notices to people go"""
    people: dict[str, Person] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    """not done, by key"""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """not done, by id"""
    panel_modes: dict[tuple[str, str], PanelMode] = field(default_factory=dict)
    doors: dict[str, DoorState] = field(default_factory=dict)
    deadlines: dict[str, Deadline] = field(default_factory=dict)
    """by key"""
    commands: dict[str, CommandRecord] = field(default_factory=dict)
    """by id: those that an outcome of the batch names"""

    _visitors: set[str] = field(init=False)
    """the refs of `visits`"""

    def __post_init__(self) -> None:
        self._visitors = {visit.ref for visit in self.visits.values()} - {""}

    # looking up

    def recipient(self, *, phone: str | None, unit: str | None, ref: str | None) -> Person | None:
        """Whom a parcel is for: by the hub's id, else by phone, else the only or first owner or tenant of a unit."""
        if ref and ref in self.people:
            return self.people[ref]
        if phone and (person := self._first_person(lambda p: p.phone == phone)):
            return person
        if not unit:
            return None
        living = [p for p in self.people.values() if p.unit == unit and p.kind in ("owner", "tenant", "family")]
        return min(living, key=lambda p: (("owner", "tenant", "family").index(p.kind), p.id), default=None)

    def visit_by_ref(self, ref: str) -> Visit | None:
        """The visit whose visitor the devices know as `ref`; one still under way before one that is over."""
        if ref not in self._visitors:
            return None  # most who pass are no visitors
        named = [v for v in self.visits.values() if v.ref == ref]
        return min(named, key=lambda v: (v.state in ("departed", "cancelled"), v.announced_at), default=None)

    def parcels_in(self, device: str, compartment: str) -> list[Parcel]:
        """Those that lie there as far as is known: one, or none."""
        return [
            p
            for p in self.parcels.values()
            if compartment and p.state == "stored" and p.device == device and p.compartment == compartment
        ]

    def parcels_tracked(self, tracking: str) -> list[Parcel]:
        """All parcels with this tracking number, newest first."""
        found = [p for p in self.parcels.values() if tracking and p.tracking == tracking]
        return sorted(found, key=lambda p: p.stored_at, reverse=True)

    def incident_at(self, kind: str, place: str) -> Incident | None:
        return next((i for i in self.incidents.values() if i.kind == kind and i.place == place), None)

    def alerts_of(self, incident: str) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.incident == incident]

    def _first_person(self, wanted: Callable[[Person], bool]) -> Person | None:
        return min((p for p in self.people.values() if wanted(p)), key=lambda p: p.id, default=None)

    # naming what is new

    def new_id(self, cause: UUID | str, what: str) -> str:
        """An id for a record that `cause` (an event's id, an act's) makes: the same cause makes the same record."""
        digest = bytearray(hashlib.sha256(f"{what}\x1f{cause}".encode()).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        return str(UUID(bytes=bytes(digest)))

    def digits(self, cause: UUID | str, what: str, length: int) -> str:
        """Digits nobody can guess without `secret`, the same for the same cause: pickup codes, passes."""
        number = int.from_bytes(hmac.digest(self.secret, f"{what}\x1f{cause}".encode(), "sha256"), "big")
        return str(number % 10**length).zfill(length)

    def code_hash(self, parcel: str, code: str) -> bytes:
        """The keyed hash of a pickup code, bound to its parcel."""
        return hmac.digest(self.secret, f"code\x1f{parcel}\x1f{code}".encode(), "sha256")

    # applying

    def apply(self, effects: Iterable[Effect]) -> list[Effect]:
        """Take the effects in, and hand them on for the store."""
        taken = list(effects)
        for effect in taken:
            self._apply(effect)
        return taken

    def _apply(self, effect: Effect) -> None:
        match effect:
            case VisitBecomes(visit=visit):
                self.visits[visit.id] = visit
                if visit.ref:
                    self._visitors.add(visit.ref)
            case ParcelBecomes(parcel=parcel):
                self.parcels[parcel.id] = parcel
            case AlertBecomes(alert=alert):
                if alert.handling == "done":
                    self.alerts.pop(alert.key, None)
                else:
                    self.alerts[alert.key] = alert
            case IncidentBecomes(incident=incident):
                if incident.state == "done":
                    self.incidents.pop(incident.id, None)
                else:
                    self.incidents[incident.id] = incident
            case PanelModeBecomes(mode=mode):
                self.panel_modes[mode.device, mode.system] = mode
            case DoorBecomes(door=door):
                self.doors[door.door] = door
            case PersonBecomes(person=person):
                self.people[person.id] = person
            case SetDeadline(deadline=deadline):
                self.deadlines[deadline.key] = deadline
            case ClearDeadline(key=key):
                self.deadlines.pop(key, None)
            case SendCommand(record=record):
                self.commands[str(record.command.id)] = record
            case CommandBecomes(command=command, state=state, result=result):
                if known := self.commands.get(command):
                    self.commands[command] = replace(known, state=state, result=result)
            case SendNotice() | Audit():
                pass


def newer(
    host: str | None, sequence: int | None, than: Visit | Parcel | Alert | Incident | PanelMode | DoorState
) -> bool:
    """Whether an event may change the state of a record: a greater sequence of the same host, or another host's."""
    return host != than.host or (sequence or 0) > than.sequence
