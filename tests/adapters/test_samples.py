"""Every sample of every installed adapter decodes to exactly its events; adding a device model is adding a sample.

NAME.in (the frame as sent; hexadecimal text for TCP), NAME.topic (MQTT), NAME.options.json (the device's own keys),
NAME.out.json (the events that it means), NAME.again.in (its resend: the same ids).
"""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.adapters import load_adapters
from hub.cli.decode import Cut, context_of, frames_of
from hub.core.adapter import Adapter, Tcp
from hub.core.events import dump_event

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
ADAPTERS = load_adapters()


def folder_of(adapter: Adapter) -> Path:
    module = importlib.import_module(adapter.decode.__module__)
    package = importlib.import_module(module.__package__ or module.__name__)
    return Path(str(package.__file__)).parent


SAMPLES = [
    (adapter, path)
    for adapter in ADAPTERS.values()
    for path in sorted((folder_of(adapter) / "samples").glob("*.in"))
    if not path.name.endswith(".again.in")
]


def events_of(adapter: Adapter, path: Path, name: str) -> list[dict[str, Any]]:
    topic = path.with_name(f"{name}.topic")
    options = path.with_name(f"{name}.options.json")
    found: list[dict[str, Any]] = []
    for frame in frames_of(
        adapter,
        path.read_bytes(),
        hex=isinstance(adapter.transport, Tcp),
        topic=topic.read_text().strip() if topic.exists() else "",
        received=RECEIVED,
    ):
        if isinstance(frame, Cut):
            continue
        given = adapter.options.model_validate_json(options.read_bytes()) if options.exists() else None
        decoded = adapter.decode(frame, context_of(adapter, frame, time_zone=ZONE, options=given))
        found += [json.loads(dump_event(event)) for event in decoded.events]
    return found


@pytest.mark.parametrize(("adapter", "path"), SAMPLES, ids=[f"{a.name}/{p.stem}" for a, p in SAMPLES])
def test_a_sample_means_exactly_its_events(adapter: Adapter, path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.stem}.out.json").read_bytes())
    events = events_of(adapter, path, path.stem)
    assert events == expected
    assert len({event["id"] for event in events}) == len({json.dumps(event) for event in events})
    again = path.with_name(f"{path.stem}.again.in")
    if again.exists():
        assert [event["id"] for event in events_of(adapter, again, path.stem)] == [event["id"] for event in events]


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))
def test_an_adapter_brings_samples_a_resend_and_a_page(adapter: Adapter) -> None:
    folder = folder_of(adapter)
    samples = {path.name for path in (folder / "samples").iterdir()}
    assert (folder / "README.md").read_text().strip()
    assert any(name.endswith(".again.in") for name in samples), "no sample shows that a resend has the same ids"
    for name in (name.removesuffix(".again.in").removesuffix(".in") for name in samples if name.endswith(".in")):
        assert {f"{name}.in", f"{name}.out.json"} <= samples


@pytest.mark.parametrize(("adapter", "path"), SAMPLES, ids=[f"{a.name}/{p.stem}" for a, p in SAMPLES])
def test_what_can_bring_life_is_said_in_the_manifest(adapter: Adapter, path: Path) -> None:
    if not adapter.brings_life:
        assert {event["lane"] for event in events_of(adapter, path, path.stem)} <= {"routine"}
