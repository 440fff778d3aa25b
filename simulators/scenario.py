"""A scenario: who does what at which device, and when. A TOML file, read and checked as a whole."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulators.simulator import Misbehaviour

_STEP_KEYS = {"name", "at", "after", "wait", "every", "jitter", "once", "device", "action", "with"}


class ScenarioError(Exception):
    """What is wrong with a scenario: every mistake, a line each."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act. It begins `at` seconds after the cycle's start, or `wait` seconds after step `after` has ended, up to
    `jitter` later by lot. With `every` it comes again until the cycle ends; with `once` in the first cycle only."""

    place: int
    device: str
    action: str
    name: str = ""
    at: float = 0.0
    after: str = ""
    wait: float = 0.0
    every: float = 0.0
    jitter: float = 0.0
    once: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"step {self.place} ({self.device} {self.action})"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`loop` is a cycle's length in seconds; 0 plays once. `misbehave` is from the start, by device."""

    title: str
    steps: tuple[Step, ...]
    loop: float = 0.0
    misbehave: Mapping[str, Misbehaviour] = field(default_factory=dict)


def read_scenario(path: Path) -> Scenario:
    """Raises OSError where there is no such file, ScenarioError with all that is wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    wrong: list[str] = []
    steps = tuple(_step(place, raw, wrong) for place, raw in enumerate(content.get("step", []), start=1))
    names = {step.name for step in steps if step.name}
    for step in steps:
        wrong += [f"{step}: no step is called {name!r}" for name in _names_used(step) if name not in names]
    scenario = Scenario(
        title=content.get("title", path.stem),
        steps=steps,
        loop=float(content.get("loop", 0)),
        misbehave={device: _faults(device, raw, wrong) for device, raw in content.get("misbehave", {}).items()},
    )
    if any(step.every and not scenario.loop for step in steps):
        wrong.append("a step with `every` needs the scenario's `loop`")
    if wrong:
        raise ScenarioError("\n".join(f"{path.name}: {line}" for line in wrong))
    return scenario


def _step(place: int, raw: Mapping[str, Any], wrong: list[str]) -> Step:
    step = Step(
        place=place,
        device=str(raw.get("device", "")),
        action=str(raw.get("action", "")),
        name=str(raw.get("name", "")),
        after=str(raw.get("after", "")),
        once=bool(raw.get("once", False)),
        parameters=raw["with"] if isinstance(raw.get("with"), dict) else {},
        **{key: _seconds(place, raw, key, wrong) for key in ("at", "wait", "every", "jitter")},
    )
    wrong += [f"{step}: no such key {key!r}" for key in raw if key not in _STEP_KEYS]
    if not isinstance(raw.get("with", {}), dict):
        wrong.append(f'{step}: `with` is a table of parameters, such as {{person = "R-001"}}')
    if ("at" in raw) == ("after" in raw):
        wrong.append(f"{step}: needs either `at` or `after`")
    if step.after and step.every:
        wrong.append(f"{step}: `every` goes with `at` only")
    return step


def _seconds(place: int, raw: Mapping[str, Any], key: str, wrong: list[str]) -> float:
    value = raw.get(key, 0)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    wrong.append(f"step {place}: `{key}` is a number of seconds, not {value!r}")
    return 0.0


def _names_used(step: Step) -> list[str]:
    """Names of steps that this one waits for or takes a result from (`"@name"`)."""
    values = [value[1:] for value in step.parameters.values() if isinstance(value, str) and value.startswith("@")]
    return ([step.after] if step.after else []) + values


def _faults(device: str, raw: Mapping[str, Any], wrong: list[str]) -> Misbehaviour:
    known = {each.name for each in dataclasses.fields(Misbehaviour)}
    wrong += [
        f"misbehave.{device}: no such fault {key!r}; there are {sorted(known)}" for key in raw if key not in known
    ]
    return Misbehaviour(**{key: value for key, value in raw.items() if key in known})
