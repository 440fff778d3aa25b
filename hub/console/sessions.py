"""Sessions: a secret in a cookie, its hash in the store; and tokens for programs."""

import asyncio
import contextlib
import secrets
from datetime import timedelta

from aiohttp import web

from hub.console.desk import DESK, Desk
from hub.console.signed import Signed
from hub.console.words import language_of
from hub.store import accounts
from hub.store.accounts import ApiToken, Session, User
from hub.store.database import Priority, StoreAway, Transaction

COOKIE = "hub_session"
LASTS = timedelta(hours=14)
"""from sign-in; used, it lasts longer"""
_EXTEND_BELOW = timedelta(hours=12)
_REMEMBERED = 500
"""sessions"""
_READ_WITHIN = 5.0
"""seconds; a store that takes longer to read is away"""


async def signed_in(request: web.Request) -> Signed | None:
    """Who sends this request; None where nobody is signed in. A token goes before a cookie. Who was
    signed in when the store was last read still is while it is away. Raises StoreAway."""
    desk = request.app[DESK]
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        found = await desk.store.read(lambda tx: accounts.token(tx, desk.site, token.strip(), desk.clock()))
        return _program(found) if found else None
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return None
    try:
        async with asyncio.timeout(_READ_WITHIN):
            known = await desk.store.read(lambda tx: accounts.session(tx, desk.site, secret, desk.clock()))
    except (StoreAway, TimeoutError) as problem:
        known = desk.signed_in.get(secret)
        if known is None or known[1].expires <= desk.clock():
            raise StoreAway("nobody knows whether this session holds") from problem
        return _person(request, *known, secret)
    desk.signed_in.pop(secret, None)
    if known is None:
        return None
    desk.signed_in[secret] = known
    while len(desk.signed_in) > _REMEMBERED:
        desk.signed_in.popitem(last=False)
    user, session = known
    if session.expires - desk.clock() < _EXTEND_BELOW:
        expires = desk.clock() + LASTS
        with contextlib.suppress(StoreAway):  # a full disk can still be read: nobody is sent away for that
            await desk.store.write(Priority.PERSON, lambda tx: accounts.extend_session(tx, desk.site, secret, expires))
    return _person(request, user, session, secret)


def _person(request: web.Request, user: User, session: Session, secret: str) -> Signed:
    language = language_of(request.cookies.get("language") or user.language)
    return Signed(user.name, user.display or user.name, user.role, language, session.post, session.csrf, secret)


def _program(token: ApiToken) -> Signed:
    """A token's scope is the role that it acts as; `read` only reads."""
    role = "auditor" if token.scope == "read" else token.scope
    return Signed(f"token:{token.name}", token.name, role, "zh")


async def open_session(desk: Desk, user: User, post: str) -> str:
    """Begin a session and return the secret for its cookie."""
    secret, now = secrets.token_urlsafe(32), desk.clock()
    session = Session(user.id, post, secrets.token_urlsafe(24), now, now + LASTS)

    def work(tx: Transaction) -> None:
        accounts.forget_expired(tx, now)
        accounts.open_session(tx, desk.site, secret, session)

    await desk.store.write(Priority.PERSON, work)
    return secret


def set_cookie(response: web.StreamResponse, desk: Desk, secret: str) -> None:
    response.set_cookie(COOKIE, secret, httponly=True, samesite="Strict", secure=desk.secure_cookies, path="/")
