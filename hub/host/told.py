"""What a host tells of itself and of its devices: every second, retained, and straight to the intake beside us."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog

from hub.bus import topics
from hub.core.passing import HostStatus
from hub.core.text import rfc3339
from hub.host.clocks import DeviceClocks
from hub.host.commands import Commands
from hub.host.events_out import EventsOut, Local
from hub.host.knocks import Knock, Knocks
from hub.host.shares import Share, Shares
from hub.host.supervision import Supervision, Watch
from hub.pulse import Pulse
from hub.store.spool import Spool, SpoolAway

log = structlog.get_logger()

EVERY = 1.0
DEVICES_EVERY = 5.0


class Told:
    """`publish(topic, payload)` sends a retained message."""

    def __init__(
        self,
        host: str,
        site: str,
        spool: Spool,
        publish: Callable[[str, bytes], bool],
        local: Local | None,
        supervision: Supervision,
        clocks: DeviceClocks,
        knocks: Knocks,
        commands: Commands,
        events_out: EventsOut,
        shares: Shares,
        clock: Callable[[], datetime],
    ) -> None:
        self._host = host
        self._site = site
        self._spool = spool
        self._publish = publish
        self._local = local
        self._supervision = supervision
        self._clocks = clocks
        self._knocks = knocks
        self._commands = commands
        self._events_out = events_out
        self._shares = shares
        self._told_of_fallen: dict[str, int] = {}
        self._clock = clock
        self._devices_due = 0.0
        self._session = uuid4()
        self._at_once = asyncio.Event()
        self.waiting = 0
        self.pulse = Pulse()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.pulse.beat(disk=self._spool.is_asked)
            self._at_once.clear()
            with contextlib.suppress(SpoolAway):  # then nothing new is claimed: what devices hold can't come in
                await self._tell_of_the_host()
            self._tell_of_strangers()
            if time.monotonic() >= self._devices_due:
                self._devices_due = time.monotonic() + DEVICES_EVERY
                self._tell_of_devices()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._at_once.wait()

    def all_again(self) -> None:
        """The session is new: say everything once more, the host's word first and at once."""
        self._session = uuid4()
        self._at_once.set()
        for watch in self._supervision.watches.values():
            watch.changed = True
        self._knocks.tell_all_again()
        self._devices_due = 0.0

    async def _tell_of_the_host(self) -> None:
        """`at` first, then the spool is asked behind all that was asked to be kept by then."""
        at = self._clock()
        await asyncio.sleep(0)
        oldest, last, self.waiting = await self._spool.waiting()
        self._events_out.look_for_stranded(oldest)
        status = HostStatus.model_validate(
            {
                "at": at,
                "sequence": last,
                "oldest": oldest,
                "waiting": self.waiting,
                "kept": self._commands.kept_lately(),
                "let_fall": dict(self._shares.let_fall),
                "low": self._spool.low(),
                "session": self._session,
            }
        )
        self._publish(topics.host_status(self._site, self._host), status.model_dump_json().encode())
        if self._local:
            self._local.host_status(self._host, status)

    def _tell_of_devices(self) -> None:
        for watch in self._supervision.watches.values():
            share = self._shares.of(watch.device.id)
            fallen = share.let_fall.total()
            if watch.changed or fallen != self._told_of_fallen.get(watch.device.id, 0):
                watch.changed = False
                self._told_of_fallen[watch.device.id] = fallen
                self._tell_of(watch.device.id, _watched(watch, self._clocks.skew(watch.device.id), share))

    def _tell_of_strangers(self) -> None:
        for knock in self._knocks.new():
            log.warning("unknown_device", adapter=knock.adapter, device=knock.device, peer=knock.peer)
        heard, forgotten = self._knocks.news()
        for device in forgotten:
            self._tell_of(device, None)
        for knock in heard:
            self._tell_of(knock.device, _knocking(knock))

    def _tell_of(self, device: str, status: Mapping[str, Any] | None) -> None:
        """None: nobody needs to know of it any more."""
        if status is not None:
            status = {"host": self._host, "site": self._site, **status}
        payload = b"" if status is None else json.dumps(status, ensure_ascii=False).encode()
        self._publish(topics.device_status(self._site, device), payload)
        if self._local:
            self._local.device_status(device, status)


def _watched(watch: Watch, skew: float | None, share: Share) -> dict[str, Any]:
    device = watch.device
    return {
        "device": device.id,
        "adapter": device.adapter,
        "address": device.address,
        "peer": watch.peer,
        "declared": True,
        "link": watch.link,
        "last_heard": rfc3339(watch.last_heard) if watch.last_heard else None,
        "since": rfc3339(watch.since) if watch.since else None,
        "skew": skew,
        "let_fall": share.let_fall.total(),
        "let_fall_since": rfc3339(share.since) if share.since else None,
    }


def _knocking(knock: Knock) -> Mapping[str, Any]:
    return {
        "device": knock.device,
        "adapter": knock.adapter,
        "address": knock.address,
        "peer": knock.peer,
        "declared": False,
        "link": "online",
        "last_heard": rfc3339(knock.last),
        "since": rfc3339(knock.first),
        "frames": list(knock.frames),
    }
