"""One MQTT 3.1.1 connection of a device, driven by the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike  # paho names it for type checkers only


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    payload: bytes


class Link:
    """An open connection. Made by `connect`; whoever waits on it gets ConnectionError when it is gone."""

    def __init__(self, client: paho.Client, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._answered: asyncio.Future[ReasonCode] = loop.create_future()
        self._subscribed: dict[int, asyncio.Future[None]] = {}
        client.on_connect = lambda c, u, flags, reason, properties: self._on_connect(reason)
        client.on_disconnect = lambda c, u, flags, reason, properties: self._on_disconnect()
        client.on_message = lambda c, u, message: self._inbox.put_nowait(Message(message.topic, bytes(message.payload)))
        client.on_subscribe = lambda c, u, mid, reasons, properties: self._on_subscribe(mid)

    async def login(self) -> None:
        """Wait for the broker's yes. Raises ConnectionError for a no."""
        sock = self._client.socket()
        if sock is None:
            raise ConnectionError("the broker hung up")
        self._client.on_socket_close = self._on_socket_close
        self._client.on_socket_register_write = self._on_want_write
        self._client.on_socket_unregister_write = self._on_written
        self._loop.add_reader(sock, self._client.loop_read)
        if self._client.want_write():
            self._on_want_write(self._client, None, sock)
        async with asyncio.timeout(10):
            reason = await self._answered
        if reason.is_failure:
            raise ConnectionError(f"the broker says: {reason}")

    async def subscribe(self, topic: str, qos: int = 0) -> None:
        """Return when the broker has answered, with yes or no: a device of 3.1.1 looks no closer."""
        result, mid = self._client.subscribe(topic, qos)
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise ConnectionError("the broker hung up")
        self._subscribed[mid] = self._loop.create_future()
        async with asyncio.timeout(10):
            await self._subscribed[mid]

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Raises ConnectionError where there is no connection."""
        if self._client.publish(topic, payload, qos).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError("the broker hung up")

    async def messages(self) -> AsyncIterator[Message]:
        """What the broker sends. Raises ConnectionError when the connection is gone."""
        while message := await self._inbox.get():
            yield message
        raise ConnectionError("the broker hung up")

    async def keep_alive(self) -> None:
        """MQTT's own pings. Raises ConnectionError when the connection is gone."""
        while True:
            if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise ConnectionError("the broker hung up")
            await asyncio.sleep(0.5)

    def close(self, *, goodbye: bool) -> None:
        """`goodbye` sends DISCONNECT; without it the broker publishes the will."""
        sock = self._client.socket()
        if sock is None or sock.fileno() < 0:
            return
        self._client.on_socket_close = None
        self._client.on_socket_register_write = None
        self._client.on_socket_unregister_write = None
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
        if goodbye:
            self._client.disconnect()
            self._client.loop_write()
        with contextlib.suppress(OSError):
            sock.close()

    def _on_socket_close(self, client: paho.Client, _: object, sock: "SocketLike") -> None:
        self._loop.remove_reader(sock)

    def _on_want_write(self, client: paho.Client, _: object, sock: "SocketLike") -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _on_written(self, client: paho.Client, _: object, sock: "SocketLike") -> None:
        self._loop.remove_writer(sock)

    def _on_connect(self, reason: ReasonCode) -> None:
        if not self._answered.done():
            self._answered.set_result(reason)

    def _on_subscribe(self, mid: int) -> None:
        if (future := self._subscribed.pop(mid, None)) and not future.done():
            future.set_result(None)

    def _on_disconnect(self) -> None:
        self._on_connect(ReasonCode(PacketTypes.CONNACK, "Server unavailable"))
        for mid in tuple(self._subscribed):
            self._on_subscribe(mid)
        self._inbox.put_nowait(None)


@contextlib.asynccontextmanager
async def connect(
    broker: Broker, *, client_id: str, user: str, password: str, will: Message, will_qos: int, keep_alive: int
) -> AsyncIterator[Link]:
    """A connection with a clean session. Left in order or by an exception, it is cut without a goodbye unless
    `Link.close(goodbye=True)` was called before. Raises OSError where nobody listens or the broker says no."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv311)
    client.username_pw_set(user, password)
    client.will_set(will.topic, will.payload, will_qos)
    client.connect_timeout = 5.0
    link = Link(client, asyncio.get_running_loop())
    try:
        await asyncio.to_thread(client.connect, broker.host, broker.port, keep_alive)
        await link.login()
        yield link
    finally:
        link.close(goodbye=False)
