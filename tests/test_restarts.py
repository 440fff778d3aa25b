"""A hub that ended itself is a line on the board, once, until a person is done with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub import restarts
from hub.core.records import Alert
from hub.restarts import Restarts
from hub.store import incidents
from hub.store.database import Priority, Store
from hub.store.sealing import Keys

NOTE = '{"at": "2026-04-10T08:00:00.000Z", "workers": ["scheduler"]}'
NEXT = '{"at": "2026-04-10T09:00:00.000Z", "workers": ["console"]}'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    await opened.open()
    yield opened
    await opened.close()


async def alerts(store: Store) -> list[Alert]:
    return await store.read(lambda tx: incidents.open_alerts(tx, "yunhe"))


async def started(note: Path, store: Store) -> list[Alert]:
    """What is open once a hub that starts has had time to tell."""
    running = asyncio.create_task(Restarts(note, "yunhe", store).run())
    async with asyncio.timeout(60):
        while '"told":true' not in note.read_text():
            await asyncio.sleep(0.01)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return await alerts(store)


async def test_it_is_told_once_and_the_next_one_asks_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "LOOK_EVERY", 0.01)
    note = tmp_path / "note"
    note.write_text(NOTE)
    (told,) = await started(note, store)
    assert (told.kind, told.details["workers"], told.raised_at.hour) == ("hub_restarted", "scheduler", 8)
    assert await started(note, store) == [told]
    taken = replace(told, handling="taken", owner="wangfang")
    await store.write(Priority.PERSON, lambda tx: incidents.put_alerts(tx, [taken]))
    note.write_text(NEXT)
    (again,) = await started(note, store)
    assert (again.id, again.count, again.handling, again.details["workers"]) == (told.id, 2, "unanswered", "console")
    await store.write(Priority.PERSON, lambda tx: incidents.put_alerts(tx, [replace(again, handling="done")]))
    assert await started(note, store) == []
