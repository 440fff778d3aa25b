"""Programs with tokens at a running console."""

from collections.abc import Awaitable, Callable

import pytest

from hub.store import accounts
from hub.store.accounts import ApiToken
from tests.console.api.program import Program
from tests.console.desk_side import Browser, Console

ProgramOf = Callable[[str], Awaitable[Program]]


@pytest.fixture
def program_of(console: Console, stranger: Browser) -> ProgramOf:
    """A program whose token has this scope."""

    async def made(scope: str) -> Program:
        secret = f"secret-of-{scope}"
        token = ApiToken(f"t-{scope}", f"app-{scope}", scope, console.clock())
        await console.write(lambda tx: accounts.add_token(tx, console.desk.site, secret, token))
        return Program(stranger, secret)

    return made


@pytest.fixture
async def program(program_of: ProgramOf) -> Program:
    return await program_of("desk")
