"""Far more than the machine takes, from one gate gone mad: nothing is unaccounted for, and fires come through.

`make overload` does the same for a minute.
"""

from pathlib import Path

from bench import overload

SECONDS = 3


def test_what_was_sent_is_kept_let_fall_or_dropped_to_the_last_one(tmp_path: Path) -> None:
    told = overload.run(tmp_path, SECONDS)
    assert told.adds_up, told
    assert told.let_fall > 0, "it wasn't too much"
    assert told.fires > 0
    assert told.fire_p99_ms < 1000
    assert told.most_mib < told.rest_mib + 100
