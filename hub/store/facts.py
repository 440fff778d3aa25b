"""What the rules need to know of a batch, read in bulk inside its transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Self

from hub.core.access_events import AccessDenied, AccessGranted, PersonSeen
from hub.core.building import Building
from hub.core.device_events import CommandDone, CommandFailed, DeadlineReached
from hub.core.events import Event
from hub.core.facts import Facts
from hub.core.records import CommandRecord, Deadline, Parcel, Person, Visit
from hub.store import deadlines, incidents, outbox, parcels, people, states, tables, visits
from hub.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for. `people` are their ids, or what devices know them by; `visit_refs` what devices know a
    visitor by; `places` (device, compartment); `doors` the building's own ids."""

    visits: set[str] = field(default_factory=set)
    visit_refs: set[str] = field(default_factory=set)
    parcels: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)
    trackings: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    deadlines: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    doors: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[Event], building: Building) -> Self:
        wanted = cls()
        for event in events:
            wanted._note(event, building)
        for each in fields(wanted):
            getattr(wanted, each.name).discard("")
        return wanted

    def _note(self, event: Event, building: Building) -> None:
        device, data = event.device, event.data
        match event:
            case AccessGranted() | AccessDenied() | PersonSeen():
                self._note_passage(event)
                return
            case CommandDone() | CommandFailed():
                self.commands.add(event.data.command)
            case DeadlineReached():
                self.deadlines.add(event.data.deadline)
            case _:
                pass
        said = vars(data).get
        if device:
            self.devices.add(device)
            if door := said("door"):
                self.doors.add(f"{device}/{door}")
            if declared := building.devices.get(device):
                self.doors.update(door.door for door in declared.doors.values())
        self.visits.add(said("visit", ""))
        if person := said("person"):
            ref = getattr(person, "ref", person)
            self.people.update((ref, f"{device}/{ref}") if ref else ())
            self.visit_refs.add(ref)
        if (credential := said("credential")) and credential.number:
            self.numbers.add(credential.number)
            self.visit_refs.add(credential.number)
        if compartment := said("compartment"):
            self.places.add((device, compartment))
        if parcel := said("parcel"):
            self.trackings.add(parcel.tracking)
        if recipient := said("recipient"):
            self.phones.add(recipient.phone or "")
            self.units.add(recipient.unit or "")
            self.people.add(recipient.ref or "")
        if visited := said("visited"):
            self.units.add(visited.unit)
            self.people.add(visited.ref or "")

    def _note_passage(self, event: AccessGranted | AccessDenied | PersonSeen) -> None:
        """Most events are residents' passages: all that is decided by is whether a visitor is meant."""
        if person := event.data.person:
            self.visit_refs.add(person.ref)


def load(tx: Transaction, building: Building, wanted: Wanted, now: datetime) -> Facts:
    """The facts of `building`'s site: what is wanted, what that leads to (the record of a deadline or a command, the
    person of a parcel, whom a visit is for), and all alerts and incidents that aren't done.

    `channels` is left for the caller to set.
    """
    site = building.site.id
    commands = outbox.commands_named(tx, site, wanted.commands)
    reached = deadlines.named(tx, site, wanted.deadlines)
    found_visits = _visits(tx, site, wanted, reached, commands)
    found_parcels = _parcels(tx, site, wanted, reached, commands)
    records = {visit.id for visit in found_visits} | {parcel.id for parcel in found_parcels}
    timers = [*reached, *deadlines.of_records(tx, site, records)]
    devices = wanted.devices | {device for deadline in reached for device in deadline.devices}
    return Facts(
        building=building,
        now=now,
        secret=tx.keys.secret,
        people={person.id: person for person in _people(tx, site, wanted, found_visits, found_parcels)},
        visits={visit.id: visit for visit in found_visits},
        parcels={parcel.id: parcel for parcel in found_parcels},
        alerts={alert.key: alert for alert in incidents.open_alerts(tx, site)},
        incidents={incident.id: incident for incident in incidents.open_incidents(tx, site)},
        panel_modes={(mode.device, mode.system): mode for mode in states.panel_modes(tx, site, devices)},
        doors={door.door: door for door in states.doors(tx, site, wanted.doors)},
        deadlines={deadline.key: deadline for deadline in timers},
        commands={str(record.command.id): record for record in commands},
    )


def _visits(
    tx: Transaction, site: str, wanted: Wanted, reached: list[Deadline], commands: list[CommandRecord]
) -> list[Visit]:
    ids = wanted.visits | {deadline.record for deadline in reached} | {command.record for command in commands}
    return [
        *visits.having(tx, site, tables.visits.c.id, ids),
        *visits.having(tx, site, tables.visits.c.ref, wanted.visit_refs),
    ]


def _parcels(
    tx: Transaction, site: str, wanted: Wanted, reached: list[Deadline], commands: list[CommandRecord]
) -> list[Parcel]:
    ids = wanted.parcels | {deadline.record for deadline in reached} | {command.record for command in commands}
    return [
        *parcels.having(tx, site, tables.parcels.c.id, ids),
        *parcels.stored_in(tx, site, wanted.places),
        *parcels.tracked(tx, site, wanted.trackings),
    ]


def _people(
    tx: Transaction, site: str, wanted: Wanted, found_visits: list[Visit], found_parcels: list[Parcel]
) -> list[Person]:
    """A visit's host and a parcel's recipient too: rules tell them what became of it."""
    return people.find(
        tx,
        site,
        refs=wanted.people | {visit.visited for visit in found_visits} | {parcel.person for parcel in found_parcels},
        phones=wanted.phones,
        units=wanted.units,
        numbers=wanted.numbers,
    )
