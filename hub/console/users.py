"""Users made outside the console: the first one, and those that the command line adds."""

import secrets
from dataclasses import dataclass
from uuid import uuid4

from hub.console.desk import Desk
from hub.console.passwords import hash_password
from hub.store import accounts
from hub.store.accounts import User
from hub.store.database import Priority, Transaction

FIRST = "admin"
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is read as another


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str
    password: str


async def first_user(desk: Desk) -> NewUser | None:
    """An administrator with a fresh password, where nobody can sign in yet."""
    if await desk.store.read(lambda tx: accounts.listing(tx, desk.site)):
        return None
    new = NewUser(FIRST, fresh_password())
    user = User(str(uuid4()), new.name, "管理员", hash_password(new.password), "admin")

    def work(tx: Transaction) -> NewUser | None:
        if accounts.listing(tx, desk.site):
            return None
        accounts.add_user(tx, desk.site, user)
        return new

    return await desk.store.write(Priority.PERSON, work)


def fresh_password() -> str:
    """Four groups of four, to be read off a screen: about 80 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
