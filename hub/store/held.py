"""What a restore has held until a person says: notices not yet sent, and routine deadlines overdue by then."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from hub.core.records import Deadline, Notice
from hub.store import audit, deadlines, outbox
from hub.store.database import Transaction

Decision = Literal["release", "drop"]


@dataclass(frozen=True, slots=True)
class Held:
    notices: list[Notice] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)

    def named(self, keys: Collection[str]) -> "Held":
        """Those with these keys."""
        notices = [notice for notice in self.notices if notice.key in keys]
        return Held(notices, [deadline for deadline in self.deadlines if deadline.key in keys])

    @property
    def keys(self) -> set[str]:
        return {notice.key for notice in self.notices} | {deadline.key for deadline in self.deadlines}


def listing(tx: Transaction) -> Held:
    return Held(outbox.held_notices(tx), deadlines.held(tx))


def decide(tx: Transaction, held: Held, decision: Decision, who: str, post: str = "") -> None:
    """Send these notices and let these deadlines run, or do neither for ever."""
    for notice in held.notices:
        (outbox.send_again if decision == "release" else outbox.drop_notice)(tx, notice.site, notice.key)
        audit.add(tx, notice.site, tx.now, who, post, f"notice.{decision}", notice.key)
    for deadline in held.deadlines:
        (deadlines.release if decision == "release" else deadlines.delete)(tx, deadline.site, deadline.key)
        audit.add(tx, deadline.site, tx.now, who, post, f"deadline.{decision}", deadline.key)
