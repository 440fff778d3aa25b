"""Passwords: argon2id, hashed and checked off the event loop, a few at a time."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
_AT_ONCE = 2

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """About 50 ms of work; call it off the event loop."""
    return _HASHER.hash(password)


def fits(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def nobodys_hash() -> str:
    """What the password of an unknown user is checked against, so that it takes as long as a known one's."""
    return hash_password("nobody")


class Checker:
    """Checks passwords without letting many sign-ins take all cores."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def fits(self, password: str, kept: str | None) -> bool:
        async with self._turn:
            known = await asyncio.to_thread(lambda: fits(password, kept or nobodys_hash()))
        return known and kept is not None
