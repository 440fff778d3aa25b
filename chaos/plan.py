"""When what is killed: drawn from a seed alone, so that a run can be had again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

Target = Literal["hub", "host", "broker", "both"]
"""`host` is the host's own process where the hub is split, and the hub where it isn't"""
AT_ONCE = 2
"""buildings: most of a life is waiting"""
KILLS_A_LIFE = 25
"""a building's data is as old as so many kills; then the next one begins with nothing"""


@dataclass(frozen=True, slots=True)
class Kill:
    """`after` seconds from the kill before, or, with `ready`, from when the hub says again that it is ready."""

    target: Target
    ready: bool
    after: float


def plan(kills: int, seed: int) -> list[Kill]:
    random = Random(f"{seed}/kills")
    return [_one(random) for _ in range(kills)]


def _one(random: Random) -> Kill:
    target: Target = random.choice(("hub", "hub", "host", "broker", "both"))
    ready = random.random() < 0.55
    return Kill(target, ready, round(random.uniform(0.1, 1.4) if ready else random.uniform(0.2, 2.5), 3))


def lives(kills: list[Kill]) -> Iterator[list[Kill]]:
    """The kills of one building after the other; as many buildings at least as live at once."""
    size = min(KILLS_A_LIFE, max(1, math.ceil(len(kills) / AT_ONCE)))
    for start in range(0, len(kills), size):
        yield kills[start : start + size]
