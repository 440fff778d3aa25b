"""One request of a reader: what it says, and the answer in the words that the reader waits for.

Security PUSH 4.8 and attendance PUSH 2.4.1. Stateless: everything is in the request, so a restart changes nothing.
Whatever can't be read is quarantined and still answered, or a reader that sends in order would be stuck for ever.
"""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime

from hub.adapters.zkteco_push import replies
from hub.adapters.zkteco_push.attendance import attendance_events, operation_events
from hub.adapters.zkteco_push.commands import reference_of
from hub.adapters.zkteco_push.fields import Broken, fields_of, lines_of, number_of, time_of
from hub.adapters.zkteco_push.records import access_events, state_events
from hub.core.adapter import CommandOutcome, Decoded, DeviceContext, Frame, RequestHead, Unreadable
from hub.core.device_events import DeviceReported, Reported
from hub.core.events import Event
from hub.core.text import clean

COMMANDS_A_POLL = 8
ACCEPTED_ONLY = -5000
"""the Return of a controller that has passed the command on: its outcome comes later"""

LineReader = Callable[[str, Frame, DeviceContext], list[Event]]

_PREFIX = re.compile(r"\A(?:/+iclock)+/+", re.IGNORECASE)
_TABLE = re.compile(r"[A-Za-z0-9_]{1,40}")
_RETURN = re.compile(r"-?[0-9]{1,9}")

PEOPLE = frozenset({
    "user", "userinfo", "extuser", "mulcarduser", "userauthorize", "identitycard", "idcard", "biodata", "biophoto",
    "userpic", "attphoto", "templatev10", "fingertmp", "face", "ssrface7", "fvtemplate", "workcode",
    "enrollinfodata",
})  # fmt: skip
"""tables of who is enrolled, with faces and templates: answered, and not taken"""
NOTHING_NEW = frozenset({"irstate", "testdata", "options", "deviceauthorization"})


def address(frame: Frame, site: str) -> str | None:
    """The serial number, which every request names."""
    return clean(_query(frame.request).get("sn", ""), 64) or None if frame.request else None


def decode(frame: Frame, device: DeviceContext) -> Decoded:
    request = frame.request
    if request is None:
        return Decoded(unreadable=Unreadable("it isn't an HTTP request", "format"), reply=replies.OK)
    query = _query(request)
    match _page(request.path):
        case "cdata" if request.method == "POST":
            return _upload(query, frame, device)
        case "cdata" if "options" in query:
            return Decoded(reply=replies.options(device, query, frame))
        case "registry":
            return Decoded(events=_version(frame, device), reply=replies.registration(device))
        case "push":
            return Decoded(reply=replies.acc_options(device))
        case "getrequest":
            return Decoded(reply=replies.OK, takes_commands=COMMANDS_A_POLL)
        case "devicecmd":
            return _outcomes(frame)
        case "querydata":
            return _answered_query(query, frame, device)
        case "rtdata" if query.get("type", "").lower() == "time":
            return Decoded(reply=replies.clock(device, frame))
        case "cdata" | "ping" | "exchange" | "fdata":
            return Decoded(reply=replies.OK)
        case page:
            return _unknown(f"the hub doesn't know the page /iclock/{clean(page, 60)}")


def _page(path: str) -> str:
    """`cdata` of /iclock/cdata, also of /iclock/iclock/cdata (a server address typed with /iclock) and cdata.aspx."""
    return _PREFIX.sub("", path, count=1).strip("/").lower().removesuffix(".aspx")


def _query(request: RequestHead) -> dict[str, str]:
    return {name.lower(): value for name, value in request.query.items()}


def _upload(query: dict[str, str], frame: Frame, device: DeviceContext) -> Decoded:
    table = query.get("table", "").lower()
    match table:
        case "rtlog" | "transaction":
            return _read(access_events, frame, device)
        case "rtstate":
            states = _read(state_events, frame, device)
            return states._replace(now=_newest(frame, device, lambda line: fields_of(line).get("time", "")))
        case "attlog":
            records = _read(attendance_events, frame, device, counted=True)
            return records._replace(recorded=_newest(frame, device, lambda line: "".join(line.split("\t")[1:2])))
        case "operlog":
            return _read(operation_events, frame, device, counted=True)
        case "options":
            return Decoded(events=_version(frame, device), reply=replies.OK)
        case "tabledata":
            return _table(query, frame, device)
        case _ if table in PEOPLE | NOTHING_NEW or query.get("type", "").lower() in PEOPLE:
            return Decoded(reply=replies.OK)
        case _ if "authtype" in query:
            return _unknown("the reader asks the hub to decide about a card (background verification): switch that off")
        case _:
            return _unknown(f"the hub doesn't know the table {clean(table, 40) or 'without a name'}")


def _read(reader: LineReader, frame: Frame, device: DeviceContext, *, counted: bool = False) -> Decoded:
    """Every record that can be read; the rest is told by its line, and the whole request is quarantined with it."""
    lines = lines_of(frame.payload)
    events: list[Event] = []
    broken: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            events += reader(line, frame, device)
        except Broken as error:
            broken.append(f"record {number} of {len(lines)}: {error}")
    return Decoded(
        events=tuple(events),
        reply=replies.text(f"OK: {len(lines)}") if counted else replies.OK,
        unreadable=Unreadable("; ".join(broken[:5]) + (" …" if len(broken) > 5 else "")) if broken else None,
    )


def _newest(frame: Frame, device: DeviceContext, time_in: Callable[[str], str]) -> datetime | None:
    """The latest time on the lines that have one."""
    times = []
    for line in lines_of(frame.payload):
        with contextlib.suppress(Broken):
            times.append(time_of(time_in(line), device))
    return max(times, default=None)


def _table(query: dict[str, str], frame: Frame, device: DeviceContext) -> Decoded:
    """An uploaded table; answered `<tablename>=<count>`, or the reader uploads it again for ever."""
    name = query.get("tablename", "")
    if not _TABLE.fullmatch(name):
        return _unknown("a table without a name the hub can answer with")
    count = number_of(query, "count")
    reply = replies.text(f"{name}={len(lines_of(frame.payload)) if count is None or count < 0 else count}")
    kind = name.lower()
    if kind == "transaction":
        found = _read(access_events, frame, device)
        return Decoded(events=found.events, unreadable=found.unreadable, reply=reply)
    if kind == "errorlog":
        found = _read(_error_events, frame, device)
        return Decoded(events=found.events, unreadable=found.unreadable, reply=reply)
    if kind in PEOPLE | NOTHING_NEW:
        return Decoded(reply=reply)
    return Decoded(reply=reply, unreadable=Unreadable(f"the hub doesn't know the table {name}", "unknown"))


def _answered_query(query: dict[str, str], frame: Frame, device: DeviceContext) -> Decoded:
    """What the reader found for a DATA QUERY or a count that it was asked for."""
    if query.get("type", "").lower() in {"count", "options", "vmtable"} and _TABLE.fullmatch(
        query.get("tablename", "")
    ):
        return Decoded(reply=replies.text(f"{query['tablename']}={number_of(query, 'count') or 0}"))
    if query.get("datafmt", "").strip("01"):
        return _unknown("the reader sent its records packed (tgz), which the hub doesn't ask for")
    return _table(query, frame, device)


def _outcomes(frame: Frame) -> Decoded:
    """`ID=…&Return=…&CMD=…`, one a line; other lines belong to the answer of the line before."""
    outcomes: list[CommandOutcome] = []
    named = 0
    for line in lines_of(frame.payload):
        fields = fields_of(line, "&")
        result = fields.get("return", "")
        if not _RETURN.fullmatch(result) or not fields.get("id"):
            continue
        named += 1
        done = int(result) >= 0
        ref = reference_of(fields["id"], last_only=done)
        if ref and int(result) != ACCEPTED_ONLY:
            outcomes.append(CommandOutcome(ref=ref, done=done, result=f"Return={result}"))
    if not named:
        return _unknown("an answer to a command without an ID and a Return")
    return Decoded(reply=replies.OK, outcomes=tuple(outcomes))


def _version(frame: Frame, device: DeviceContext) -> tuple[Event, ...]:
    """The model and firmware, from the registration or the options. They are a fact rather than a happening: said
    again they are the same event."""
    said = fields_of(" ".join(lines_of(frame.payload)), ",")
    name, firmware = said.get("~devicename", ""), said.get("firmver") or said.get("fwversion") or ""
    text = f"{name} {firmware}".strip()
    if not text:
        return ()
    return (device.event(DeviceReported, Reported(what="version", text=text), frame=frame, record=f"version {text}"),)


def _error_events(line: str, frame: Frame, device: DeviceContext) -> list[Event]:
    """`errorlog errcode=…⇥errmsg=…`: the code is told, the message may name a person."""
    code = fields_of(line).get("errcode", "")
    if not _TABLE.fullmatch(code):
        raise Broken("it has no error code")
    reported = Reported(what="other")
    key, code = f"errorlog {line.strip()}", f"zk:error/{code}"
    # it has neither a time nor a number, so a second one is a second event
    return [device.event(DeviceReported, reported, frame=frame, record=key, boot=frame.received, vendorcode=code)]


def _unknown(reason: str) -> Decoded:
    return Decoded(reply=replies.OK, unreadable=Unreadable(reason, "unknown"))
