"""What the console is given: the store, the building, and the few facts of its surroundings that it shows."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.console.sounding import Sounding
from hub.core.building import Building
from hub.core.effects import Effect
from hub.pulse import Pulse
from hub.siren import Siren
from hub.store.accounts import Session, User
from hub.store.database import Store
from hub.store.quarantine import QuarantinedFrame

BrokerNotice = Literal["", "for_trying_out", "dropping"]
Performed = OrderedDict[tuple[str, str], "asyncio.Future[Sequence[Effect]]"]


@dataclass(frozen=True)
class Desk:
    """`health` is what /readyz says, `config_mistakes` and `broker_notice` are shown on the board until they are
    gone; `clock` gives aware UTC."""

    store: Store
    building: Building
    secure_cookies: bool = False
    health: Callable[[], Mapping[str, object]] = dict
    config_mistakes: tuple[str, ...] = ()
    broker_notice: Callable[[], BrokerNotice] = lambda: ""
    channels: tuple[str, ...] = ("desk",)
    """where notices to people go"""
    sounding: Sounding = field(default_factory=Sounding)
    """which posts can sound an alarm"""
    siren: Siren | None = None
    read_again: Callable[[QuarantinedFrame], bool] = lambda kept: False
    """offers a quarantined frame to who couldn't read or store it; False where that isn't in this process"""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    performed: Performed = field(default_factory=OrderedDict)
    """acts that people asked for a short while ago, by who and act id: a double click finds its first result"""
    signed_in: OrderedDict[str, tuple[User, Session]] = field(default_factory=OrderedDict)
    """sessions as they were last read, by their secrets: while the store is away its desk isn't locked out"""
    pulse: Pulse = field(default_factory=Pulse)
    """the console's, for the watchdog"""
    away_since: dict[str, datetime] = field(default_factory=dict)
    """the hub's own parts that are away, by name"""

    @property
    def site(self) -> str:
        return self.building.site.id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.building.site.time_zone)


DESK = web.AppKey("desk", Desk)
