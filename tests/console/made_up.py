"""Made-up events and records to fill a desk with."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hub.core.access_events import Access, AccessDuress, AccessGranted, PersonSeenAt
from hub.core.device_events import (
    CommandDone,
    DeadlineReached,
    DeviceFlooding,
    DeviceOffline,
    Flooding,
    Link,
    Outcome,
    ParcelLabel,
    ParcelStored,
    Reached,
    Recipient,
    Stored,
)
from hub.core.fire_events import Detector, FireAlarm, FireCondition
from hub.core.records import Alert, Credential, Notice, Parcel, Person, Visit
from hub.store import devices, incidents, outbox, parcels, people, quarantine, visits
from hub.store.database import Transaction
from hub.store.devices import DeviceStatus, SeenFrame
from tests.console.desk_side import Console

SITE = "yunhe"
MINUTE = timedelta(minutes=1)
_SEQUENCE = iter(range(1, 10**9))


def fire(at: datetime, *, shown: str = "1-2-037", detector: Detector = "smoke", label: str = "电梯厅") -> FireAlarm:
    return FireAlarm(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/fire-b3",
        subject=f"zone/217/point/{shown}",
        time=at,
        received=at,
        lane="life",
        data=FireCondition(active=True, zone="217", point=shown, shown=shown, panel_label=label, detector=detector),
    )


def flooding(at: datetime, device: str = "gate-e1") -> DeviceFlooding:
    return DeviceFlooding(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/{device}",
        time=at,
        received=at,
        lane="routine",
        data=Flooding(active=True, let_fall=12),
    )


def offline(at: datetime, device: str = "locker-2") -> DeviceOffline:
    return DeviceOffline(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/{device}",
        time=at,
        received=at,
        lane="routine",
        data=Link(cause="silence", last_heard=at - timedelta(minutes=2)),
    )


def passage(at: datetime, who: str = "岑启明") -> AccessGranted:
    return AccessGranted(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/gate-e1",
        subject="door/1",
        time=at,
        received=at,
        lane="routine",
        data=Access(door="1", direction="entry", method="face", person=PersonSeenAt(ref="R-001", name=who)),
    )


def duress(at: datetime) -> AccessDuress:
    return AccessDuress(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/gate-e1",
        subject="door/1",
        time=at,
        received=at,
        lane="life",
        data=Access(door="1", direction="entry", method="pin"),
    )


def reached(at: datetime) -> DeadlineReached:
    return DeadlineReached(
        id=uuid4(),
        source=f"/sites/{SITE}/hub",
        time=at,
        received=at,
        lane="life",
        data=Reached(deadline="ladder/2937/1", due=at),
    )


def put(at: datetime) -> CommandDone:
    return CommandDone(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/locker-2",
        time=at,
        received=at,
        lane="routine",
        data=Outcome(command="c-1", result="put"),
    )


def stored(at: datetime, tracking: str = "SF0012341234", compartment: str = "12") -> ParcelStored:
    return ParcelStored(
        id=uuid4(),
        host="edge",
        sequence=next(_SEQUENCE),
        source=f"/sites/{SITE}/devices/locker-2",
        subject=f"compartment/{compartment}",
        time=at,
        received=at,
        lane="routine",
        data=Stored(
            compartment=compartment,
            parcel=ParcelLabel(tracking=tracking, carrier="SF"),
            recipient=Recipient(phone="19900001013"),
        ),
    )


def visit(number: int, at: datetime, **changes: Any) -> Visit:
    known: dict[str, Any] = {
        "id": f"visit-{number}",
        "site": SITE,
        "ref": f"8{number:08}",
        "state": "expected",
        "kind": "visit",
        "name": "李秋白",
        "unit": "3-1-702",
        "phone": "19900002012",
        "announced_at": at,
        "by": "desk",
    }
    return Visit(**{**known, **changes})


def parcel(number: int, at: datetime, **changes: Any) -> Parcel:
    known: dict[str, Any] = {
        "id": f"parcel-{number}",
        "site": SITE,
        "state": "stored",
        "tracking": f"SF00{number:08}",
        "carrier": "SF",
        "shelf": f"A-{number:02}",
        "unit": "3-1-702",
        "phone": "19900001013",
        "stored_at": at,
        "by": "desk",
    }
    return Parcel(**{**known, **changes})


RESIDENT = Person(
    id="R-001",
    site=SITE,
    kind="owner",
    name="岑启明",
    phone="19900001013",
    unit="3-1-702",
    credentials=(Credential(id="c1", site=SITE, person="R-001", kind="card", number="40260037"),),
)


def door_alert(at: datetime, **changes: Any) -> Alert:
    known: dict[str, Any] = {
        "id": "alert-door",
        "site": SITE,
        "kind": "door_held_open",
        "severity": "high",
        "lane": "routine",
        "key": "door.held_open/east-1",
        "door": "east-1",
        "device": "gate-e1",
        "raised_at": at,
        "last_at": at,
        "told_at": at,
    }
    return Alert(**{**known, **changes})


async def fill(console: Console) -> None:
    """An ordinary busy hour."""
    now = console.clock()

    def work(tx: Transaction) -> None:
        people.save(tx, RESIDENT)
        visits.put(tx, _visits(now))
        parcels.put(tx, _parcels(now))
        incidents.put_alerts(tx, _alerts(now))
        devices.save_status(tx, *_devices(now))
        quarantine.add(tx, _unreadable(now))
        outbox.add_notices(tx, _notices(now))

    await console.write(work)
    await console.happen(offline(now - 2 * MINUTE))
    await console.happen(passage(now))


def _visits(now: datetime) -> list[Visit]:
    in_since, ended = now - 80 * MINUTE, now - 33 * MINUTE
    repair = {"opened_at": now - 15 * MINUTE, "opened_door": "east-1"}
    return [
        visit(1, now - 20 * MINUTE, starts=now + 10 * MINUTE),
        visit(2, now - 2 * MINUTE, state="waiting", name="陈亦舟", unit="5-1-301"),
        visit(3, now - 60 * MINUTE, state="open", name="周岚", kind="repair", unit="2-1-1101", **repair),
        visit(4, now - 90 * MINUTE, state="open", name="吴文博", unit="8-1-2601", opened_at=in_since, ends=ended),
    ]


def _parcels(now: datetime) -> list[Parcel]:
    in_locker = {"shelf": "", "device": "locker-2", "compartment": "07"}
    return [
        parcel(1, now - 300 * MINUTE, notified=True),
        parcel(2, now - 60 * MINUTE, carrier="YT", unit="1-2-503", **in_locker),
        parcel(3, now - timedelta(days=8), carrier="JD", unit="6-1-902", overdue=True, notified=True),
    ]


def _alerts(now: datetime) -> list[Alert]:
    behind = {"id": "left", "kind": "parcel_overdue", "severity": "medium", "key": "parcel_overdue/parcel-3"}
    return [
        door_alert(now - 3 * MINUTE, handling="taken", owner="desk"),
        door_alert(now - timedelta(days=1), door="", device="", **behind),
    ]


def _devices(now: datetime) -> list[DeviceStatus]:
    common: dict[str, Any] = {"site": SITE, "host": "edge", "adapter": "face_mqtt", "link": "online", "last_heard": now}
    frame = SeenFrame(at=now, hex="7b226f70", meaning=("access.granted",))
    return [
        DeviceStatus(device="gate-e1", address="1026801", declared=True, since=now - 60 * MINUTE, skew=-2.4, **common),
        DeviceStatus(
            device="?1026899", address="1026899", declared=False, since=now - 6 * MINUTE, frames=(frame,), **common
        ),
    ]


def _unreadable(now: datetime) -> quarantine.QuarantinedFrame:
    return quarantine.QuarantinedFrame(
        id="q-1",
        site=SITE,
        device="fire-b3",
        received=now,
        reason="checksum is 7a, the bytes sum to 7b",
        frame=bytes.fromhex("40400100010112000a0b0c7a2323"),
    )


def _notices(now: datetime) -> list[Notice]:
    sent = {"carrier": "SF", "tail": "0001", "post": "前台", "shelf": "A-01", "code": "204816"}
    failed = {"carrier": "YT", "tail": "0002", "locker": "3号楼快递柜", "compartment": "07"}
    return [
        _notice("parcel-1", "desk", sent, now, state="sent"),
        _notice("parcel-2", "smtp", failed, now, state="failed", to="cen@example.com", error="no_connection"),
    ]


def _notice(record: str, channel: str, params: dict[str, str], at: datetime, **changes: Any) -> Notice:
    key = f"pickup/{record}/{channel}"
    return Notice(
        key=key, site=SITE, template="pickup", channel=channel, record=record, params=params,
        next_at=at, created_at=at, **changes,
    )  # fmt: skip
