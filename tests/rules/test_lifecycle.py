"""Any order of alarms, restores, resets, answers and verdicts, sequences shuffled and repeated: no alarm is lost, no
incident leaves too early, nothing comes back by older news."""

from random import Random
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.core.effects import IncidentBecomes
from hub.core.records import Incident
from hub.rules import acts
from tests.rules.made import HOUR, WANG, Estate

POINTS = st.sampled_from([
    ("panel", "1/1"), ("panel", "1/2"), ("panel", "1/3"), ("panel", "9/9"), ("old-panel", "1/1"), ("old-panel", "5/5"),
])  # fmt: skip
AWRY = st.sampled_from([0, 0, 0, -1, -2, -5])
"""how far a sequence lies behind the newest"""


class Lifecycle(RuleBasedStateMachine):
    """`said` is what each point on the board was last told to be: the sequence, and whether it burns."""

    def __init__(self) -> None:
        super().__init__()
        self.estate = Estate()
        self.said: dict[str, tuple[int, bool]] = {}

    # what devices say

    @rule(point=POINTS, awry=AWRY, delivery=st.sampled_from(["live", "live", "snapshot", "backlog"]))
    def alarm(self, point: tuple[str, str], awry: int, delivery: str) -> None:
        device, number = point
        zone, _, address = number.partition("/")
        key = f"{'late/' if delivery == 'backlog' else ''}fire.alarm/{device}/zone/{zone}/point/{address}"
        sequence = self._sequence(awry)
        known = self.said.get(key)
        repeats = delivery == "snapshot" and known is not None and known[1]
        self.estate.fire(number, device, sequence=sequence, delivery=delivery)
        if not repeats and (known is None or sequence > known[0]):
            self.said[key] = (sequence, True)
        assert key in self.estate.facts.alerts, "a raised alarm is lost"

    @rule(point=POINTS, awry=AWRY)
    def restore(self, point: tuple[str, str], awry: int) -> None:
        device, number = point
        zone, _, address = number.partition("/")
        sequence = self._sequence(awry)
        self.estate.hears(
            "fire.alarm", device, f"zone/{zone}/point/{address}", sequence=sequence, active=False, zone=zone,
            point=address,
        )  # fmt: skip
        for past in ("", "late/"):
            self._quiet(f"{past}fire.alarm/{device}/zone/{zone}/point/{address}", sequence)

    @rule(awry=AWRY)
    def reset(self, awry: int) -> None:
        sequence = self._sequence(awry)
        self.estate.hears("fire.panel_operated", "old-panel", "system/1/1", sequence=sequence, operation="reset")
        for key in list(self.said):
            if "/old-panel/" in key:
                self._quiet(key, sequence)

    @rule(operation=st.sampled_from(["silence", "acknowledge"]), device=st.sampled_from(["panel", "old-panel"]))
    def panel_keys(self, operation: str, device: str) -> None:
        before = self.estate.shown()
        self.estate.hears("fire.panel_operated", device, "system/1/1", operation=operation)
        assert self.estate.shown() == before

    # what people do

    @precondition(lambda self: self.estate.facts.incidents)
    @rule(choice=st.randoms(use_true_random=False))
    def answer(self, choice: Random) -> None:
        incident = self._one(choice)
        self.estate.does(acts.answer_incident(self.estate.facts, incident.id, WANG, self.estate.now))

    @precondition(lambda self: self.estate.facts.incidents)
    @rule(choice=st.randoms(use_true_random=False), verdict=st.sampled_from(["real", "false", "test"]))
    def judge(self, choice: Random, verdict: Literal["real", "false", "test"]) -> None:
        incident = self._one(choice)
        cause: Literal["dust", ""] = "dust" if verdict == "false" else ""
        self.estate.does(acts.judge_incident(self.estate.facts, incident.id, verdict, cause, WANG, self.estate.now))

    @precondition(lambda self: self.estate.facts.deadlines)
    @rule(choice=st.randoms(use_true_random=False))
    def time_passes(self, choice: Random) -> None:
        self.estate.reaches(choice.choice(sorted(self.estate.facts.deadlines)), later=HOUR)

    # what always holds

    @invariant()
    def each_point_is_shown_as_it_was_last_told(self) -> None:
        left = {effect.incident.id: effect.incident for effect in self.estate.last
                if isinstance(effect, IncidentBecomes) and effect.step == "done"}  # fmt: skip
        alerts = self.estate.facts.alerts
        for key in [key for key in self.said if key not in alerts]:
            assert not self.said.pop(key)[1], f"{key} left the board while it was active"
        for incident in left.values():
            assert incident.verdict is not None, "it left the board without a verdict"
        assert {key: (alert.sequence, alert.source == "active") for key, alert in alerts.items()} == self.said

    @invariant()
    def an_incident_is_as_active_as_its_alarms(self) -> None:
        for incident in self.estate.facts.incidents.values():
            sources = {alert.source for alert in self.estate.facts.alerts_of(incident.id)}
            assert sources, "an incident without an alarm"
            assert incident.source == ("active" if "active" in sources else "quiet")
            assert not (incident.source == "quiet" and incident.verdict), "it should have left the board"
        for alert in self.estate.facts.alerts.values():
            assert alert.incident in self.estate.facts.incidents

    @invariant()
    def one_incident_a_place(self) -> None:
        places = [incident.place for incident in self.estate.facts.incidents.values()]
        assert len(places) == len(set(places))

    @invariant()
    def nobody_waits_for_a_verdict_without_a_timer(self) -> None:
        for incident in self.estate.facts.incidents.values():
            waits = {d.kind for d in self.estate.facts.deadlines.values() if d.record == incident.id}
            if incident.verdict or incident.late:
                assert waits == set()
            else:
                assert incident.treated_as_real or "verify" in waits

    def _sequence(self, awry: int) -> int:
        return max(1, self.estate.sequence + 1 + awry)

    def _quiet(self, key: str, sequence: int) -> None:
        if key in self.said and sequence > self.said[key][0]:
            self.said[key] = (sequence, False)

    def _one(self, choice: Random) -> Incident:
        incidents = self.estate.facts.incidents
        return incidents[choice.choice(sorted(incidents))]


Lifecycle.TestCase.settings = settings(deadline=None, derandomize=True, max_examples=150, stateful_step_count=40)
TestLifecycle = Lifecycle.TestCase
