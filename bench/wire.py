"""As much MQTT 3.1.1 as a load needs, over a bare socket: paho as publisher would be the limit of what is measured."""

import socket
import struct
from dataclasses import dataclass

_PUBLISH, _PUBACK, _SUBACK = 0x30, 0x40, 0x90


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    topic: str = ""
    payload: bytes = b""


def publish(topic: str, payload: bytes, number: int) -> bytes:
    """A PUBLISH of QoS 1; `number` becomes its packet id."""
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + struct.pack(">H", number % 0xFFFF + 1) + payload
    return bytes([_PUBLISH | 0x02]) + _length(len(body)) + body


def connect(port: int, name: str, *subscriptions: str, user: str = "", password: str = "") -> socket.socket:
    """A connected session, its subscriptions granted. Raises ConnectionError."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    flags = 0x02 | (0xC0 if user else 0)
    fields = [name, user, password] if user else [name]
    connection.sendall(_packet(0x10, _text("MQTT") + bytes([4, flags, 0, 0]) + b"".join(map(_text, fields))))
    _expect(connection, 0x20)
    if subscriptions:
        asked = b"".join(_text(pattern) + b"\x00" for pattern in subscriptions)
        connection.sendall(_packet(0x82, b"\x00\x01" + asked))
        _expect(connection, _SUBACK)
    return connection


def take(stream: bytearray) -> list[Packet]:
    """Remove the whole packets at the front of `stream`."""
    found = []
    at = 0
    while len(stream) - at >= 2:
        length, shift, cursor = 0, 0, at + 1
        while cursor < len(stream):
            byte = stream[cursor]
            length |= (byte & 0x7F) << shift
            shift += 7
            cursor += 1
            if byte < 0x80:
                break
        else:
            break
        end = cursor + length
        if end > len(stream):
            break
        kind = stream[at] & 0xF0
        if kind == _PUBLISH:
            name = struct.unpack_from(">H", stream, cursor)[0]
            past = cursor + 2 + name + (2 if stream[at] & 0x06 else 0)
            found.append(Packet(kind, stream[cursor + 2 : cursor + 2 + name].decode(), bytes(stream[past:end])))
        else:
            found.append(Packet(kind))
        at = end
    del stream[:at]
    return found


def _expect(connection: socket.socket, kind: int) -> None:
    stream = bytearray()
    while not (packets := take(stream)):
        received = connection.recv(4096)
        if not received:
            raise ConnectionError("the broker hung up")
        stream += received
    if packets[0].kind != kind:
        raise ConnectionError(f"the broker answered {packets[0].kind:#x}")


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, byte = divmod(value, 128)
        encoded.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(encoded)
