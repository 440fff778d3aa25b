"""What the broker lets fall when a queue of its is full: mosquitto counts it, and the hub must not keep that quiet."""

import time
from collections.abc import Callable

import structlog

from hub.bus.access import DROPPED
from hub.bus.client import BrokerAddress, BusClient, Message
from hub.pulse import Pulse

log = structlog.get_logger()

NEWS_FOR = 3600.0
"""seconds that the desk is told of a drop"""


class Drops:
    """`total` counts from when it began to watch; a broker that doesn't count under mosquitto's name leaves it at 0."""

    def __init__(self, broker: BrokerAddress, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self._client = BusClient(broker, name, subscriptions=(DROPPED,), on_message=self._on_message)
        self._now = now
        self._counted: int | None = None
        self._last: float | None = None
        self.total = 0

    async def run(self) -> None:
        await self._client.run()

    @property
    def pulse(self) -> Pulse:
        return self._client.pulse

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def lately(self) -> bool:
        return self._last is not None and self._now() - self._last < NEWS_FOR

    def _on_message(self, message: Message) -> None:
        if message.payload.isdigit():
            self.counted(int(message.payload))

    def counted(self, number: int) -> None:
        """The broker's own count, which begins again with each of its starts."""
        known, self._counted = self._counted, number
        if known is None or number == known:
            return
        more = number - known if number > known else number
        if more:
            self.total += more
            self._last = self._now()
            log.error("broker_dropped_messages", more=more, total=self.total)
