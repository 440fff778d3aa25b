"""The example that the integrators were given loads as it stands, but for the drawings that it only names."""

import os
from pathlib import Path

from hub.adapters import load_adapters
from hub.settings import load


def test_the_given_example_lacks_nothing_but_its_drawings_and_call_sheet() -> None:
    loaded = load(Path(os.environ["HUB_CAPTURED_SAMPLES"]).parent / "config-example", load_adapters())
    for mistake in loaded.mistakes:
        assert "is not there" in mistake.what or "no drawing of floors" in mistake.what, mistake
    assert loaded.runnable
    assert loaded.notes.devices_declared == 5
    assert loaded.notes.points == {"fire-b3": 4}
