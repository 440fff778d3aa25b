"""Made-up events and records to fill a desk with."""

from datetime import datetime, timedelta
from uuid import uuid4

from hub.core.access_events import Access, AccessGranted, PersonSeenAt
from hub.core.device_events import DeviceOffline, Link, ParcelLabel, ParcelStored, Recipient, Stored
from hub.core.fire_events import Detector, FireAlarm, FireCondition
from hub.core.records import Alert, Credential, Notice, Parcel, Person, Visit
from hub.store import devices, incidents, outbox, parcels, people, quarantine, visits
from hub.store.database import Transaction
from hub.store.devices import DeviceStatus, SeenFrame
from tests.console.desk_side import Console

SITE = "yunhe"
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


def visit(number: int, at: datetime, **changes: object) -> Visit:
    known: dict[str, object] = {
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
    return Visit(**{**known, **changes})  # type: ignore[arg-type]  # each test says what matters to it


def parcel(number: int, at: datetime, **changes: object) -> Parcel:
    known: dict[str, object] = {
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
    return Parcel(**{**known, **changes})  # type: ignore[arg-type]  # each test says what matters to it


RESIDENT = Person(
    id="R-001",
    site=SITE,
    kind="owner",
    name="岑启明",
    phone="19900001013",
    unit="3-1-702",
    credentials=(Credential(id="c1", site=SITE, person="R-001", kind="card", number="40260037"),),
)


def door_alert(at: datetime, **changes: object) -> Alert:
    known: dict[str, object] = {
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
    }
    return Alert(**{**known, **changes})  # type: ignore[arg-type]  # each test says what matters to it


async def fill(console: Console) -> None:
    """An ordinary busy hour."""
    now = console.clock()
    minute = timedelta(minutes=1)

    def work(tx: Transaction) -> None:
        people.save(tx, RESIDENT)
        visits.put(
            tx,
            [
                visit(1, now - 20 * minute, starts=now + 10 * minute),
                visit(2, now - 2 * minute, state="waiting", name="陈亦舟", unit="5-1-301"),
                visit(3, now - 60 * minute, state="open", name="周岚", kind="repair", unit="2-1-1101",
                      opened_at=now - 15 * minute, opened_door="east-1"),
                visit(4, now - 90 * minute, state="open", name="吴文博", unit="8-1-2601",
                      opened_at=now - 80 * minute, ends=now - 33 * minute),
            ],
        )  # fmt: skip
        parcels.put(
            tx,
            [
                parcel(1, now - 300 * minute, notified=True),
                parcel(2, now - 60 * minute, shelf="", device="locker-2", compartment="07", carrier="YT", unit="1-2-503"),
                parcel(3, now - timedelta(days=4), carrier="JD", unit="6-1-902", overdue=True, notified=True),
            ],
        )  # fmt: skip
        incidents.put_alerts(
            tx,
            [
                door_alert(now - 3 * minute, handling="taken", owner="desk"),
                door_alert(now - timedelta(days=2), id="left", kind="parcel_overdue", severity="medium", key="parcel_overdue/parcel-3", door="", device=""),
            ],
        )  # fmt: skip
        devices.save_status(
            tx,
            DeviceStatus(site=SITE, device="gate-e1", host="edge", adapter="face_mqtt", address="1026801", declared=True,
                         link="online", last_heard=now, since=now - 60 * minute, skew=-2.4),
            DeviceStatus(site=SITE, device="?1026899", host="edge", adapter="face_mqtt", address="1026899", declared=False,
                         link="online", last_heard=now, since=now - 6 * minute,
                         frames=(SeenFrame(at=now, hex="7b226f70", meaning=("access.granted",)),)),
        )  # fmt: skip
        quarantine.add(
            tx,
            quarantine.QuarantinedFrame(
                id="q-1", site=SITE, device="fire-b3", received=now, reason="checksum is 7a, the bytes sum to 7b",
                frame=bytes.fromhex("40400100010112000a0b0c7a2323"), topic="",
            ),
        )  # fmt: skip
        outbox.add_notices(
            tx,
            [
                Notice(key="pickup/parcel-1/desk", site=SITE, template="pickup", channel="desk", record="parcel-1",
                       params={"site": "云河雅苑", "carrier": "SF", "tail": "0001", "post": "前台", "shelf": "A-01",
                               "code": "204816"}, state="sent", next_at=now, created_at=now, sent_at=now),
                Notice(key="pickup/parcel-2/smtp", site=SITE, template="pickup", channel="smtp", record="parcel-2",
                       to="cen@example.com", params={"carrier": "YT", "tail": "0002", "locker": "3号楼快递柜",
                       "compartment": "07"}, state="failed", error="no_connection", next_at=now, created_at=now),
            ],
        )  # fmt: skip

    await console.write(work)
    await console.happen(offline(now - 2 * minute))
    await console.happen(passage(now))
