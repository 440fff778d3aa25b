"""Everything that can go wrong, in any order: the steps that hypothesis chooses from."""

from datetime import timedelta
from typing import get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.simulation import model
from tests.simulation.world import LOCKERS, Moment, World

SEEDS = st.integers(0, 2**32)
"""of the choices between what can happen at one moment"""
TURNS = st.integers(0, 120)
LOCKER = st.sampled_from(LOCKERS)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
COMPARTMENT = st.sampled_from(("1", "2", "3"))
STEPS = (
    timedelta(),
    timedelta(minutes=2),
    timedelta(minutes=-2),
    timedelta(hours=25),
    timedelta(hours=80),
    timedelta(days=8),
    timedelta(days=-1),
)


class Building(RuleBasedStateMachine):
    """Each step leaves the world in the midst of something; only `time_passes` waits until all is quiet."""

    world: World

    @initialize(split=st.booleans(), seed=SEEDS)
    def begins(self, split: bool, seed: int) -> None:
        self.world = World(split)
        self.world.choose.seed(seed)
        self.world.passes(1.5)

    def going_on(self, turns: int) -> None:
        for _ in range(turns):
            if not self.world.step():
                break

    # devices

    @rule(locker=LOCKER, compartment=COMPARTMENT, ago=st.sampled_from((0, 0, 0, 400)), turns=TURNS)
    def a_parcel_comes_or_goes(self, locker: str, compartment: str, ago: int, turns: int) -> None:
        self.world.lockers[locker].parcel_moves(compartment, timedelta(seconds=ago))
        self.going_on(turns)

    @rule(locker=LOCKER, compartment=COMPARTMENT, turns=TURNS)
    def a_compartment_is_left_open_or_closed(self, locker: str, compartment: str, turns: int) -> None:
        self.world.lockers[locker].door_moves(compartment)
        self.going_on(turns)

    @rule(point=st.integers(1, 3), turns=TURNS)
    def a_point_burns_or_is_quiet(self, point: int, turns: int) -> None:
        panel = self.world.panel
        panel.reports(point, not panel.points.get(point, False))
        panel.speaks(self.world.host)
        self.going_on(turns)

    @rule(turns=TURNS)
    def devices_send_again(self, turns: int) -> None:
        self.world.devices_speak()
        self.going_on(turns)

    @rule()
    def the_panel_hangs_up(self) -> None:
        self.world.panel.hang_up()

    # time

    @rule(turns=TURNS)
    def it_goes_on(self, turns: int) -> None:
        self.going_on(turns)

    @rule(seconds=st.sampled_from((0.1, 0.3, 1.0, 2.0, 6.0, 35.0)))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule(wrong_by=st.sampled_from(STEPS))
    def the_hubs_clock_is_stepped(self, wrong_by: timedelta) -> None:
        self.world.clock.wrong_by = wrong_by

    # the broker

    @rule(which=st.integers(0, 20), noticed=st.sampled_from((0.0, 0.0, 3.0, 22.0)), turns=TURNS)
    def a_connection_breaks(self, which: int, noticed: float, turns: int) -> None:
        self.world.broker.cut(self._session(which), noticed)
        self.going_on(turns)

    @rule(which=st.integers(0, 20))
    def a_connection_stalls_or_goes_on(self, which: int) -> None:
        if session := self.world.broker.sessions.get(self._session(which)):
            session.stalled = not session.stalled

    @rule(which=st.integers(0, 20), turns=TURNS)
    def a_message_is_dropped(self, which: int, turns: int) -> None:
        self.world.broker.drop(self._session(which), self.world.choose)
        self.going_on(turns)

    @rule(which=st.integers(0, 20), count=st.integers(1, 8), turns=TURNS)
    def messages_come_twice(self, which: int, count: int, turns: int) -> None:
        self.world.broker.repeat(self._session(which), count)
        self.going_on(turns)

    @rule(turns=TURNS)
    def the_broker_dies_or_comes_back(self, turns: int) -> None:
        if self.world.broker.running:
            self.world.broker.go_away()
        else:
            self.world.broker.running = True
        self.going_on(turns)

    def _session(self, which: int) -> str:
        names = sorted(self.world.broker.sessions) or [""]
        return names[which % len(names)]

    # the hub

    @rule(which=st.integers(0, 1), turns=TURNS)
    def a_process_is_killed(self, which: int, turns: int) -> None:
        self.going_on(turns)
        self.world.crash(self.world.parts[which % len(self.world.parts)])

    @rule(which=st.integers(0, 1), most=TURNS)
    def a_process_is_killed_in_a_commit(self, which: int, most: int) -> None:
        self.world.until_a_commit(most)
        self.world.crash(self.world.parts[which % len(self.world.parts)])

    @rule(
        which=st.integers(0, 1),
        moment=st.sampled_from(MOMENTS),
        slow=st.sampled_from(("", "spool", "store-writer")),
        commits=st.integers(0, 3),
        turns=st.integers(0, 6),
    )
    def a_process_is_killed_just_after(self, moment: Moment, slow: str, which: int, commits: int, turns: int) -> None:
        """So many commits and turns after something that is promised to come in an order, while a disk is slow."""
        world = self.world
        world.passes(0.0)
        if moment == "deadline":
            world.a_deadline_falls_due()
        else:
            for locker in world.lockers.values():
                locker.parcel_moves("1", timedelta())
        world.slow = slow
        if world.until(moment, within=4.0):
            for _ in range(commits):
                world.until_a_commit(most=60)
        self.going_on(turns)
        world.slow = ""
        world.crash(world.parts[which % len(world.parts)])

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.settle()
            found = list(model.faults(self.world, self.world.desk.read(model.read)))
            assert not found, "\n".join(found)
        finally:
            self.world.end()
