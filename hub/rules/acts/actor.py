"""Who acts, and what every act needs."""

from dataclasses import dataclass
from datetime import datetime

from hub.core.effects import Audit, Refused


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and where: a user's id, and a post's id or ""."""

    user: str
    post: str = ""


def audit(act: str, target: str, actor: Actor, **details: str) -> Audit:
    return Audit(act, target, actor.user, actor.post, details)


def check_when(happened_at: datetime | None, at: datetime) -> None:
    """What is entered later has happened before."""
    if happened_at is not None and happened_at > at:
        raise Refused("entered_later.is_to_come")
