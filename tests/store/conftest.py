"""One store a test, on each database that the hub can use; what isn't about SQLite's file runs on both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.store.database import Store
from hub.store.sealing import Keys
from tests.postgresql import Server


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.url(server.emptied())


@pytest.fixture
async def store(url: str, keys: Keys) -> AsyncIterator[Store]:
    store = Store(url, keys)
    await store.open()
    yield store
    await store.close()
