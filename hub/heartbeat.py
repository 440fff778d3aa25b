"""The hub's own heartbeat, out of the building: so that something else can notice that it is dead.

On MQTT, retained, with a will that says so; and by POST to an address, where hub.toml names one.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import aiohttp
import structlog

from hub.bus import messages, topics
from hub.bus.client import BrokerAddress, BusClient, Will
from hub.pulse import Pulse

log = structlog.get_logger()

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
GONE = messages.HeartbeatGone().model_dump_json().encode()
"""the broker says it when the connection breaks, and the hub itself when it is stopped"""


class Heartbeat:
    """Says every `every` that the hub of `site` on `host` lives, and which of its parts don't; by POST too where
    there is a `url`."""

    def __init__(
        self,
        host: str,
        site: str,
        broker: BrokerAddress,
        health: Callable[[], Mapping[str, object]],
        every: timedelta,
        url: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._host = host
        self._site = site
        self._topic = topics.heartbeat(site, host)
        self._bus = BusClient(broker, f"heartbeat-{host}", will=Will(self._topic, GONE))
        self._health = health
        self._every = every
        self._url = url
        self._clock = clock
        self._complained = False
        self._pulse = Pulse()

    @property
    def pulses(self) -> dict[str, Pulse]:
        return {"heartbeat": self._pulse, "heartbeat-bus": self._bus.pulse}

    async def run(self) -> None:
        """Until cancelled; then it says that it was stopped."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._bus.run(), name="heartbeat-bus")
                await self._beat()  # ends before the group's tasks are: its last word needs the connection
        finally:
            self._pulse.rest()

    async def _beat(self) -> None:
        try:
            while True:
                self._pulse.beat(self._every.total_seconds() + 60)
                body = self._told().model_dump_json().encode()
                self._bus.publish(self._topic, body, retain=True)
                if self._url:
                    await self._post(body)
                await asyncio.sleep(self._every.total_seconds() if self._bus.connected else 1.0)
        finally:
            self._bus.publish(self._topic, GONE, retain=True)

    def _told(self) -> messages.Heartbeat:
        parts = {name: part for name, part in self._health().items() if isinstance(part, Mapping)}
        away = sorted(f"{name}.{what}" for name, part in parts.items() for what, said in part.items() if said is False)
        return messages.Heartbeat(
            ready=not away,
            away=away,
            site=self._site,
            host=self._host,
            at=self._clock(),
            every=max(1, round(self._every.total_seconds())),
        )

    async def _post(self, body: bytes) -> None:
        """The address may bear a key: it is never logged."""
        problem = ""
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(
                    self._url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
                ) as answer,
            ):
                if answer.status >= 300:
                    problem = str(answer.status)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            problem = type(error).__name__
        if problem and not self._complained:
            log.warning("heartbeat_not_posted", reason=problem)
        self._complained = bool(problem)
