"""A made-up estate whose events are decided and applied one after the other, as the intake does it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from hub.core.building import Building
from hub.core.effects import Effect, Refused, SendCommand, SendNotice, SetDeadline
from hub.core.envelope import event_id
from hub.core.events import EVENT, EVENT_CLASSES, Event
from hub.core.facts import Facts
from hub.core.records import Alert, Deadline, Incident, Parcel, Person, Visit
from hub.rules import acts, decide

T = datetime(2026, 4, 10, 2, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WANG = acts.Actor("wang", "desk")

E = TypeVar("E")


def _name(zh: str, en: str = "") -> dict[str, str]:
    return {"zh": zh, "en": en or zh}


def _panel(name: str, peer: str, serves: Sequence[str], restores: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": _name(f"{name}主机"), "adapter": "gbt26875", "address": "1", "peer": peer,
        "heartbeat": "PT30S", "silence": "PT90S", "serves": serves, "restores": restores, **more,
    }  # fmt: skip


def _point(address: str, floor: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "shown": f"1-{address}", "kind": "smoke", "label": f"{floor}层走廊", "floor": floor,
            "fire_zone": f"b3/{floor.zfill(2)}", **more}  # fmt: skip


def _device(name: str, adapter: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": _name(name, name.title()), "adapter": adapter, "address": name,
        "heartbeat": "PT30S", "silence": "PT90S", **more,
    }  # fmt: skip


BUILDING = Building.model_validate({
    "site": {"id": "cedar", "name": _name("雪松里"), "time_zone": "Asia/Shanghai"},
    "posts": {
        "fire-room": {"id": "fire-room", "name": _name("消控室"), "first_for": ["fire"], "phone": "0571-1"},
        "desk": {
            "id": "desk", "name": _name("前台"), "phone": "0571-2",
            "first_for": ["emergency", "duress", "help", "visitor", "parcel", "device", "door"],
        },
    },
    "zones": {
        "b3": {
            "id": "b3", "name": _name("3号楼"), "floors": ["6", "7", "8"],
            "fire_zones": ["b3/06", "b3/07", "b3/08"],
        },
    },
    "doors": {
        "east": {"id": "east", "name": _name("东门", "East door"), "into": "b3"},
        "west": {"id": "west", "name": _name("西门"), "into": "b3"},
    },
    "links": {"cabinet": {"id": "cabinet", "name": _name("东门弱电箱", "East cabinet")}},
    "devices": {
        "gate-in": _device("gate-in", "face_mqtt", doors={"1": {"door": "east", "direction": "entry"}}),
        "gate-out": _device(
            "gate-out", "face_mqtt", doors={"1": {"door": "west", "direction": "exit"}, "2": {"door": "east"}}
        ),
        "locker": _device("locker", "locker_mqtt", codes="hub", compartments={"12": "S", "13": "S"}),
        **{f"lane-{n}": _device(f"lane-{n}", "face_mqtt", behind="cabinet") for n in (1, 2, 3)},
        "lane-panel": _panel("lane-panel", "10.0.0.3", ["b3"], "point", behind="cabinet"),
        "own-codes": _device("own-codes", "locker_mqtt", codes="device"),
        "panel": _panel("panel", "10.0.0.1", ["b3"], "point", points={
            "1/1": _point("1/1", "7"), "1/2": _point("1/2", "7"), "1/3": _point("1/3", "8"),
            "1/8": _point("1/8", "7", kind="manual_call_point"),
                    "1/9": _point("1/9", "7", kind="manual_call_point"),
        }),
        "old-panel": _panel("old-panel", "10.0.0.2", ["b3"], "reset", points={"1/1": _point("1/1", "6")}),
    },
})  # fmt: skip

OWNER = Person(id="p1", site="cedar", kind="owner", name="周兰", phone="13900001111", unit="3-1-702")


class Estate:
    """`now` goes on by a second an event; sequences rise with it."""

    def __init__(self, *, channels: tuple[str, ...] = ("desk", "webhook")) -> None:
        self.facts = Facts(building=BUILDING, now=T, secret=b"s" * 32, channels=channels, people={"p1": OWNER})
        self.sequence = 0
        self.last: Sequence[Effect] = ()
        self.heard: Event

    @property
    def now(self) -> datetime:
        return self.facts.now

    def passes(self, time: timedelta) -> None:
        self.facts.now += time

    def hears(
        self,
        kind: str,
        device: str,
        subject: str | None = None,
        *,
        ago: timedelta = timedelta(),
        shows: datetime | None = None,
        delivery: str = "live",
        clock: str = "device",
        sequence: int | None = None,
        host: str = "hub-1",
        **data: Any,
    ) -> Sequence[Effect]:
        """An event of a device; `ago`: how long before it was received it happened; `shows`: what the
        device's clock did then."""
        self.passes(SECOND)
        self.sequence += 1
        lane = EVENT_CLASSES[kind].usual_lane or ("life" if "panel" in device else "routine")
        event = EVENT.validate_python({
            "type": kind,
            "id": event_id(self.now, site="cedar", device=device, type_name=kind, subject=subject,
                           record=str(self.sequence)),
            "host": host,
            "sequence": self.sequence if sequence is None else sequence,
            "source": f"/sites/cedar/devices/{device}",
            "subject": subject,
            "time": shows or self.now - ago,
            "received": self.now,
            "lane": lane,
            "delivery": delivery,
            "clock": clock,
            "data": data,
        })  # fmt: skip
        return self.takes(event)

    def takes(self, event: Event) -> Sequence[Effect]:
        self.heard = event
        self.last = self.facts.apply(decide(event, self.facts))
        return self.last

    def does(self, act: Iterable[Effect]) -> Sequence[Effect]:
        """A person's act."""
        self.last = self.facts.apply(act)
        return self.last

    def reaches(self, key: str, *, later: timedelta = timedelta()) -> Sequence[Effect]:
        """A deadline falls due and is decided, `later` than it should have been."""
        deadline = self.facts.deadlines[key]
        self.facts.now = max(self.now, deadline.due + later)
        event = EVENT.validate_python({
            "type": "deadline.reached",
            "id": event_id(deadline.due, site="cedar", device="", type_name="", subject=key, record=str(self.now)),
            "source": "/sites/cedar/hub",
            "time": deadline.due,
            "received": self.now,
            "lane": deadline.lane,
            "clock": "hub",
            "data": {"deadline": key, "due": deadline.due},
        })  # fmt: skip
        self.takes(event)
        if self.facts.deadlines.get(key) == deadline:
            del self.facts.deadlines[key]
        return self.last

    # what there is

    def alert(self, kind: str) -> Alert:
        return self.only(a for a in self.facts.alerts.values() if a.kind == kind)

    def alerts(self) -> list[str]:
        return sorted(alert.kind for alert in self.facts.alerts.values())

    def shown(self) -> tuple[dict[str, Alert], dict[str, Incident], dict[str, Deadline]]:
        """What the desk sees and waits for, as it is now."""
        return dict(self.facts.alerts), dict(self.facts.incidents), dict(self.facts.deadlines)

    @property
    def incident(self) -> Incident:
        return self.only(self.facts.incidents.values())

    @property
    def visit(self) -> Visit:
        return self.only(self.facts.visits.values())

    @property
    def parcel(self) -> Parcel:
        return self.only(self.facts.parcels.values())

    def only(self, found: Iterable[E]) -> E:
        values = list(found)
        assert len(values) == 1, values
        return values[0]

    # short words for what tests say often

    def fire(self, point: str = "1/1", device: str = "panel", **more: Any) -> Sequence[Effect]:
        zone, _, number = point.partition("/")
        data: dict[str, Any] = {"active": True, "zone": zone, "point": number, "detector": "smoke"} | more
        return self.hears("fire.alarm", device, f"zone/{zone}/point/{number}", **data)

    def normal(self, point: str = "1/1", device: str = "panel", **more: Any) -> Sequence[Effect]:
        zone, _, number = point.partition("/")
        return self.hears("fire.normal", device, f"zone/{zone}/point/{number}", zone=zone, point=number, **more)

    def mode(self, linkage: str, subject: str = "system/1/1", **more: Any) -> Sequence[Effect]:
        return self.hears("fire.mode_changed", "panel", subject, linkage=linkage, **more)

    def judge(
        self, verdict: Literal["real", "false", "test"] = "false", cause: Literal["cooking", ""] = "cooking"
    ) -> None:
        self.does(acts.judge_incident(self.facts, self.incident.id, verdict, cause, WANG, self.now))

    def answer(self) -> None:
        self.does(acts.answer_incident(self.facts, self.incident.id, WANG, self.now))

    def announce(self, **more: Any) -> Visit:
        form = acts.AnnounceVisit(**{"name": "陈欣", "unit": "3-1-702", "phone": "13800002222"} | more)
        self.does(acts.announce(self.facts, form, WANG, self.now, "act-1"))
        return self.visit

    def passage(self, ref: str, device: str = "gate-in", **more: Any) -> Sequence[Effect]:
        return self.hears("access.granted", device, "door/1", door="1", person={"ref": ref}, **more)

    def stores(self, device: str = "locker", **more: Any) -> Sequence[Effect]:
        data = {"compartment": "12", "parcel": {"tracking": "SF4455667788"}, "recipient": {"phone": OWNER.phone}} | more
        return self.hears("parcel.stored", device, **data)

    def collects(self, device: str = "locker", **more: Any) -> Sequence[Effect]:
        return self.hears("parcel.collected", device, **{"compartment": "12"} | more)


def notices(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    return [(e.notice.template, e.notice.channel) for e in effects if isinstance(e, SendNotice)]


def commands(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    return [(e.record.command.kind, e.record.command.device) for e in effects if isinstance(e, SendCommand)]


def deadlines(effects: Iterable[Effect]) -> dict[str, Deadline]:
    return {e.deadline.key: e.deadline for e in effects if isinstance(e, SetDeadline)}


def refusal(act: Callable[[], object]) -> str:
    """Why an act is refused."""
    try:
        act()
    except Refused as refused:
        return refused.reason
    raise AssertionError("it was not refused")
