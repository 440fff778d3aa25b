"""Devices that speak MQTT: one session at the broker for all of them, under their vendors' topics."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from hub.bus.client import BrokerAddress, BusClient, Message
from hub.bus.topics import matches
from hub.core.adapter import Adapter, Frame, Mqtt, Outgoing
from hub.core.pictures import cut_pictures
from hub.transports import Receive

log = structlog.get_logger()

UNDER_WAY = 2000
"""frames not on disk yet; beyond, what comes is let fall without a yes, and the device sends it again"""

TOPICS_REMEMBERED = 4096


class MqttTransport:
    """Subscribes to what the adapters' devices publish at this site."""

    def __init__(
        self,
        broker: BrokerAddress,
        name: str,
        site: str,
        adapters: Mapping[str, Adapter],
        receive: Receive,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Callable[..., BusClient] = BusClient,
    ) -> None:
        self._clock = clock
        self._receive = receive
        self._patterns = [
            (_pattern(topic, site), adapter)
            for adapter in adapters.values()
            if isinstance(adapter.transport, Mqtt)
            for topic in (*adapter.transport.up, *adapter.transport.shared)
        ]
        self._adapters_found: dict[str, Adapter | None] = {}
        self._connection = 0
        self._under_way = 0
        self._full = False
        self.let_fall = 0
        self._client = session(
            broker,
            name,
            subscriptions=tuple(sorted({pattern for pattern, _ in self._patterns})),
            on_message=self._on_message,
            on_up=self._on_up,
        )

    @property
    def connected(self) -> bool:
        return self._client.ready

    async def run(self) -> None:
        await self._client.run()

    def send(self, outgoing: Outgoing) -> bool:
        """False while there is no connection to the broker."""
        return self._client.publish(outgoing.topic, outgoing.payload, qos=1)

    def _on_up(self) -> None:
        self._connection += 1

    def _on_message(self, message: Message) -> None:
        adapter = self._adapter_of(message.topic)
        if adapter is None or not self._has_room():
            return
        frame = Frame(cut_pictures(message.payload), self._clock(), topic=message.topic, retained=message.retained)
        connection = self._connection
        self._under_way += 1
        self._receive(adapter, frame, connection).add_done_callback(lambda kept: self._answer(kept, connection))

    def _adapter_of(self, topic: str) -> Adapter | None:
        if topic not in self._adapters_found:
            if len(self._adapters_found) >= TOPICS_REMEMBERED:
                self._adapters_found.clear()
            found = next((adapter for pattern, adapter in self._patterns if matches(pattern, topic)), None)
            self._adapters_found[topic] = found
        return self._adapters_found[topic]

    def _has_room(self) -> bool:
        if self._under_way < UNDER_WAY:
            self._full = self._full and self._under_way > UNDER_WAY // 2
            return True
        self.let_fall += 1
        if not self._full:
            self._full = True
            log.error("frames_let_fall", under_way=self._under_way)
        return False

    def _answer(self, kept: "asyncio.Future[Outgoing | None]", connection: int) -> None:
        self._under_way -= 1
        if kept.cancelled() or kept.exception() is not None:
            return
        reply = kept.result()
        if reply and connection == self._connection:
            self._client.publish(reply.topic, reply.payload, qos=1)


def _pattern(topic: str, site: str) -> str:
    return topic.replace("{site}", site).replace("{address}", "+").replace("{device}", "+")
