"""The check itself: what was said and told outside, against what is stored. Pure, and tested with planted faults."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Thing(NamedTuple):
    """One thing that happened: where (a device, or "desk"), what, and what tells it from the next one."""

    where: str
    what: str
    mark: str


class Asked(NamedTuple):
    """What a record must be in the end: of this kind and name, in one of these states."""

    kind: str
    name: str


class Notice(NamedTuple):
    """`cause` is what a person would call the same message."""

    cause: str
    key: str


@dataclass(slots=True)
class Outside:
    """What can be known without the hub. Things are counted: `sent` each record once, however often it went out;
    `told` those that got their yes."""

    sent: Counter[Thing] = field(default_factory=Counter)
    told: Counter[Thing] = field(default_factory=Counter)
    states: dict[Asked, frozenset[str]] = field(default_factory=dict)
    commands: list[tuple[str, str]] = field(default_factory=list)
    """device and id, for each time that a command was on the wire"""
    notices: list[Notice] = field(default_factory=list)
    """as they came out"""
    must_fire: set[str] = field(default_factory=set)
    """keys of deadlines that had to be reached"""
    must_not_fire: set[str] = field(default_factory=set)
    """keys of those that were cleared in time"""
    faults: list[str] = field(default_factory=list)
    """what the hub itself did that it must never do: end by itself, log an exception"""


@dataclass(slots=True)
class Stored:
    """What the store holds at the end. `fired` are deadlines reached, by key and due time; `waiting` the keys still to
    come, `overdue` those whose time has passed, `must_wait` those that the records ask for: to come, or reached."""

    things: Counter[Thing] = field(default_factory=Counter)
    states: dict[Asked, list[str]] = field(default_factory=dict)
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: set[str] = field(default_factory=set)
    overdue: set[str] = field(default_factory=set)
    must_wait: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """commands of unknown outcome"""


COLUMNS = ("lost", "twice", "wrong", "deadlines_wrong", "notices_two_keys", "commands_twice", "outcomes_unknown")
ALLOWED = "outcomes_unknown"


@dataclass(slots=True)
class Findings:
    """A line for each fault, by column."""

    sent: int
    lines: Mapping[str, list[str]]

    @property
    def counts(self) -> dict[str, int]:
        return {"sent": self.sent} | {column: len(self.lines[column]) for column in COLUMNS}


def check(outside: Outside, stored: Stored) -> Findings:
    return Findings(
        sent=outside.sent.total(),
        lines={
            "lost": list(_lost(outside, stored)),
            "twice": list(_twice(outside, stored)),
            "wrong": list(_wrong(outside, stored)),
            "deadlines_wrong": list(_deadlines(outside, stored)),
            "notices_two_keys": list(_two_keys(outside.notices)) + list(_two_keys(stored.notices)),
            "commands_twice": [
                f"{device} was told {command} {times} times"
                for (device, command), times in Counter(outside.commands).items()
                if times > 1
            ],
            "outcomes_unknown": list(stored.unknown),
        },
    )


def _lost(outside: Outside, stored: Stored) -> Iterable[str]:
    for thing, told in outside.told.items():
        for _ in range(told - stored.things[thing]):
            yield f"told yes and not stored: {thing}"


def _twice(outside: Outside, stored: Stored) -> Iterable[str]:
    for thing, times in stored.things.items():
        if sent := outside.sent[thing]:
            for _ in range(times - sent):
                yield f"stored more often than it happened: {thing}"


def _wrong(outside: Outside, stored: Stored) -> Iterable[str]:
    yield from outside.faults
    for thing in stored.things:
        if not outside.sent[thing]:
            yield f"stored and never sent: {thing}"
    for asked, states in outside.states.items():
        found = stored.states.get(asked, [])
        if len(found) != 1 or found[0] not in states:
            yield f"{asked.kind} {asked.name}: {found or 'not there'}, and its device said {sorted(states)}"


def _deadlines(outside: Outside, stored: Stored) -> Iterable[str]:
    reached = {key for key, _ in stored.fired}
    for (key, due), times in stored.fired.items():
        if times > 1:
            yield f"{key} of {due} fired {times} times"
    for key in sorted(stored.overdue):
        yield f"{key} is overdue"
    for key in sorted(outside.must_fire - reached - stored.overdue):
        yield f"{key} never fired"
    for key in sorted(outside.must_not_fire & reached):
        yield f"{key} fired, though it was cleared in time"
    for key in sorted(stored.must_wait - stored.waiting - reached):
        yield f"{key} is neither there nor reached, and its record asks for it"


def _two_keys(notices: Iterable[Notice]) -> Iterable[str]:
    keys: dict[str, set[str]] = {}
    for notice in notices:
        keys.setdefault(notice.cause, set()).add(notice.key)
    for cause, found in keys.items():
        if len(found) > 1:
            yield f"{cause}: {', '.join(sorted(found))}"
