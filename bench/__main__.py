"""`make bench`: every figure, floor and hub in turn within one run, medians of five; a table, and bench/results.json.

`--quick` for a look while working: small stores, one run. `--only NAME …` for some of the figures.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import fire, pages, start, stored, throughput
from bench.desk import desk

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Size:
    runs: int
    events: int
    small: int
    large: int
    fires: int
    seconds: float
    storm: int
    drain: int


FULL = Size(runs=5, events=10_000, small=200_000, large=1_000_000, fires=100, seconds=6, storm=15_000, drain=100_000)
QUICK = Size(runs=1, events=2_000, small=10_000, large=20_000, fires=30, seconds=2, storm=1_500, drain=5_000)

AIMS = {
    "intake_vs_floor": (0.5, 0.9), "path_vs_floor": (0.25, 0.4),
    "fire_idle_p50_ms": (6, 4), "fire_idle_p99_ms": (40, 20), "fire_loaded_p99_ms": (100, 50),
    "fire_storm_p99_ms": (300, 150), "pages_50_vs_1": (1.3, 1.1), "intake_1m_vs_200k": (0.8, 0.95),
    "pages_1m_ms": (50, 50), "start_1m_s": (3, 1.5), "rss_rest_mib": (120, 100),
    "drain_100k_s": (60, 30), "fire_drain_p99_ms": (1000, 300),
}  # fmt: skip
"""at least (or at most), and the aim"""
Figures = dict[str, list[float]]


class Bench:
    def __init__(self, size: Size, directory: Path, stores: Path) -> None:
        self.size = size
        self.directory = directory
        self._stores = stores
        self.figures: Figures = {}

    def store(self, wanted: int) -> Path:
        """A store of so many events, made once."""
        made = self._stores / f"store-{wanted}"
        if not made.exists():
            shutil.rmtree(self._stores / "making", ignore_errors=True)
            stored.fill(self._stores / "making", wanted)
            (self._stores / "making").rename(made)
        return made

    def floors_store(self) -> Path:
        made = self._stores / f"floor-{self.size.small}.db"
        if not made.exists():
            stored.fill_floor(made, self.size.small)
        return made

    def note(self, **figures: float) -> None:
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)
            print(f"  {name} {value:.3f}", flush=True)


def intake(bench: Bench) -> None:
    packets = throughput.canonical(bench.directory, bench.size.events)
    small, floors = bench.store(bench.size.small), bench.floors_store()
    floor = throughput.floor(bench.directory, floors, packets, bench.size.events)
    hub = throughput.intake(bench.directory, small, packets, bench.size.events)
    bench.note(floor_events_s=floor.events_s, intake_events_s=hub.events_s, intake_cost_vs_floor=hub.cost / floor.cost)
    bench.note(intake_vs_floor=hub.events_s / floor.events_s)


def path(bench: Bench) -> None:
    packets = throughput.canonical(bench.directory, bench.size.events)
    frames = throughput.vendor(bench.directory, bench.size.events)
    small, floors = bench.store(bench.size.small), bench.floors_store()
    floor = throughput.floor(bench.directory, floors, packets, bench.size.events)
    hub = throughput.path(bench.directory, small, frames, bench.size.events)
    bench.note(path_events_s=hub.events_s, path_cost_vs_floor=hub.cost / floor.cost)
    bench.note(path_vs_floor=hub.events_s / floor.events_s)


def growth(bench: Bench) -> None:
    packets = throughput.canonical(bench.directory, bench.size.events)
    small, large = bench.store(bench.size.small), bench.store(bench.size.large)
    of_small = throughput.intake(bench.directory, small, packets, bench.size.events)
    of_large = throughput.intake(bench.directory, large, packets, bench.size.events)
    bench.note(intake_1m_cost_vs_200k=of_large.cost / of_small.cost)
    bench.note(intake_1m_vs_200k=of_large.events_s / of_small.events_s)


def fires(bench: Bench) -> None:
    with desk(bench.directory, bench.store(bench.size.small)) as running:
        bench.note(rss_rest_mib=start.memory_at_rest(running))
        idle = fire.idle(running, bench.size.fires)
        bench.note(fire_idle_p50_ms=fire.median(idle), fire_idle_p99_ms=fire.percentile(idle, 0.99))
        loaded = fire.loaded(running, bench.directory, bench.size.seconds)
        bench.note(fire_loaded_p99_ms=fire.percentile(loaded, 0.99))
    storm = fire.storm(bench.directory, bench.store(bench.size.small), bench.size.storm)
    bench.note(fire_storm_p99_ms=fire.percentile(storm.fires, 0.99))


def drain(bench: Bench) -> None:
    drained = fire.storm(bench.directory, bench.store(bench.size.small), bench.size.drain, within=150)
    bench.note(drain_100k_s=drained.seconds * 100_000 / bench.size.drain)
    bench.note(fire_drain_p99_ms=fire.percentile(drained.fires, 0.99))


def open_pages(bench: Bench) -> None:
    with desk(bench.directory, bench.store(bench.size.small)) as running:
        one = pages.cost_of_an_event(running, bench.directory, 1, bench.size.seconds)
        fifty = pages.cost_of_an_event(running, bench.directory, 50, bench.size.seconds)
        bench.note(pages_50_vs_1=fifty / one)


def large_store(bench: Bench) -> None:
    large = bench.store(bench.size.large)
    bench.note(start_1m_s=start.seconds_to_first_event(bench.directory, large))
    with desk(bench.directory, large) as running:
        bench.note(pages_1m_ms=pages.slowest(running, 10))


PARTS: dict[str, Callable[[Bench], None]] = {
    "intake": intake, "path": path, "growth": growth, "fires": fires, "drain": drain, "pages": open_pages,
    "large": large_store,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--stores", type=Path, help="keep the filled stores here, for the next time")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        directory = Path(made)
        stores = asked.stores or directory / "stores"
        stores.mkdir(parents=True, exist_ok=True)
        bench = Bench(size, directory, stores)
        for part in asked.only:
            begun = time.monotonic()
            for run in range(size.runs):
                print(f"{part}, run {run + 1} of {size.runs}", flush=True)
                PARTS[part](bench)
            print(f"{part} took {time.monotonic() - begun:.0f} s", flush=True)
    medians = {name: round(statistics.median(values), 3) for name, values in bench.figures.items()}
    _print(medians)
    if not asked.quick and set(asked.only) == set(PARTS):
        RESULTS.write_text(json.dumps(medians, indent=1) + "\n")


def _print(medians: dict[str, float]) -> None:
    print(f"\n{'figure':22}{'median':>10}{'at least':>10}{'aim':>8}")
    for name, value in medians.items():
        least, aim = AIMS.get(name, ("", ""))
        print(f"{name:22}{value:10.3f}{least:>10}{aim:>8}")


if __name__ == "__main__":
    main()
