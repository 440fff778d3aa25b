"""What hosts and the intake say on the hub's own topics, beside events, commands and a host's word of the second."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.core.text import Identifier, Instant, Word

Sequence = Annotated[int, Field(ge=0)]
Run = Annotated[list[Sequence], Field(min_length=2, max_length=2)]
"""first and last, both included"""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Receipt(_Said):
    """The store has committed these rows of the host's spool, so it may forget them. `restart`: the intake is new, and
    knows of nothing under way: send again what has no receipt."""

    host: Identifier
    sequences: list[Run]
    restart: bool = False


class Gone(_Said):
    """The host's will: its connection is gone."""


class Seen(_Said):
    """A frame of an unknown device: `meaning` are the event types it would give and `about` the point or door
    of each, `reason` why none. `topic` is what it was sent to, or its request's method and path."""

    at: Instant
    hex: str
    topic: str = ""
    meaning: list[str] = []
    about: list[str] = []
    reason: str = ""


class DeviceStatus(_Said):
    """A device as its host sees it. `declared` is false for one that knocks and isn't in building.toml; it has its last
    `frames`, and no yes."""

    site: Identifier
    device: Word
    host: Identifier
    adapter: Identifier
    address: Word
    peer: Word = ""
    declared: bool
    link: Literal["online", "offline", "never"]
    last_heard: Instant | None = None
    since: Instant | None = None
    skew: float | None = None
    waiting: int = 0
    let_fall: int = 0
    let_fall_since: Instant | None = None
    detail: dict[str, str] = {}
    frames: list[Seen] = []


class Heartbeat(_Said):
    """The hub lives; `away` names what of it doesn't work, as /readyz does, and the next one comes `every` so many
    seconds. Where nothing came for three of these, the hub is dead, or the way to it."""

    alive: Literal[True] = True
    ready: bool
    away: list[str]
    site: Identifier
    host: Identifier
    at: Instant
    every: Annotated[int, Field(ge=1)]


class HeartbeatGone(_Said):
    """The will of its connection, and the last word of a hub that is stopped."""

    alive: Literal[False] = False
