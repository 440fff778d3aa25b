"""One store a test, on each database that the hub can use; what isn't about SQLite's file runs on both."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.store.database import Store
from hub.store.sealing import Keys
from tests.postgresql import Server


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    server: Server = request.getfixturevalue("postgresql")
    database = server.create()
    yield server.url(database)
    server.drop(database)


@pytest.fixture
async def store(url: str, keys: Keys) -> AsyncIterator[Store]:
    store = Store(url, keys)
    await store.open()
    yield store
    await store.close()
