"""The window, against a model of its spool: whatever comes between two steps, rows go out in order, at most so many
without a receipt, none skipped, never a swap within a session.

The model keeps the one promise that the window builds on: it hears of commits in their order. When it hears of a read
beside them, nobody promises.
"""

from collections import deque
from collections.abc import Coroutine, Generator
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub.core.envelope import Lane
from hub.host import window
from hub.host.window import MOST_UNRECEIPTED, Window
from hub.store.spool import Spool, SpooledRow

MOST = 2


class _Read:
    """A read that the spool's thread will do."""

    def __init__(self, after: int, limit: int) -> None:
        self.after, self.limit = after, limit
        self.rows: list[SpooledRow] | None = None

    def __await__(self) -> Generator["_Read", None, list[SpooledRow]]:
        yield self
        assert self.rows is not None
        return self.rows


class _Disk:
    def __init__(self) -> None:
        self.rows: dict[int, SpooledRow] = {}
        self.last = 0

    def after(self, lane: Lane, sequence: int, limit: int) -> _Read:
        return _Read(sequence, limit)

    def read(self, read: _Read) -> list[SpooledRow]:
        return [self.rows[s] for s in sorted(self.rows) if s > read.after][: read.limit]


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.disk = _Disk()
        self.now = 0.0
        self.connected = True
        self.sent: list[int] = []
        """in this session, since it last began again"""
        self.got: set[int] = set()
        self.to_hear: deque[SpooledRow] = deque()
        self.asked: _Read | None = None
        self.filling: Coroutine[_Read, None, None] | None = None
        self.window = Window("routine", cast("Spool", self.disk), self.publish, lambda: self.now)
        self.window_rounds = 0

    def publish(self, row: SpooledRow, after: int) -> bool:
        if not self.connected:
            return False
        if self.window._round != self.window_rounds:
            self.window_rounds, self.sent = self.window._round, []
        assert not self.sent or row.sequence > self.sent[-1], "a swap"
        skipped = [s for s in self.disk.rows if s < row.sequence and s not in self.sent]
        assert not skipped, f"{skipped} skipped before {row.sequence}"
        assert after == (self.sent[-1] if self.sent else 0), "the intake couldn't tell that one is missing"
        self.sent.append(row.sequence)
        return True

    @initialize(begun=st.booleans(), rows=st.integers(0, 6))
    def begin(self, *, begun: bool, rows: int) -> None:
        """Half of the time with an empty disk read, and what is committed then out or at hand."""
        if begun:
            self.fill()
            self.thread_reads()
            self.loop_hears_of_the_read()
        for _ in range(rows):
            self.commit(1)
        while self.to_hear:
            self.loop_hears_of_a_commit()

    @rule(apart=st.integers(1, 3))
    def commit(self, apart: int) -> None:
        self.disk.last += apart  # the other lane's rows lie between
        row = SpooledRow(self.disk.last, "routine", "gate", b"")
        self.disk.rows[row.sequence] = row
        self.to_hear.append(row)

    @precondition(lambda self: self.asked is not None and self.asked.rows is None)
    @rule()
    def thread_reads(self) -> None:
        assert self.asked is not None
        self.asked.rows = self.disk.read(self.asked)

    @precondition(lambda self: self.to_hear)
    @rule()
    def loop_hears_of_a_commit(self) -> None:
        self.window.committed([self.to_hear.popleft()])

    @precondition(lambda self: self.asked is not None and self.asked.rows is not None)
    @rule()
    def loop_hears_of_the_read(self) -> None:
        self.asked = None
        self.step()

    @precondition(lambda self: self.filling is None)
    @rule()
    def fill(self) -> None:
        self.filling = cast("Coroutine[_Read, None, None]", self.window.fill())
        self.step()

    def step(self) -> None:
        assert self.filling is not None
        try:
            self.asked = self.filling.send(None)
        except StopIteration:
            self.filling = None

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def receipt(self, data: st.DataObject) -> None:
        first = data.draw(st.sampled_from(self.sent))
        last = data.draw(st.sampled_from([s for s in self.sent if s >= first]))
        self.window.received([(first, last)])
        for sequence in [s for s in self.disk.rows if first <= s <= last and s in self.sent]:
            del self.disk.rows[sequence]
            self.got.add(sequence)

    @precondition(lambda self: self.connected and self.sent)
    @rule()
    def connection_lost(self) -> None:
        self.connected = False

    @precondition(lambda self: not self.connected)
    @rule()
    def connection_back(self) -> None:
        self.connected = True
        self.window.begin_again()

    @precondition(lambda self: len(self.sent) > 1)
    @rule()
    def intake_restarts(self) -> None:
        self.window.begin_again()

    @rule(seconds=st.sampled_from([0.3, 1.5, 6.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def never_more_than_the_window(self) -> None:
        assert self.window.unreceipted <= MOST

    def teardown(self) -> None:
        """Left alone with a connection and receipts, everything arrives."""
        if not self.connected:
            self.connection_back()
        for _ in range(10 * (len(self.disk.rows) + 10)):
            self.now += 2.0
            if self.filling is None:
                self.fill()
            while self.asked:
                if self.asked.rows is None:
                    self.thread_reads()
                self.loop_hears_of_the_read()
            while self.to_hear:
                self.loop_hears_of_a_commit()
            for sequence in [s for s in self.sent if s in self.disk.rows]:
                self.window.received([(sequence, sequence)])
                del self.disk.rows[sequence]
        assert not self.disk.rows, "never sent"
        if self.filling:
            self.filling.close()


def test_whatever_comes_between_rows_go_in_order_and_none_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_UNRECEIPTED", MOST)
    monkeypatch.setattr(window, "MOST_AT_HAND", 3)
    searched = settings(max_examples=400, stateful_step_count=30, deadline=None, derandomize=True)
    run_state_machine_as_test(Model, settings=searched)


# how patience grows: with a disk that answers at once


class _Ready(_Disk):
    async def after(self, lane: Lane, sequence: int, limit: int) -> list[SpooledRow]:  # type: ignore[override]
        return self.read(_Read(sequence, limit))


async def test_what_is_overdue_goes_again_after_5_s_then_10_up_to_60() -> None:
    disk, sent, clock = _Ready(), [], [0.0]
    disk.rows[7] = SpooledRow(7, "life", "panel", b"")

    def publish(row: SpooledRow, after: int) -> bool:
        sent.append(clock[0])
        return True

    lane = Window("life", cast("Spool", disk), publish, lambda: clock[0])
    while clock[0] < 300:
        await lane.fill()
        clock[0] += 0.25
    waits = [round(b - a) for a, b in pairwise(sent)]
    assert waits[:6] == [5, 10, 20, 40, 60, 60]


async def test_a_receipt_makes_it_patient_no_longer() -> None:
    disk, clock, sent = _Ready(), [0.0], []
    disk.rows |= {n: SpooledRow(n, "life", "panel", b"") for n in (1, 2)}

    def publish(row: SpooledRow, after: int) -> bool:
        sent.append((row.sequence, clock[0]))
        return True

    lane = Window("life", cast("Spool", disk), publish, lambda: clock[0])
    for _ in range(100):
        await lane.fill()
        clock[0] += 0.25
    lane.received([(1, 1)])
    del disk.rows[1]
    before, start = len(sent), clock[0]
    while len(sent) == before:
        await lane.fill()
        clock[0] += 0.25
    assert clock[0] - start <= 6


async def test_without_a_connection_the_disk_is_read_once_a_second_at_most() -> None:
    class Counted(_Ready):
        reads = 0

        async def after(self, lane: Lane, sequence: int, limit: int) -> list[SpooledRow]:  # type: ignore[override]
            Counted.reads += 1
            return await super().after(lane, sequence, limit)

    disk, clock = Counted(), [0.0]
    disk.rows[1] = SpooledRow(1, "life", "panel", b"")
    lane = Window("life", cast("Spool", disk), lambda row, after: False, lambda: clock[0])
    for _ in range(40):
        await lane.fill()
        clock[0] += 0.25
    assert Counted.reads <= 11


async def test_rows_that_wait_for_room_are_not_read_back_from_the_disk() -> None:
    disk, sent = _Ready(), list[int]()

    def publish(row: SpooledRow, after: int) -> bool:
        sent.append(row.sequence)
        return True

    lane = Window("routine", cast("Spool", disk), publish, lambda: 0.0)
    await lane.fill()
    lane.committed([SpooledRow(number, "routine", "gate", b"") for number in range(1, 2 * MOST_UNRECEIPTED)])
    assert sent == list(range(1, MOST_UNRECEIPTED + 1))
    assert lane.will_send(2 * MOST_UNRECEIPTED - 1)
    lane.received([(1, 100)])
    await lane.fill()
    assert sent == list(range(1, MOST_UNRECEIPTED + 101))


def test_the_window_is_as_wide_as_promised() -> None:
    assert MOST_UNRECEIPTED == 512
