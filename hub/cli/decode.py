"""`hub decode`: raw frames in, what they mean out. Needs no config, no broker and no store."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from hub.adapters import load_adapters
from hub.core.adapter import Adapter, DeviceContext, Frame, Http, Mqtt, Outgoing, RequestHead, Tcp
from hub.core.events import dump_event
from hub.core.pictures import cut_pictures

REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\s*$")


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes between the frames that can't be part of one, and why."""

    raw: bytes
    reason: str


def frames_of(
    adapter: Adapter,
    raw: bytes,
    *,
    hex: bool,  # noqa: A002  # the name of the option
    topic: str,
    received: datetime,
) -> Iterator[Frame | Cut]:
    """The frames in `raw`, in the form that the adapter's transport has on the wire.

    TCP: a byte stream. HTTP: raw HTTP/1.1 requests one after the other, with `### comment` lines between them. MQTT:
    one payload, of `topic`. With `hex` the same as hexadecimal text, a frame (or payload) a line, `# comments`.
    """
    for chunk in _hex_lines(raw) if hex else (raw,):
        if isinstance(chunk, Cut):
            yield chunk
            continue
        match adapter.transport:
            case Tcp() as tcp:
                yield from _tcp_frames(tcp, chunk, received)
            case Http():
                yield from _http_frames(chunk, received)
            case Mqtt():
                yield Frame(payload=cut_pictures(chunk), received=received, topic=topic)


def context_of(
    adapter: Adapter,
    frame: Frame,
    *,
    site: str = "site",
    device: str = "",
    time_zone: tzinfo,
    options: BaseModel | None = None,
) -> DeviceContext:
    """A device that is declared nowhere: what the frame says of it, and the adapter's name for the rest."""
    device = device or adapter.name
    return DeviceContext(
        site=site,
        id=device,
        address=adapter.address(frame, site) or device,
        time_zone=time_zone,
        kind_lane=adapter.lane,
        options=options or adapter.options(),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Decode raw frames of a device: one canonical event a line, as JSON."
    parser.add_argument("adapter", metavar="ADAPTER", help="gbt26875, face_mqtt, locker_mqtt, zkteco_push, …")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the frames; - is standard input")
    parser.add_argument("--hex", action="store_true", help="hexadecimal text, one frame a line, # comments")
    parser.add_argument("--topic", default="", help="the MQTT topic that the payload came on")
    parser.add_argument("--device", type=_name, help="the device's id (default: the adapter's name)")
    parser.add_argument("--received", type=_instant, help="when it came, RFC 3339 (default: now)")
    parser.add_argument("--timezone", type=_zone, default="Asia/Shanghai", help="of the device's clock (%(default)s)")
    parser.add_argument("--site", type=_name, default="site", help="the site's id (%(default)s)")
    parser.add_argument("--replies", action="store_true", help="also what the protocol owes the device in answer")


def run(args: argparse.Namespace) -> int:
    """0: all was read; 1: something can't be read, each with a line on stderr; 2: nothing to decode, or no adapter."""
    adapters = load_adapters()
    if args.adapter not in adapters:
        return _refused(f"no adapter is named {args.adapter}; there are: {', '.join(adapters)}")
    adapter = adapters[args.adapter]
    try:
        raw = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        return _refused(f"{args.file} can't be read: {error.strerror}")
    received = args.received or datetime.now(UTC)
    status = 0
    for place, frame in enumerate(frames_of(adapter, raw, hex=args.hex, topic=args.topic, received=received), 1):
        if isinstance(frame, Cut):
            reply, reason = _answer_to(adapter, frame), frame.reason
        else:
            context = context_of(adapter, frame, site=args.site, device=args.device or "", time_zone=args.timezone)
            decoded = adapter.decode(frame, context)
            for event in decoded.events:
                _print(dump_event(event))
            reply, reason = decoded.reply, decoded.unreadable.reason if decoded.unreadable else ""
        if reply and args.replies:
            _print(_shown(adapter, reply))
        if reason:
            status = 1
            sys.stdout.flush()
            print(f"frame {place}: {reason}", file=sys.stderr)
    sys.stdout.flush()
    return status


def _refused(reason: str) -> int:
    print(f"hub decode: {reason}", file=sys.stderr)
    return 2


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _answer_to(adapter: Adapter, cut: Cut) -> Outgoing | None:
    if not isinstance(adapter.transport, Tcp):
        return None
    refusal = adapter.transport.refuse(cut.raw)
    return Outgoing(refusal) if refusal else None


def _shown(adapter: Adapter, reply: Outgoing) -> bytes:
    text = reply.payload.decode("utf-8", "replace")
    shown: object
    match adapter.transport:
        case Tcp():
            shown = reply.payload.hex()
        case Http():
            shown = {"status": reply.status, "body": text}
        case Mqtt():
            shown = {"topic": reply.topic, "payload": text}
    return json.dumps({"reply": shown}, ensure_ascii=False).encode()


def _hex_lines(raw: bytes) -> Iterator[bytes | Cut]:
    for number, line in enumerate(raw.splitlines(), 1):
        digits = line.partition(b"#")[0].strip()
        if not digits:
            continue
        try:
            yield bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            yield Cut(line, f"line {number} isn't hexadecimal text")


def _tcp_frames(tcp: Tcp, stream: bytes, received: datetime) -> Iterator[Frame | Cut]:
    split = tcp.split(stream)
    for raw in split.frames:
        yield Frame(payload=raw, received=received)
    for raw, reason in split.junk:
        yield Cut(raw, reason)
    if split.rest:
        yield Cut(split.rest, f"the last {len(split.rest)} bytes are an unfinished frame")


def _http_frames(raw: bytes, received: datetime) -> Iterator[Frame | Cut]:
    at = 0
    while at < len(raw):
        line, after = _line(raw, at)
        if not line.strip() or line.startswith(b"###"):
            at = after
            continue
        request = REQUEST_LINE.match(line)
        if request is None:
            end = _next_request(raw, after)
            yield Cut(raw[at:end], f"{end - at} bytes are no HTTP request: no line like GET /path HTTP/1.1")
            at = end
            continue
        headers, start = _headers(raw, after)
        length = headers.get("content-length", "0").strip()
        wanted = int(length) if length.isascii() and length.isdigit() and len(length) < 10 else 0
        body = raw[start : start + wanted]
        at = start + len(body)
        if len(body) < wanted:
            yield Cut(body, f"the request's body ends after {len(body)} of {wanted} bytes")
        else:
            yield Frame(payload=body, received=received, request=_head(request, headers))


def _line(raw: bytes, at: int) -> tuple[bytes, int]:
    """The line that begins at `at`, without its end, and where the next one begins."""
    end = raw.find(b"\n", at)
    return (raw[at:], len(raw)) if end < 0 else (raw[at:end].removesuffix(b"\r"), end + 1)


def _next_request(raw: bytes, at: int) -> int:
    while at < len(raw):
        line, after = _line(raw, at)
        if line.startswith(b"###") or REQUEST_LINE.match(line):
            return at
        at = after
    return at


def _headers(raw: bytes, at: int) -> tuple[dict[str, str], int]:
    headers: dict[str, str] = {}
    while at < len(raw):
        line, at = _line(raw, at)
        if not line:
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, at


def _head(request: re.Match[bytes], headers: dict[str, str]) -> RequestHead:
    target = request[2].decode("latin-1")
    path, _, query = target.partition("?")
    return RequestHead(
        method=request[1].decode("ascii"),
        path=unquote(urlsplit(path).path if path.startswith("http") else path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
    )


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:@-]{1,200}", text):
        raise argparse.ArgumentTypeError(f"{text!r} isn't an id: letters, digits and . _ : @ - only")
    return text


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a time like 2026-01-02T03:04:05Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no zone: write it like 2026-01-02T03:04:05Z")
    return moment.astimezone(UTC)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} isn't a time zone like Asia/Shanghai") from None
