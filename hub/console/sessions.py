"""Sessions: a secret in a cookie, its hash in the store; and tokens for programs."""

import secrets
from datetime import timedelta

from aiohttp import web

from hub.console.desk import DESK, Desk
from hub.console.signed import Signed
from hub.console.words import language_of
from hub.store import accounts
from hub.store.accounts import ApiToken, Session, User
from hub.store.database import Priority, Transaction

COOKIE = "hub_session"
LASTS = timedelta(hours=14)
"""from sign-in; used, it lasts longer"""
_EXTEND_BELOW = timedelta(hours=12)


async def signed_in(request: web.Request) -> Signed | None:
    """Who sends this request; None where nobody is signed in. A token goes before a cookie."""
    desk = request.app[DESK]
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        found = await desk.store.read(lambda tx: accounts.token(tx, desk.site, token.strip(), desk.clock()))
        return _program(found) if found else None
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return None
    known = await desk.store.read(lambda tx: accounts.session(tx, desk.site, secret, desk.clock()))
    if known is None:
        return None
    user, session = known
    if session.expires - desk.clock() < _EXTEND_BELOW:
        expires = desk.clock() + LASTS
        await desk.store.write(Priority.PERSON, lambda tx: accounts.extend_session(tx, desk.site, secret, expires))
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
