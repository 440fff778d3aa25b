"""The sliding window of a lane: rows go out in spool order, at most so many without a receipt.

The oldest one without a receipt for too long, a reconnection, or the intake's restart begins again from there. A repeat
may come, a swap may not.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

import structlog

from hub.core.envelope import Lane
from hub.store.spool import Spool, SpooledRow

log = structlog.get_logger()

MOST_UNRECEIPTED = 512
MOST_AT_HAND = 2048
"""rows that wait for room in memory too; those beyond are read from the disk when their turn comes"""
PATIENCE_FIRST, PATIENCE_MOST = 5.0, 60.0
TRY_AGAIN = 1.0
"""seconds between two tries while there is no connection; a new one begins again at once"""


class Window:
    """`publish` hands a row to the broker, with the row that went out before it (0 where it begins anew), and says
    whether there was a connection; `now` is monotonic seconds."""

    def __init__(
        self, lane: Lane, spool: Spool, publish: Callable[[SpooledRow, int], bool], now: Callable[[], float]
    ) -> None:
        self._lane = lane
        self._spool = spool
        self._publish = publish
        self._now = now
        self._out: OrderedDict[int, float] = OrderedDict()
        self._last_sent = 0
        self._at_hand: deque[SpooledRow] = deque()
        """the rows that come next"""
        self._behind = True
        """rows on disk beyond those that aren't out yet"""
        self._patience = PATIENCE_FIRST
        self._not_before = 0.0
        self._reading = False
        self._round = 0
        self._more = False
        """rows were committed while the disk was being read"""

    @property
    def unreceipted(self) -> int:
        return len(self._out)

    @property
    def overdue(self) -> bool:
        """What went out had to go out again, and nothing has been received since."""
        return self._patience > PATIENCE_FIRST

    def will_send(self, sequence: int) -> bool:
        """Whether that row, if it is of this lane, is out or still to be read."""
        return sequence in self._out or (bool(self._behind or self._at_hand) and sequence > self._last_sent)

    def committed(self, rows: Iterable[SpooledRow]) -> None:
        """New rows stand on disk; what fits goes out at once, and the next ones wait at hand."""
        for row in rows:
            if self._behind or len(self._at_hand) >= MOST_AT_HAND:
                self._behind = self._more = True
            elif self._at_hand or len(self._out) >= MOST_UNRECEIPTED:
                self._at_hand.append(row)
            elif not self._send(row):
                self._behind = self._more = True

    def received(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The store has these."""
        before = len(self._out)
        for first, last in ranges:
            if first == last:
                self._out.pop(first, None)
                continue
            for sequence in [s for s in self._out if first <= s <= last]:
                del self._out[sequence]
        if len(self._out) < before:
            self._patience = PATIENCE_FIRST

    def begin_again(self, settle: float = 0.0) -> None:
        """From the oldest row on, after `settle` seconds: the session is new, or the intake is."""
        self._out.clear()
        self._at_hand.clear()
        self._last_sent = 0
        self._not_before = self._now() + settle if settle else 0.0
        self._behind = True
        self._round += 1

    async def fill(self) -> None:
        """Send what waits on disk while there is room, and again what was never received."""
        oldest = next(iter(self._out.values()), None)
        if oldest is not None and self._now() - oldest > self._patience:
            self._patience = min(self._patience * 2, PATIENCE_MOST)
            log.warning("receipts_overdue", lane=self._lane, unreceipted=len(self._out), next_patience=self._patience)
            self.begin_again()
        if self._reading or self._now() < self._not_before:
            return
        while self._at_hand and len(self._out) < MOST_UNRECEIPTED:
            if not self._send(self._at_hand[0]):
                return
            self._at_hand.popleft()
        self._reading = True
        try:
            while self._behind and (room := MOST_UNRECEIPTED - len(self._out)) > 0:
                self._more, this_round = False, self._round
                rows = await self._spool.after(self._lane, self._last_sent, room)
                if self._round != this_round:
                    continue  # begun again meanwhile: what was read is too far on
                if not rows:
                    self._behind = self._more
                    if not self._more:
                        break
                if not all(self._send(row) for row in rows):
                    break
        finally:
            self._reading = False

    def _send(self, row: SpooledRow) -> bool:
        if row.sequence <= self._last_sent:
            return True
        if not self._publish(row, self._last_sent):
            self._not_before = self._now() + TRY_AGAIN
            return False
        self._out[row.sequence] = self._now()
        self._last_sent = row.sequence
        return True
