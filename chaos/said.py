"""A device's record as the thing that it tells of, read from the simulator's own memory and not by the hub's codecs."""

import json
import struct
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from chaos.check import Thing
from simulators.gate import Gate
from simulators.locker import Locker
from simulators.memory import Record
from simulators.panel import Panel
from simulators.reader import Reader
from simulators.simulator import Simulator

POINTS = "type 2"
"""a panel's records of its points (GB/T 26875.3-2011, 8.3.1)"""
_FIRE, _TROUBLE = 1 << 1, 1 << 2
_PASSAGES = {"0": "access.granted", "8": "access.granted", "202": "access.granted", "27": "access.denied"}


def things(device: Simulator[Any], records: Iterable[Record[Any]]) -> Counter[Thing]:
    """Each record once, however often it is named. Two state lines of a reader that are equal are one."""
    once = {_same(device, record): record for record in records}
    told = (_thing(device, record) for record in once.values())
    return Counter(thing for thing in told if thing)


def without_repeats(records: Iterable[Record[Any]]) -> list[Record[Any]]:
    """Without a reader's state lines that say of the door what the line before said: the hub needn't keep those."""
    left: list[Record[Any]] = []
    last = ""
    for record in records:
        sensor = _fields(record.body)["sensor"] if record.kind == "rtstate" else ""
        if not sensor or sensor != last:
            left.append(record)
        last = sensor or last
    return left


def last_door(records: Iterable[Record[str]]) -> str:
    """What the reader said last of its door: open or closed; "" where it said nothing."""
    sensors = [_fields(record.body)["sensor"] for record in records if record.kind == "rtstate"]
    return "" if not sensors else "open" if sensors[-1] == "02" else "closed"


def _same(device: Simulator[Any], record: Record[Any]) -> object:
    return record.body if isinstance(device, Reader) else (record.kind, record.number)


def _thing(device: Simulator[Any], record: Record[Any]) -> Thing | None:
    """None for what isn't compared."""
    where, body = device.device.id, record.body
    match device:
        case Gate():
            return Thing(where, "access.granted", str(body["customId"]))
        case Reader() if record.kind == "rtstate":
            fields = _fields(body)
            what = "door.opened" if fields["sensor"] == "02" else "door.closed"
            return Thing(where, what, _local(fields["time"], device))
        case Reader():
            fields = _fields(body)
            what = _PASSAGES[fields["event"]]
            who = fields["cardno"] if what == "access.denied" else _local(fields["time"], device)
            return Thing(where, what, who)
        case Locker():
            return _of_locker(where, body.message)
        case Panel():
            return _of_panel(where, body) if record.kind == POINTS else None
        case _:
            raise TypeError(f"{where} is of a kind that nobody compares")


def _of_locker(where: str, said: dict[str, Any]) -> Thing | None:
    match said["type"]:
        case "parcel.stored" | "parcel.collected" | "parcel.withdrawn" as what:
            return Thing(where, what, said["parcel"]["tracking"])
        case "command.done" | "command.failed":
            return None
        case what:
            more = said.get("cause", said.get("active", ""))
            at = datetime.fromisoformat(said["time"]).timestamp()
            return Thing(where, what, f"{said['compartment']} {more} {at:.0f}")


def _of_panel(where: str, body: bytes) -> Thing:
    zone, point, status = struct.unpack("<HHH", body[5:11])
    subject = f"zone/{zone}/point/{point}"
    if status & _FIRE:
        return Thing(where, "fire.alarm", subject)
    if status & _TROUBLE:
        return Thing(where, "fire.trouble", subject)
    return Thing(where, "fire.normal", subject)


def _fields(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in line.split("\t"))


def _local(wall: str, device: Simulator[Any]) -> str:
    """Seconds since 1970, as a mark."""
    return f"{datetime.fromisoformat(wall).replace(tzinfo=device.device.time_zone).timestamp():.0f}"


def commands_heard(device: Simulator[Any]) -> list[tuple[str, str]]:
    """The id of each command that was on the wire to it, as the wire names it, as often as it was."""
    where = device.device.id
    match device:
        case Gate():
            mine = (told for told in device.told if told["operator"] not in ("PushAck", "Online-Ack", "GetSysTime"))
            return [(where, str(told.get("messageId") or json.dumps(told))) for told in mine]
        case Locker():
            return [(where, told["command"]) for told in device.told]
        case Reader():
            return [(where, number) for number, _ in device.told]
        case _:
            return []
