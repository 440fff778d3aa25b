"""What hosts and the intake say on the hub's own topics, beside events and commands: the JSON of each message."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.core.text import Identifier, Instant, Word

Sequence = Annotated[int, Field(ge=0)]
Run = Annotated[list[Sequence], Field(min_length=2, max_length=2)]
"""first and last, both included"""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Receipt(_Said):
    """The store has committed these rows of the host's spool, so it may forget them. `restart`: the intake is new, or
    back: send again what has no receipt."""

    host: Identifier
    sequences: list[Run]
    restart: bool = False


class HostStatus(_Said):
    """Every second: by `at` the spool's last row was `sequence`; `oldest` is the first without a receipt, `waiting` how
    many there are; `kept` are commands whose ids are on the host's disk, of late; `let_fall` counts frames of devices
    that wait for no answer."""

    at: Instant
    sequence: Sequence
    oldest: Sequence | None = None
    waiting: Sequence = 0
    kept: list[Word] = []
    let_fall: Sequence = 0


class Gone(_Said):
    """The host's will: its connection is gone."""


class Seen(_Said):
    """A frame of an unknown device: `meaning` are the event types it would give, `reason` why none."""

    at: Instant
    hex: str
    topic: str = ""
    meaning: list[str] = []
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
    detail: dict[str, str] = {}
    frames: list[Seen] = []
