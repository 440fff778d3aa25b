"""Made-up records and events for the store's tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hub.core.access_events import Access, AccessGranted, CredentialShown, PersonSeenAt
from hub.core.building import Building, Site
from hub.core.commands import PutPickup
from hub.core.device_events import ParcelLabel, ParcelStored, Recipient, Stored
from hub.core.events import Event
from hub.core.fire_events import FireAlarm, FireCondition
from hub.core.records import (
    Alert,
    CommandRecord,
    Credential,
    Deadline,
    DoorState,
    Incident,
    Notice,
    PanelMode,
    Parcel,
    Person,
    Visit,
)

SITE = "b1"
T = datetime(2026, 4, 10, 2, 0, 7, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BUILDING = Building.model_validate(
    {"site": {"id": SITE, "name": {"zh": "云杉苑", "en": "Spruce Court"}, "time_zone": "Asia/Shanghai"}}
)
assert isinstance(BUILDING.site, Site)

NAME, PHONE, PLATE, CARD, TRACKING, CODE = (
    "欧阳青禾",
    "13912340987",
    "沪B·7Q2X9",
    "0009876501",
    "YT7788990011",
    "904417",
)
PERSONAL = (NAME, PHONE, PLATE, CARD, TRACKING, CODE)


def visit(id: str = "v1", **changes: Any) -> Visit:  # noqa: A002  # the record's own word
    values: dict[str, Any] = {
        "id": id, "site": SITE, "ref": "70012", "state": "expected", "kind": "guest", "name": NAME, "unit": "3-1-1201",
        "phone": PHONE, "visited": "p1", "purpose": "送琴",
        "starts": T, "ends": T + 60 * MINUTE, "announced_at": T - MINUTE,
        "plate": PLATE, "by": "front", "host": "hub-1", "sequence": 3,
    }  # fmt: skip
    return Visit(**values | changes)


def parcel(id: str = "k1", **changes: Any) -> Parcel:  # noqa: A002
    values: dict[str, Any] = {
        "id": id, "site": SITE, "state": "stored", "tracking": TRACKING, "carrier": "圆通", "device": "locker-1",
        "compartment": "12", "person": "p1", "phone": PHONE, "unit": "3-1-1201", "stored_at": T,
        "code_hash": b"\x00\xff" * 16, "by": "courier",
    }  # fmt: skip
    return Parcel(**values | changes)


def alert(id: str = "a1", **changes: Any) -> Alert:  # noqa: A002
    values: dict[str, Any] = {
        "id": id, "site": SITE, "kind": "fire", "severity": "critical", "lane": "life", "key": f"fire/{id}",
        "device": "panel-1", "subject": "zone/1/point/7", "fire_zone": "b3/07", "label": "7层走廊烟感",
        "shown": "1-2-037",
        "raised_at": T, "last_at": T, "told_at": T, "incident": "i1", "details": {"panel": "text"},
        "host": "hub-1", "sequence": 9,
    }  # fmt: skip
    return Alert(**values | changes)


def incident(id: str = "i1", **changes: Any) -> Incident:  # noqa: A002
    values: dict[str, Any] = {
        "id": id, "site": SITE, "kind": "fire", "place": "b3/07", "opened_at": T, "first_at": T,
        "counts": {"smoke": 2}, "joined_at": T + MINUTE, "verdict": None,
    }  # fmt: skip
    return Incident(**values | changes)


def person(id: str = "p1", **changes: Any) -> Person:  # noqa: A002
    values: dict[str, Any] = {
        "id": id, "site": SITE, "kind": "owner", "name": NAME, "phone": PHONE, "email": "qinghe@mail.example",
        "unit": "3-1-1201", "needs_help": "轮椅", "lease_ends": T,
        "credentials": (
            Credential(id=f"{id}-card", site=SITE, person=id, kind="card", number=CARD, ref="gate-1/88", zones=("b3",)),
            Credential(id=f"{id}-face", site=SITE, person=id, kind="face", ref="5001", starts=T, ends=T + MINUTE),
        ),
    }  # fmt: skip
    return Person(**values | changes)


def deadline(key: str = "overstay/v1", **changes: Any) -> Deadline:
    values: dict[str, Any] = {
        "site": SITE, "key": key, "kind": "overstay", "lane": "routine", "due": T, "record": "v1", "absence": True,
        "devices": ("gate-1", "gate-2"), "set_at": T - MINUTE,
    }  # fmt: skip
    return Deadline(**values | changes)


def notice(key: str = "pickup/k1", **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "key": key, "site": SITE, "template": "pickup", "channel": "smtp", "to": "qinghe@mail.example", "person": "p1",
        "record": "k1", "params": {"name": NAME, "code": CODE}, "next_at": T, "created_at": T,
    }  # fmt: skip
    return Notice(**values | changes)


def command(id: UUID | None = None, **changes: Any) -> CommandRecord:  # noqa: A002
    body = PutPickup(
        id=id or uuid4(), site=SITE, device="locker-1", expires=T.replace(microsecond=0) + 10 * MINUTE, by="hub",
        parcel="k1", compartment="12", code=CODE,
    )  # fmt: skip
    values: dict[str, Any] = {"command": body, "record": "k1", "created_at": T}
    return CommandRecord(**values | changes)


def mode(**changes: Any) -> PanelMode:
    values: dict[str, Any] = {
        "site": SITE,
        "device": "panel-1",
        "system": "1",
        "linkage": "manual",
        "delayed": True,
        "since": T,
    }
    return PanelMode(**values | changes)


def door(name: str = "lobby", **changes: Any) -> DoorState:
    values: dict[str, Any] = {"site": SITE, "door": name, "open": True, "since": T, "host": "hub-1", "sequence": 4}
    return DoorState(**values | changes)


def granted(number: int = 1, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": UUID(int=(0x019_0000_0000 + number) << 80 | 8 << 76 | 2 << 62 | number << 24),
        "host": "hub-1", "sequence": number, "source": f"/sites/{SITE}/devices/gate-1", "subject": "door/1",
        "time": T + number * MINUTE, "received": T + number * MINUTE, "lane": "routine", "vendorcode": "face:1",
        "data": Access(
            door="1", direction="entry", method="card", person=PersonSeenAt(ref="5001", name=NAME),
            credential=CredentialShown(kind="card", number=CARD),
        ),
    }  # fmt: skip
    return AccessGranted(**values | changes)


def stored(number: int = 500, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": UUID(int=(0x019_0000_0000 + number) << 80 | 8 << 76 | 2 << 62 | number << 24),
        "host": "hub-1", "sequence": number, "source": f"/sites/{SITE}/devices/locker-1",
        "time": T, "received": T, "lane": "routine",
        "data": Stored(compartment="12", parcel=ParcelLabel(tracking=TRACKING), recipient=Recipient(phone=PHONE)),
    }  # fmt: skip
    return ParcelStored(**values | changes)


def fire(number: int = 900, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": UUID(int=(0x019_0000_0000 + number) << 80 | 8 << 76 | 2 << 62 | number << 24),
        "host": "hub-1", "sequence": number, "source": f"/sites/{SITE}/devices/panel-1", "subject": "zone/1/point/7",
        "time": T, "received": T, "lane": "life", "data": FireCondition(active=True, zone="1", point="7"),
    }  # fmt: skip
    return FireAlarm(**values | changes)
