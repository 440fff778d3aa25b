"""Who stands at a broker's doors in these tests: devices and the hub, honest or not."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hub.bus.client import MQTT_3_1_1, BrokerAddress, BusClient, Message
from tests.disk import until


class Party:
    """A session that hears everything which the broker lets it hear. `lost` counts how often it was cut off."""

    def __init__(self, address: BrokerAddress, client_id: str, *subscriptions: str) -> None:
        self.name = address.user
        self.heard: list[Message] = []
        self.lost = 0
        self._client = BusClient(
            address, client_id, subscriptions=subscriptions, on_message=self.heard.append, on_down=self._count
        )

    def _count(self) -> None:
        self.lost += 1

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Party"]:
        task = asyncio.create_task(self._client.run())
        try:
            await until(lambda: self._client.connected)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def says(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert self._client.publish(topic, payload, retain=retain)

    def heard_from(self) -> set[tuple[str, str]]:
        """(payload, topic) of all that came."""
        return {(message.payload.decode(), message.topic) for message in self.heard}

    async def hears(self, payload: bytes, topic: str) -> None:
        await until(lambda: (payload.decode(), topic) in self.heard_from())


class Visit:
    """One connection that ends without a goodbye, made and driven by hand: wills, client ids, sessions that stay."""

    def __init__(
        self, address: BrokerAddress, client_id: str, *, will: str = "", clean: bool = True, subscription: str = ""
    ) -> None:
        self.accepted = False
        self.heard: list[str] = []
        self._answered = self._subscribed = False
        self._subscription = subscription
        self._address = replace(address, protocol=MQTT_3_1_1)
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=clean, protocol=MQTT_3_1_1, reconnect_on_failure=False
        )
        client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set_context(ssl.create_default_context())
        if will:
            client.will_set(will, address.user, qos=1, retain=True)
        client.on_connect = lambda c, u, flags, reason, properties: self._connected(not reason.is_failure)
        client.on_subscribe = lambda c, u, mid, reasons, properties: self._heard_out()
        client.on_message = lambda c, u, message: self.heard.append(message.payload.decode())

    def _connected(self, accepted: bool) -> None:
        self._answered, self.accepted = True, accepted

    def _heard_out(self) -> None:
        self._subscribed = True

    def _come(self) -> None:
        self._client.connect(self._address.host, self._address.port, keepalive=15)
        self._drive(lambda: self._answered)
        if self.accepted and self._subscription:
            self._client.subscribe(self._subscription, qos=1)
            self._drive(lambda: self._subscribed)

    def _drive(self, done: object) -> None:
        for _ in range(500):
            if callable(done) and done():
                return
            if self._client.loop(timeout=0.02) != paho.MQTT_ERR_SUCCESS:
                return
        raise TimeoutError("the broker gives no answer")

    async def come(self) -> "Visit":
        await asyncio.to_thread(self._come)
        return self

    async def listen(self, payload: str) -> list[str]:
        await asyncio.to_thread(self._drive, lambda: payload in self.heard)
        return self.heard

    def die(self) -> None:
        if sock := self._client.socket():
            sock.close()
