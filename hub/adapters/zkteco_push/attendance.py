"""The att dialect's tables: ATTLOG (who passed) and OPERLOG (what was done at the terminal).

Attendance PUSH protocol 2.4.1, chapter 12 and appendices 3 to 5. A terminal has one door, number 1.
"""

from hub.adapters.zkteco_push import vocabulary
from hub.adapters.zkteco_push.fields import Broken, time_of
from hub.core.access_events import (
    Access,
    AccessDuress,
    AccessGranted,
    CredentialShown,
    Direction,
    DoorClosed,
    DoorCondition,
    DoorForced,
    DoorMoved,
    DoorOpened,
    PersonSeenAt,
)
from hub.core.adapter import DeviceContext, E, Frame
from hub.core.device_events import DeviceCondition, DeviceReported, DeviceTampered, Reported
from hub.core.envelope import Data
from hub.core.events import Event
from hub.core.text import clean

DOOR = "1"
_STATUS: dict[str, Direction] = {"0": "entry", "1": "exit", "2": "exit", "3": "entry", "4": "entry", "5": "exit"}
"""in, out, break out, break in, overtime in, overtime out"""


def attendance_events(line: str, frame: Frame, device: DeviceContext) -> list[Event]:
    """`pin⇥time⇥status⇥verify⇥workcode⇥…`; raises Broken."""
    fields = [clean(field, 200) for field in line.split("\t")]
    if len(fields) < 2:
        raise Broken("it has fewer than two fields")
    pin, when, status, verified = [*fields, "", ""][:4]
    time = time_of(when, device)
    method = vocabulary.method_of(verified, card_shown=False)
    kind = "card" if method == "card" else vocabulary.kind_of(method)
    access = Access(
        door=DOOR,
        direction=_STATUS.get(status, "unknown"),
        method=method,
        person=PersonSeenAt(ref=pin) if pin.strip("0") else None,
        credential=CredentialShown(kind=kind) if kind else None,
    )
    return [
        device.event(
            AccessGranted, access, frame=frame, record=f"attlog {line.strip()}", time=time, subject=f"door/{DOOR}",
            delivery=None, vendorcode=f"zk:att/{status}"[:200],
        )
    ]  # fmt: skip


def operation_events(line: str, frame: Frame, device: DeviceContext) -> list[Event]:
    """`OPLOG code⇥operator⇥time⇥value…`. The table's other lines (USER, FP, FACE, …) are people's data: known, and
    not taken. Raises Broken."""
    kind, _, rest = line.lstrip().partition(" ")
    if kind.upper() != "OPLOG":
        return []
    fields = [clean(field, 200) for field in rest.split("\t")]
    if len(fields) < 3 or not fields[0].isdigit():
        raise Broken("its operation has no code or no time")
    code, value = fields[0][:9], fields[3] if len(fields) > 3 else ""
    time = time_of(fields[2], device)

    def told(event_class: type[E], data: Data, *, at_door: bool = False) -> E:
        return device.event(
            event_class, data, frame=frame, record=f"oplog {line.strip()}", time=time,
            subject=f"door/{DOOR}" if at_door else None, delivery=None, vendorcode=f"zk:op/{code}",
        )  # fmt: skip

    match code, value:
        case "32", _:
            return [told(AccessDuress, Access(door=DOOR), at_door=True)]
        case "3", "50":
            return [told(DoorClosed, DoorMoved(door=DOOR), at_door=True)]
        case "3", "51":
            return [told(DoorOpened, DoorMoved(door=DOOR), at_door=True)]
        case "3", "53":
            return [told(AccessGranted, Access(door=DOOR, method="exit_button"), at_door=True)]
        case "3", "54":
            return [told(DoorForced, DoorCondition(door=DOOR, active=True), at_door=True)]
        case "3", "55":
            return [told(DeviceTampered, DeviceCondition(active=True))]
        case "0", _:
            return [told(DeviceReported, Reported(what="started"))]
        case "21", _:
            return [told(DeviceReported, Reported(what="clock"))]
        case "5", _:
            return [told(DeviceReported, Reported(what="settings"))]
        case _:
            return [told(DeviceReported, Reported(what="other"))]
