"""One MQTT session, driven by the event loop in its own thread of control: connects, comes back, tells.

paho's own network thread isn't used (one thread was measured at 1.6 times its throughput). MQTT 5 where the broker
speaks it, since a 3.1.1 broker answers a refused publish with a good PUBACK; 3.1.1 otherwise.
"""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from hub.bus.session import Session
from hub.core.failures import blame
from hub.pulse import Pulse

log = structlog.get_logger()

CONNECT_WITHIN = 5.0
RETRY_FIRST, RETRY_MOST = 0.1, 0.3
"""seconds between two tries, at random so that not all sessions try at once: matters of life wait for it, and there is
one broker"""
CONNECTING = 30.0
"""seconds, two time-outs and some: a try that takes longer hangs"""
KEEPALIVE = 15
MOST_UNANSWERED = 60_000
"""publishes that wait for the broker's answer; their numbers have 16 bits (MQTT 5.0, 2.2.1). In a flood of devices the
answers stand behind it, and ten thousand wait. Beyond this the session is begun anew; a broker that reads nothing
answers no ping either, and is left within two keepalives"""
FAILURE = 0x80
"""reason codes from here on (MQTT 5.0, 2.4)"""
MQTT_3_1_1 = MQTTProtocolVersion.MQTTv311


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and who we are to it. `protocol` is None where it must be found out."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False
    protocol: MQTTProtocolVersion | None = None

    @staticmethod
    def from_url(url: str) -> "BrokerAddress":
        """`mqtt://user:password@host:1883` or `mqtts://…:8883`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("a broker's address looks like mqtt://user:password@host:1883 or mqtts://host:8883")
        tls = parts.scheme == "mqtts"
        return BrokerAddress(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=tls,
        )


class Message(NamedTuple):
    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


class BusClient:
    """A session that is clean at each connection: what must not be lost waits in the spool, not in the broker.

    `on_message` is called in the event loop for each message, `on_up` after each (re)connection once the
    broker has taken the subscriptions: nothing that anybody publishes from then on is missed; `on_down` when the
    connection is gone. `refused` counts publishes and subscriptions that the broker didn't allow.
    """

    def __init__(
        self,
        address: BrokerAddress,
        name: str,
        *,
        subscriptions: tuple[str, ...] = (),
        on_message: Callable[[Message], None] = lambda message: None,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[], None] = lambda: None,
        will: Will | None = None,
    ) -> None:
        self._address = address
        self._name = name
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._will = will
        self._protocol = address.protocol or MQTTProtocolVersion.MQTTv5
        self._connector = ThreadPoolExecutor(1, thread_name_prefix=f"mqtt-{name}")
        self._client: Session | None = None
        self._answer: asyncio.Future[ReasonCode] | None = None
        self._gone = asyncio.Event()
        self._topics_under_way: dict[int, str] = {}
        self._asked_for: set[int] = set()
        """subscriptions that the broker hasn't answered yet"""
        self.connected = False
        self.refused = 0
        self.pulse = Pulse()

    @property
    def ready(self) -> bool:
        """Connected, and the broker has taken the subscriptions: nothing that is published now is missed."""
        return self.connected and not self._asked_for

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> bool:
        """Hand a message to the connection. False while there is none: the caller's own store keeps it."""
        if self._client is None or not self.connected:
            return False
        if len(self._topics_under_way) >= MOST_UNANSWERED:
            if not self._gone.is_set():
                log.error("broker_answers_nothing", client=self._name, publishes=MOST_UNANSWERED)
                self._gone.set()
            return False
        try:
            number = self._client.send(topic, payload, qos=qos, retain=retain)
        except ValueError as error:  # a topic with a wildcard, a payload beyond what MQTT can carry
            log.error("publish_impossible", client=self._name, reason=str(error))
            return False
        if qos:
            self._topics_under_way[number] = topic
        return True

    async def run(self) -> None:
        """Stay connected until cancelled."""
        complained = False
        try:
            while True:
                self.pulse.beat(CONNECTING)
                problem = await self._connect()
                if problem:
                    await self._close()
                    if not complained:
                        log.warning("broker_unreachable", client=self._name, reason=problem)
                        complained = True
                    await asyncio.sleep(random.uniform(RETRY_FIRST, RETRY_MOST))  # noqa: S311  # no secret
                    continue
                complained = False
                self.pulse.beat()
                await self._gone.wait()
                self.pulse.beat(CONNECTING)
                log.warning("broker_connection_lost", client=self._name)
                await self._close()
                self._protocol = self._address.protocol or MQTTProtocolVersion.MQTTv5
        finally:
            self.pulse.rest()
            await self._close()
            self._connector.shutdown(wait=False)

    async def _connect(self) -> str | None:
        """One try. None once connected and the subscriptions are asked for, else why not."""
        loop = asyncio.get_running_loop()
        self._gone.clear()
        self._answer = loop.create_future()
        self._client = client = self._make_client(loop)
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await loop.run_in_executor(self._connector, self._open, client)
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                reason = await self._answer
        except (OSError, TimeoutError) as error:
            self._try_other_protocol()
            return str(error) or "no answer"
        if reason.is_failure:
            if "rotocol" in str(reason):
                self._try_other_protocol()
            return str(reason)
        self.connected = True
        self._asked_for.clear()
        for pattern in self._subscriptions:  # at QoS 0: kept on our disk or the host's, an ack would keep nothing
            _, mid = client.subscribe(pattern, qos=0)
            if mid is not None:
                self._asked_for.add(mid)
        if self.ready:
            self._on_up()
        return None

    def _try_other_protocol(self) -> None:
        if self._address.protocol is None:
            old = self._protocol == MQTTProtocolVersion.MQTTv5
            self._protocol = MQTTProtocolVersion.MQTTv311 if old else MQTTProtocolVersion.MQTTv5

    def _open(self, client: paho.Client) -> None:
        """Blocks while the TCP connection is made, so it runs in a thread of its own."""
        client.connect(self._address.host, self._address.port, keepalive=KEEPALIVE)
        if client is not self._client and (sock := client.socket()):
            sock.close()  # given up meanwhile

    def _make_client(self, loop: asyncio.AbstractEventLoop) -> Session:
        five = self._protocol == MQTTProtocolVersion.MQTTv5
        client = Session(
            self._received,
            self._published,
            CallbackAPIVersion.VERSION2,
            client_id=self._name,
            protocol=self._protocol,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_WITHIN
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        if self._will:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received_with_ack
        self._watch_socket(client, loop)
        return client

    def _watch_socket(self, client: Session, loop: asyncio.AbstractEventLoop) -> None:
        """The socket's readiness drives paho. The first calls come from the executor's thread."""

        def opened(_client: paho.Client, _data: Any, sock: Any) -> None:
            if client is self._client:
                loop.call_soon_threadsafe(watch, sock)

        def watch(sock: socket.socket) -> None:
            if client is self._client and sock.fileno() >= 0:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                loop.add_reader(sock, read, sock)
                tick()

        def read(sock: socket.socket) -> None:
            try:
                client.read(sock)
            except Exception as error:  # noqa: BLE001  # paho trips over bytes that are no MQTT: begin anew
                log.error("broker_not_understood", client=self._name, failure=blame(error))
                self._gone.set()

        def closed(_client: paho.Client, _data: Any, sock: Any) -> None:
            if client is self._client:
                _unwatch(loop, sock.fileno())

        def wants_write(_client: paho.Client, _data: Any, sock: Any) -> None:
            if client is self._client:
                loop.call_soon_threadsafe(watch_write, sock)

        def watch_write(sock: socket.socket) -> None:
            if client is self._client and sock.fileno() >= 0:
                loop.add_writer(sock, client.loop_write)

        def no_write(_client: paho.Client, _data: Any, sock: Any) -> None:
            loop.call_soon_threadsafe(unwatch_write, sock)

        def unwatch_write(sock: socket.socket) -> None:
            if sock.fileno() >= 0 and not client.want_write():
                loop.remove_writer(sock)

        def tick() -> None:
            if client is self._client and client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
                if self.connected:
                    self.pulse.beat()
                loop.call_later(1.0, tick)

        client.on_socket_open = opened
        client.on_socket_close = closed
        client.on_socket_register_write = wants_write
        client.on_socket_unregister_write = no_write

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any) -> None:
        if isinstance(client, Session):
            client.most_unanswered = getattr(properties, "ReceiveMaximum", client.most_unanswered)
        if self._answer and not self._answer.done():
            self._answer.set_result(reason)

    def _disconnected(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if client is not self._client:
            return
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the broker closed the connection: {reason}"))
        self._topics_under_way.clear()
        if self.connected:
            self.connected = False
            self._on_down()
        self._gone.set()

    def _received(self, topic: bytes, payload: bytes, retained: bool) -> None:
        try:
            self._on_message(Message(topic.decode(), payload, retained))
        except Exception as error:  # noqa: BLE001  # the connection goes on, and with it all other messages
            log.error("message_not_handled", client=self._name, bytes=len(payload), failure=blame(error))

    def _received_with_ack(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        """amqtt sends a will at the QoS that its device wished, whatever was subscribed to."""
        self._received(message.topic.encode(), bytes(message.payload), bool(message.retain))

    def _published(self, number: int, reason: int) -> None:
        topic = self._topics_under_way.pop(number, "")
        if reason >= FAILURE:
            self.refused += 1
            log.error("publish_refused", client=self._name, topic=topic, reason=reason)

    def _subscribed(
        self, _client: paho.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        for reason in reasons:
            if reason.is_failure:
                self.refused += 1
                log.error("subscription_refused", client=self._name, reason=str(reason))
        if mid in self._asked_for:
            self._asked_for.discard(mid)
            if self.ready:
                self._on_up()

    async def _close(self) -> None:
        client, self._client = self._client, None
        self._topics_under_way.clear()
        if self.connected:
            self.connected = False
            self._on_down()
        sock = client.socket() if client else None
        if client is None or sock is None:
            return
        _unwatch(asyncio.get_running_loop(), sock.fileno())
        with contextlib.suppress(OSError, ValueError):
            client.write_out()
            client.disconnect()
            for _ in range(20):
                if not client.want_write():
                    break
                client.loop_write()
                await asyncio.sleep(0.005)
        sock.close()


def _unwatch(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    if descriptor >= 0:
        loop.remove_reader(descriptor)
        loop.remove_writer(descriptor)
