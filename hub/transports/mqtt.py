"""Devices that speak MQTT: one session at the broker for all of them, under their vendors' topics."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hub.bus.client import BrokerAddress, BusClient, Message
from hub.bus.topics import matches
from hub.core.adapter import Adapter, Frame, Mqtt, Outgoing
from hub.core.pictures import cut_pictures
from hub.pulse import Pulse
from hub.transports import LetsFall, Receive

TOPICS_REMEMBERED = 4096


class MqttTransport:
    """Subscribes to what the adapters' devices publish at this site. What is too much is let fall without a yes, and
    the device sends it again."""

    def __init__(
        self,
        broker: BrokerAddress,
        name: str,
        site: str,
        adapters: Mapping[str, Adapter],
        receive: Receive,
        lets_fall: LetsFall,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Callable[..., BusClient] = BusClient,
    ) -> None:
        self._clock = clock
        self._receive = receive
        self._lets_fall = lets_fall
        self._patterns = [
            (_pattern(topic, site), adapter)
            for adapter in adapters.values()
            if isinstance(adapter.transport, Mqtt)
            for topic in (*adapter.transport.up, *adapter.transport.shared)
        ]
        self._adapters_found: dict[str, Adapter | None] = {}
        self._connection = 0
        self._client = session(
            broker,
            name,
            subscriptions=tuple(sorted({pattern for pattern, _ in self._patterns})),
            on_message=self._on_message,
            on_down=self._on_down,
        )

    @property
    def pulse(self) -> Pulse:
        return self._client.pulse

    @property
    def connected(self) -> bool:
        return self._client.ready

    async def run(self) -> None:
        await self._client.run()

    def send(self, outgoing: Outgoing) -> bool:
        """False while there is no connection to the broker."""
        return self._client.publish(outgoing.topic, outgoing.payload, qos=1)

    def _on_down(self) -> None:
        self._connection += 1

    def _on_message(self, message: Message) -> None:
        adapter = self._adapter_of(message.topic)
        if adapter is None:
            return
        connection = self._connection
        frame = Frame(message.payload, self._clock(), topic=message.topic, retained=message.retained)
        if self._lets_fall(adapter, frame, connection):
            return
        frame = frame._replace(payload=cut_pictures(frame.payload))
        self._receive(adapter, frame, connection).add_done_callback(lambda kept: self._answer(kept, connection))

    def _adapter_of(self, topic: str) -> Adapter | None:
        if topic not in self._adapters_found:
            if len(self._adapters_found) >= TOPICS_REMEMBERED:
                self._adapters_found.clear()
            found = next((adapter for pattern, adapter in self._patterns if matches(pattern, topic)), None)
            self._adapters_found[topic] = found
        return self._adapters_found[topic]

    def _answer(self, kept: "asyncio.Future[Outgoing | None]", connection: int) -> None:
        if kept.cancelled() or kept.exception() is not None:
            return
        reply = kept.result()
        if reply and connection == self._connection:
            self._client.publish(reply.topic, reply.payload, qos=1)


def _pattern(topic: str, site: str) -> str:
    return topic.replace("{site}", site).replace("{address}", "+").replace("{device}", "+")
