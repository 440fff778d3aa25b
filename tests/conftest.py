"""One PostgreSQL server for all tests of a worker that need it."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.postgresql import Server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.end()


expect.set_options(timeout=20_000)  # a browser beside other work on two cores
