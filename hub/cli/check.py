"""`hub check`: every mistake of the configuration at once, and what it declares."""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from hub.adapters import load_adapters
from hub.settings import Loaded, Mistake, load

UnlistedPoints = Callable[[], Mapping[str, int]]
"""panel → points that it has reported and its list doesn't have"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print every mistake of the configuration as FILE:LINE, and counts. Exit status 1 if any."
    add_config_argument(parser)


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("HUB_CONFIG", "config")),
        metavar="DIR",
        help="folder of the configuration (default: HUB_CONFIG, or config)",
    )


def run(args: argparse.Namespace, unlisted: UnlistedPoints | None = None) -> int:
    loaded = load(args.config, load_adapters())
    for mistake in loaded.mistakes:
        print(_line(args.config, mistake))
    for remark in loaded.notes.remarks:
        print(f"note: {_line(args.config, remark)}")
    for line in _counts(loaded, unlisted() if unlisted else {}):
        print(line)
    number = len(loaded.mistakes)
    print("No mistakes." if not number else f"{number} mistake{'s' if number > 1 else ''}.")
    return 1 if number else 0


def _line(config: Path, mistake: Mistake) -> str:
    return f"{config / mistake.file}{str(mistake).removeprefix(mistake.file)}"


def _counts(loaded: Loaded, unlisted: Mapping[str, int]) -> list[str]:
    building, notes = loaded.building, loaded.notes
    by_adapter = ", ".join(f"{count} {name}" for name, count in sorted(notes.devices.items()))
    lines = [
        f"{len(building.posts)} posts, {len(building.zones)} zones, {len(building.doors)} doors, "
        f"{notes.devices_declared} devices ({by_adapter or 'none'})",
        f"{notes.points_listed} points listed",
    ]
    for panel in sorted({*notes.points, *unlisted}):
        missing = f", {unlisted[panel]} in use but not listed" if panel in unlisted else ""
        lines.append(f"  {panel}: {notes.points.get(panel, 0)} points listed{missing}")
    return lines
