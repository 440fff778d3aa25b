"""paho's session, read and written in large pieces: one call to the system brings many messages, and takes many.

paho reads a message in four calls, each of which gives Python's lock away to whoever computes; beside a busy store that
cost more than half of the throughput, together with an ack a message. What it is subscribed to at QoS 0, what is
published, and the broker's answers to that go their short way here; all else is paho's.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion

AT_ONCE = 8 * 1024
"""bytes: a dozen messages or two, after which others have their turn: with 32 KiB a fire beside routine work was
measured at up to twice its time"""
_PUBLISH = (0x30, 0x31)
"""PUBLISH at QoS 0, not retained and retained (MQTT 5.0, 3.3.1)"""
_PUBACK = 0x40
_PACKET_ID = 2
_LONGEST_LENGTH = 4
_LARGEST = 268_435_455

Deliver = Callable[[bytes, bytes, bool], None]
"""(topic, payload, retained)"""
Answered = Callable[[int, int], None]
"""(packet id, reason code): from 0x80 on the publish was refused (MQTT 5.0, 3.4.2.1); 0 over 3.1.1"""


class Session(paho.Client):
    """`deliver` is called for each message of QoS 0, `answered` for each PUBACK; neither may raise."""

    def __init__(self, deliver: Deliver, answered: Answered, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deliver = deliver
        self._answered = answered
        self._events = asyncio.get_running_loop()
        self._going_out: list[bytes] = []
        self._held: deque[bytes] = deque()
        """publishes beyond what the broker takes without an answer"""
        self._unanswered = 0
        self.most_unanswered = 0xFFFF
        """the broker's Receive Maximum (MQTT 5.0, 3.2.2.3.3)"""
        self._with_properties = named.get("protocol") == MQTTProtocolVersion.MQTTv5
        self._stream = b""
        self._for_paho = b""
        self._lost = False

    def read(self, connection: socket.socket) -> None:
        """Take what has arrived; call it whenever the socket is readable."""
        while True:
            try:
                received = connection.recv(AT_ONCE)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                received = b""
            if not received:
                self._lost = True
                self.loop_read()
                return
            self._take(self._stream + received)
            if not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
                return

    def send(self, topic: str, payload: bytes, *, retain: bool, qos: int) -> int:
        """Publish at QoS 0 or 1; what is published in one turn of the loop goes out together. The packet id, 0 at
        QoS 0. Raises ValueError for a topic with a wildcard, or a message beyond what MQTT can carry."""
        if "+" in topic or "#" in topic or not topic:
            raise ValueError("a topic to publish to has a name and no wildcard")
        number = self._mid_generate() if qos else 0
        name = topic.encode()
        head = struct.pack(">H", len(name)) + name + (struct.pack(">H", number) if qos else b"")
        body = head + (b"\x00" if self._with_properties else b"") + payload
        packet = bytes([_PUBLISH[0] | qos << 1 | retain]) + _encoded(len(body)) + body
        if qos and self._unanswered >= self.most_unanswered:
            self._held.append(packet)
            return number
        self._unanswered += bool(qos)
        self._write_soon(packet)
        return number

    def _write_soon(self, packet: bytes) -> None:
        if not self._going_out:
            self._events.call_soon(self.write_out)
        self._going_out.append(packet)

    def write_out(self) -> None:
        """What was published, queued at paho like any packet of its own, so that no two mix; as a PUBACK, because
        nothing follows upon one."""
        if not self._going_out:
            return
        together, self._going_out = b"".join(self._going_out), []
        self._out_packet.append(
            {
                "command": _PUBACK, "mid": 0, "qos": 0, "pos": 0, "to_process": len(together), "packet": together,
                "info": None,
            }
        )  # fmt: skip
        self.loop_write()

    def _take(self, stream: bytes) -> None:
        """Every whole packet; the rest waits for more."""
        at, size = 0, len(stream)
        while size - at >= 2:
            length, body = _length(stream, at + 1)
            if body < 0 or body + length > size:
                break
            end = body + length
            if stream[at] in _PUBLISH:
                self._publish(stream, at, body, end)
            elif stream[at] == _PUBACK:
                if length < _PACKET_ID:
                    raise ValueError("an answer without a packet id")
                self._unanswered -= 1
                if self._held:
                    self._unanswered += 1
                    self._write_soon(self._held.popleft())
                self._answered(stream[body] << 8 | stream[body + 1], stream[body + 2] if length > 2 else 0)
            else:
                self._for_paho = stream[at:end]
                self.loop_read()
            at = end
        self._stream = stream[at:]

    def _publish(self, stream: bytes, at: int, body: int, end: int) -> None:
        past = body + 2 + (stream[body] << 8 | stream[body + 1])
        topic = stream[body + 2 : past]
        if self._with_properties:
            length, past = _length(stream, past)
            past += length
        if not 0 < past <= end:
            raise ValueError("a message that ends within its head")
        self._deliver(topic, stream[past:end], stream[at] == _PUBLISH[1])

    def _sock_recv(self, bufsize: int) -> bytes:
        """What paho reads: the packets that are left to it."""
        if self._lost:
            return b""
        if not self._for_paho:
            raise BlockingIOError
        part, self._for_paho = self._for_paho[:bufsize], self._for_paho[bufsize:]
        return part


def _encoded(length: int) -> bytes:
    if length > _LARGEST:
        raise ValueError("a message beyond 256 MiB")
    encoded = bytearray()
    while length >= 0x80:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)


def _length(stream: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer and where it ends; -1 while it isn't whole. Raises ValueError for what is none."""
    value = 0
    for place in range(_LONGEST_LENGTH):
        if at + place >= len(stream):
            return 0, -1
        byte = stream[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a length of more than four bytes")
