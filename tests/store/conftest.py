"""One store a test, in a file of its own. Another database is another parameter of `url`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.store.database import Store
from hub.store.sealing import Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path)


@pytest.fixture(params=["sqlite"])
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
async def store(url: str, keys: Keys) -> AsyncIterator[Store]:
    store = Store(url, keys)
    await store.open()
    yield store
    await store.close()
