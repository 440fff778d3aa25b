"""paho's session, read in large pieces: one call to the system brings many messages.

paho reads a message in four calls, each of which gives Python's lock away to whoever computes; beside a busy store that
was measured at a third of the throughput. What it is subscribed to at QoS 0 is taken apart here; all else is paho's.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion

AT_ONCE = 32 * 1024
"""bytes: a few dozen messages, after which others have their turn"""
_PUBLISH = (0x30, 0x31)
"""PUBLISH at QoS 0, not retained and retained (MQTT 5.0, 3.3.1)"""
_LONGEST_LENGTH = 4

Deliver = Callable[[bytes, bytes, bool], None]
"""(topic, payload, retained)"""


class Session(paho.Client):
    """`deliver` is called for each message of QoS 0, and must not raise."""

    def __init__(self, deliver: Deliver, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deliver = deliver
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
        self._deliver(topic, stream[past:end], stream[at] == _PUBLISH[1])

    def _sock_recv(self, bufsize: int) -> bytes:
        """What paho reads: the packets that are left to it."""
        if self._lost:
            return b""
        if not self._for_paho:
            raise BlockingIOError
        part, self._for_paho = self._for_paho[:bufsize], self._for_paho[bufsize:]
        return part


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
