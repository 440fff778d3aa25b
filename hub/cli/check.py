"""`hub check`: every mistake of the configuration at once, and what it declares."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from hub.adapters import load_adapters
from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import Told, read
from hub.core.building import Building
from hub.settings import Loaded, Mistake, load
from hub.store.events import points_heard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print every mistake of the configuration as FILE:LINE, and counts. Exit status 1 if any."
    add_storage_arguments(parser)


def run(args: argparse.Namespace) -> int:
    loaded = load(args.config, load_adapters())
    for mistake in loaded.mistakes:
        print(_line(args.config, mistake))
    for remark in loaded.notes.remarks:
        print(f"note: {_line(args.config, remark)}")
    for line in _counts(loaded, _unlisted(args, loaded.building)):
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


def _unlisted(args: argparse.Namespace, building: Building) -> dict[str, int]:
    """panel → points that it has named and its list doesn't have; nothing where no hub has run yet."""
    if not (args.data / "hub.db").exists() and not os.environ.get("HUB_DATABASE"):
        return {}
    try:
        heard = read(args, lambda tx: points_heard(tx, building.site.id))
    except Told as problem:
        print(f"note: points in use weren't looked up: {problem}")
        return {}
    return {
        panel: len(points - set(building.devices[panel].points))
        for panel, points in heard.items()
        if panel in building.devices
    }
