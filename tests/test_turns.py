"""Threads' turns are short while a matter of life is under way, and long again afterwards."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from hub import turns
from hub.turns import SHORT, USUAL, Turns


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


async def test_turns_are_short_until_the_last_matter_of_life_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "STAY_SHORT", 0.2)
    told = Turns()
    told.life_comes()
    assert sys.getswitchinterval() == pytest.approx(SHORT)
    await asyncio.sleep(0.05)
    told.life_comes()
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(20):
        while sys.getswitchinterval() < USUAL * 0.9:
            await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - begun > 0.19
    told.life_comes()
    assert sys.getswitchinterval() == pytest.approx(SHORT)
