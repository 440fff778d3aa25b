"""What a building says in a day, in one order for everyone: vendor frames, and the events that adapters make of them.

70 % residents' passages, 10 % refusals and door states, 10 % visitors, 8 % lockers, 2 % fire and device. Over MQTT
alone, where there is no panel and no reader, the gates pass and refuse and the locker has the 2 %.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, islice
from zoneinfo import ZoneInfo

from bench import wire
from bench.site import ENTRY, EXIT, LOCKER, PANEL, building
from hub.adapters import load_adapters
from hub.bus import topics
from hub.core.adapter import DeviceContext, Frame, RequestHead
from hub.core.events import Event, dump_event
from simulators import gb26875 as gb

HOST = "hub-1"
RESIDENTS = 2000
VISITORS = 4000
"""announced and expected when a run begins"""
PACE = timedelta(milliseconds=4)
"""of the devices' clocks between two events; ids sort by it"""
POINTS = tuple(f"217/{number}" for number in (6, 7, 8, 40))

# what each of a hundred events is, spread evenly
_KINDS = {"passage": 70, "refusal": 5, "door": 5, "visitor": 10, "locker": 8, "fire": 1, "device": 1}


@dataclass(frozen=True, slots=True)
class Said:
    device: str
    frame: Frame


@cache
def context(device: str) -> DeviceContext:
    declared, site = building().devices[device], building().site
    adapter = load_adapters()[declared.adapter]
    known = {name: getattr(declared, name) for name in adapter.options.model_fields if hasattr(declared, name)}
    options = adapter.options.model_validate({**known, **declared.options})
    return DeviceContext(site.id, device, declared.address, ZoneInfo(site.time_zone), adapter.lane, options)


def frames(begin: datetime, *, mqtt_only: bool = False, life: bool = True) -> Iterator[Said]:
    """An endless day; the same `begin` gives the same one."""
    voice = _Voice(begin)
    for number in count():
        kind = _order()[number % 100]
        if kind == "fire" and not life:
            kind = "passage"
        if mqtt_only:
            kind = {"door": "refusal", "fire": "device"}.get(kind, kind)
        yield voice.say(kind, number, by_gate=mqtt_only)


def events(begin: datetime, *, life: bool = True) -> Iterator[Event]:
    """The same day as the adapters read it."""
    adapters = load_adapters()
    for said in frames(begin, life=life):
        yield from adapters[building().devices[said.device].adapter].decode(said.frame, context(said.device)).events


def packets(wanted: int, begin: datetime, *, life: bool = True) -> list[bytes]:
    """`wanted` events as their host publishes them."""
    site = building().site.id
    published = []
    for sequence, event in enumerate(islice(events(begin, life=life), wanted), 1):
        payload = b'{"host":"%s","sequence":%d,%s' % (HOST.encode(), sequence, dump_event(event)[1:])
        published.append(wire.publish(topics.events(site, event.lane, event.device), payload, sequence))
    return published


def frame_packets(wanted: int, begin: datetime) -> list[bytes]:
    """`wanted` vendor frames as gates and lockers publish them; each is one event."""
    spoken = islice(frames(begin, mqtt_only=True), wanted)
    return [wire.publish(said.frame.topic, said.frame.payload, number) for number, said in enumerate(spoken)]


def resident(number: int) -> str:
    return f"p-{number % RESIDENTS:04d}"


def visitor(number: int) -> str:
    return f"9{number % VISITORS:06d}"


@cache
def _order() -> tuple[str, ...]:
    places = [((index + 0.5) / share, kind) for kind, share in _KINDS.items() for index in range(share)]
    return tuple(kind for _, kind in sorted(places))


class _Voice:
    """Counts what has been said, so that doors close after they open and what was stored is collected."""

    def __init__(self, begin: datetime) -> None:
        self._begin = begin
        self._counted = dict.fromkeys(_KINDS, 0)

    def say(self, kind: str, number: int, *, by_gate: bool) -> Said:
        at = self._begin + number * PACE
        turn = self._counted[kind]
        self._counted[kind] += 1
        match kind:
            case "passage" if by_gate or turn % 3:
                return _gate(at, number, resident(turn * 7), 1, entry=turn % 2 == 0)
            case "passage":
                return _reader(
                    at, number, f"pin={turn * 7 % RESIDENTS + 1}\tcardno={5_000_000 + turn * 7 % RESIDENTS}", 0
                )
            case "refusal":
                return _gate(at, number, resident(turn), 2, entry=True)
            case "door":
                return _reader(at, number, "pin=0\tcardno=0", 200 + turn % 2)
            case "visitor":
                return _gate(at, number, visitor(turn // 2), 1, entry=turn % 2 == 0)
            case "locker":
                return _locker(at, number, **_at_the_locker(turn))
            case "fire":
                return _panel(at, turn)
            case _:
                return _locker(at, number, type="device.low_battery", active=turn % 2 == 0)


def _gate(at: datetime, number: int, person: str, status: int, *, entry: bool) -> Said:
    device = ENTRY if entry else EXIT
    address = building().devices[device].address
    info = {
        "customId": person, "personId": number % 3000, "RecordID": number + 1, "VerifyStatus": status,
        "PersonType": 0, "similarity1": 88.5, "similarity2": 0.0, "Sendintime": 1,
        "direction": "entr" if entry else "exit", "otype": "1", "persionName": f"住户{person}",
        "facesluiceId": address, "facesluiceName": "East", "idCard": " ", "telnum": "",
        "left": 211, "top": 340, "right": 590, "bottom": 804, "time": _wall(at), "PushType": 0,
        "OpendoorWay": "0", "cardNum2": "1", "RFIDCard": "0", "szQrCodeData": "", "temperature": "36.4",
        "temperatureAlarm": "0", "isNoMask": 0, "dwFileIndex": "0", "dwFilePos": "20971520", "pic": "",
    }  # fmt: skip
    payload = json.dumps({"operator": "RecPush", "info": info}, ensure_ascii=False).encode()
    return Said(device, Frame(payload, at, topic=f"mqtt/face/{address}/Rec"))


def gate_passage(at: datetime) -> Said:
    """A resident's passage; %RECORD% stands where its RecordID belongs."""
    said = _gate(at, -1, resident(0), 1, entry=True)
    return Said(
        said.device, said.frame._replace(payload=said.frame.payload.replace(b'"RecordID": 0', b'"RecordID": %RECORD%'))
    )


def _reader(at: datetime, number: int, who: str, code: int) -> Said:
    device = "reader-b3" if number % 2 else "reader-n1"
    line = (
        f"time={_wall(at)}\t{who}\teventaddr=1\tevent={code}\tinoutstatus={2 if code else 0}"
        f"\tverifytype={200 if code else 4}\tindex={number + 1}\tsitecode=0\tlinkid=0\tmaskflag=0\ttemperature=0"
    )
    query = {"SN": building().devices[device].address, "table": "rtlog"}
    head = RequestHead("POST", "/iclock/cdata", query, {"content-type": "application/push;charset=UTF-8"})
    return Said(device, Frame(line.encode(), at, request=head, peer="127.0.0.1"))


def _at_the_locker(turn: int) -> dict[str, object]:
    """Twelve parcels come, then the twelve are fetched, a compartment each."""
    round_, step = divmod(turn, 72)
    visit, step = divmod(step, 3)
    compartment, tracking = str(visit % 12 + 1), f"YT{round_:06d}{visit % 12:02d}"
    storing = visit < 12
    match step:
        case 0:
            cause = "courier" if storing else "recipient"
            return {"type": "compartment.opened", "compartment": compartment, "cause": cause, "occupied": not storing}
        case 1 if storing:
            return {
                "type": "parcel.stored", "compartment": compartment, "size": "S",
                "parcel": {"tracking": tracking, "carrier": "圆通"},
                "recipient": {"phone": _phone(turn), "unit": unit(turn)},
            }  # fmt: skip
        case 1:
            taken = {"type": "parcel.collected", "by": "recipient"}
            return {**taken, "compartment": compartment, "parcel": {"tracking": tracking}}
        case _:
            return {"type": "compartment.closed", "compartment": compartment, "cause": "unknown", "occupied": storing}


def _locker(at: datetime, number: int, **said: object) -> Said:
    time = at.astimezone(ZoneInfo("Asia/Shanghai")).isoformat(timespec="seconds")
    payload = json.dumps({**said, "boot": 7, "number": number + 1, "time": time}, ensure_ascii=False).encode()
    return Said(LOCKER, Frame(payload, at, topic=f"locker/v1/{building().site.id}/{LOCKER}/up"))


def _panel(at: datetime, turn: int) -> Said:
    """A point alarms, another has a fault, the panel is reset, and so on round its points."""
    zone, point = map(int, POINTS[turn // 4 % len(POINTS)].split("/"))
    bits = {0: gb.FIRE, 1: gb.FAULT, 2: gb.FEEDBACK}.get(turn % 4)
    if bits is None:
        body = gb.objects(4, bytes([1, 1, 1, 1]) + gb.time_tag(local(at)))
    else:
        body = gb.objects(2, gb.component_state((1, 1), 40, (zone, point), bits, "烟感") + gb.time_tag(local(at)))
    return Said(PANEL, Frame(panel_frame(turn, body, at), at, peer="127.0.0.1"))


def panel_frame(sequence: int, body: bytes, at: datetime) -> bytes:
    address = int(building().devices[PANEL].address)
    return gb.build(gb.Frame(sequence & 0xFFFF, address, 0, gb.SEND, body), local(at))


def local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(building().site.time_zone))


def _wall(at: datetime) -> str:
    return local(at).strftime("%Y-%m-%d %H:%M:%S")


def _phone(number: int) -> str:
    return f"139{number % RESIDENTS:08d}"


def unit(number: int) -> str:
    """Four residents to a flat."""
    flat = number % RESIDENTS // 4
    return f"3-{flat % 2 + 1}-{flat // 20 + 1:02d}{flat // 2 % 10 + 1:02d}"


def now() -> datetime:
    return datetime.now(UTC)
