"""What is kept of a drawing is never older than what it shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.console.board import Snapshot, read_board
from hub.console.render import Incidents, Look, board_partials
from tests.console import made_up
from tests.console.desk_side import Console

LATER = {
    "the same moment": timedelta(0),
    "half a second": timedelta(seconds=0.5),
    "a second": timedelta(seconds=1),
    "four minutes": timedelta(minutes=4),
    "five minutes": timedelta(minutes=5),
    "a day": timedelta(days=1),
}
CHANGES: dict[str, Callable[[Snapshot], Snapshot]] = {
    "nothing": lambda snapshot: snapshot,
    "answered": lambda snapshot: replace(
        snapshot,
        incidents=[
            replace(one, state="answered", answered_by="desk", answered_at=snapshot.at) for one in snapshot.incidents
        ],
    ),
    "over": lambda snapshot: replace(snapshot, incidents=[]),
}


@pytest.mark.parametrize("public", [False, True])
async def test_an_incident_drawn_before_looks_as_if_it_were_drawn_anew(console: Console, *, public: bool) -> None:
    await console.happen(made_up.fire(console.clock()), made_up.duress(console.clock()))
    known = await console.desk.store.read(lambda tx: read_board(tx, console.desk))
    assert len(known.incidents) == 2
    look, incidents = Look("zh", public), Incidents()
    for change in CHANGES.values():
        for later in LATER.values():
            snapshot = change(replace(known, at=known.at + later))
            drawn = board_partials(console.desk, snapshot, look, incidents)
            assert drawn == board_partials(console.desk, snapshot, look, Incidents())


async def test_an_incident_that_looks_the_same_is_not_drawn_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    await console.happen(made_up.fire(console.clock()))
    snapshot = await console.desk.store.read(lambda tx: read_board(tx, console.desk))
    incidents = Incidents()
    first = board_partials(console.desk, snapshot, Look("zh", public=False), incidents)
    monkeypatch.setattr("hub.console.render._drawn_incident", lambda line, words: "anew")
    assert board_partials(console.desk, snapshot, Look("zh", public=False), incidents) == first
