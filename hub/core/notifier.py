"""What a notifier is: one channel, a message, and whether it went. It never retries; dispatch does, in one place."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from hub.core.records import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice in its words. `key` is the same in every repeat. `kind` is what it is about (pickup, fire, …),
    `state` how that stands (active, quiet, …), `url` where the desk shows it."""

    key: str
    template: str
    kind: str
    title: str
    text: str
    to: str = ""
    """address on the channel; "" where the channel has but one"""
    language: str = "zh"
    severity: Severity = "low"
    state: str = ""
    site: str
    zone: str = ""
    url: str = ""
    occurred_at: datetime
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took it. `reference` is its own name for it, "" where it gives none."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """`retry`: another try may help. `reason` is a catalogue key: no_connection, timed_out, certificate, no_tls,
    wrong_password, bad_address, bad_answer, redirected, busy, refused; `detail` is a status code or "". Never an
    address, a URL or words of the message."""

    retry: bool
    reason: str
    detail: str = ""


class ChannelSettings(BaseModel):
    """What a channel is told of this machine: its table in hub.toml and its secrets. None, for some."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Channel = Callable[[Message], Awaitable[Sent | NotSent]]
S = TypeVar("S", bound=ChannelSettings)


@dataclass(frozen=True, slots=True)
class Notifier(Generic[S]):
    """One channel. `send` raises nothing that a server or a network can cause."""

    name: str
    settings: type[S]
    send: Callable[[Message, S], Awaitable[Sent | NotSent]]

    def channel(self, declared: Mapping[str, object]) -> Channel:
        """The channel with its settings. Raises pydantic.ValidationError, which doesn't show what was given."""
        return partial(_send, self, self.settings.model_validate(declared))


def _send(notifier: Notifier[S], settings: S, message: Message) -> Awaitable[Sent | NotSent]:
    return notifier.send(message, settings)
