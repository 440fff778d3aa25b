"""A building for each test, with a hub as its own process."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.building import Building, FreePorts, first_building, make_building
from tests.e2e.house import House

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def free_ports() -> FreePorts:
    return FreePorts(os.environ.get("PYTEST_XDIST_WORKER", ""))


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return first_building(tmp_path_factory.mktemp("first") / "config")


@pytest.fixture
def building(tmp_path: Path, first: Path, free_ports: FreePorts) -> Building:
    return make_building(tmp_path, first, free_ports.four())


@pytest.fixture
def spare_port(free_ports: FreePorts) -> int:
    """Nobody listens there."""
    return free_ports.one()


@pytest.fixture
async def house(request: pytest.FixtureRequest, building: Building) -> AsyncIterator[House]:
    """Not started yet. Parametrised by `both_ways`."""
    made = House(building, getattr(request, "param", ()))
    yield made
    await made.close()
