"""An estate for each test."""

import pytest

from tests.rules.made import Estate


@pytest.fixture
def estate() -> Estate:
    return Estate()
