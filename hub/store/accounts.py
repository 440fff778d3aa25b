"""Who may sign in, who is signed in, and which programs may ask. Session and token secrets are kept as SHA-256."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from hub.store import tables
from hub.store.database import Transaction
from hub.store.layout import Layout
from hub.store.upsert import put

_USERS = tables.users.c
_SESSIONS = tables.sessions.c
_TOKENS = tables.tokens.c


@dataclass(frozen=True, slots=True)
class User:
    """`name` is what one signs in with and what the audit log says; `display` stands on screen."""

    id: str
    name: str
    display: str
    password_hash: str
    role: str
    language: str = "zh"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """`user` is the user's id; `post` where they signed in."""

    user: str
    post: str
    csrf: str
    created_at: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's leave to ask; without `expires` until it is revoked."""

    id: str
    name: str
    scope: str
    created_at: datetime
    expires: datetime | None = None


class NameTaken(Exception):
    """Another user signs in with that name."""


_USER = Layout(tables.users, User)

# users


def add_user(tx: Transaction, site: str, user: User) -> None:
    """Raises NameTaken."""
    if user_by_name(tx, site, user.name) is not None:
        raise NameTaken(user.name)
    tx.connection.execute(insert(tables.users).values(_USER.row(tx, user, site=site)))
    tx.touch("accounts")


def change_user(tx: Transaction, site: str, user: User) -> None:
    """What is kept under the user's id becomes this; one who isn't active any more is signed out everywhere."""
    put(tx.connection, tables.users, [_USER.row(tx, user, site=site)])
    if not user.active:
        close_sessions_of(tx, site, user.id)
    tx.touch("accounts")


def get(tx: Transaction, site: str, user: str) -> User | None:
    return _USER.get(tx, _USERS.site == site, _USERS.id == user)


def user_by_name(tx: Transaction, site: str, name: str) -> User | None:
    return _USER.get(tx, _USERS.site == site, _USERS.name == name)


def listing(tx: Transaction, site: str) -> list[User]:
    """All users, by name."""
    return sorted(_USER.find(tx, _USERS.site == site), key=lambda user: user.name)


# sessions


def open_session(tx: Transaction, site: str, secret: str, session: Session) -> None:
    """`secret` is what the browser keeps."""
    row = asdict(session) | {"site": site, "hash": _hash(secret)}
    tx.connection.execute(insert(tables.sessions).values(row))


def session(tx: Transaction, site: str, secret: str, now: datetime) -> tuple[User, Session] | None:
    """Who is signed in with this secret; None when the session is over or its user may no longer sign in."""
    where = (_SESSIONS.site == site, _SESSIONS.hash == _hash(secret), _SESSIONS.expires > now)
    row = tx.connection.execute(select(tables.sessions).where(*where)).first()
    if row is None:
        return None
    user = get(tx, site, row.user)
    if user is None or not user.active:
        return None
    return user, Session(row.user, row.post, row.csrf, row.created_at, row.expires)


def extend_session(tx: Transaction, site: str, secret: str, expires: datetime) -> None:
    where = (_SESSIONS.site == site, _SESSIONS.hash == _hash(secret))
    tx.connection.execute(update(tables.sessions).where(*where).values(expires=expires))


def close_session(tx: Transaction, site: str, secret: str) -> None:
    tx.connection.execute(delete(tables.sessions).where(_SESSIONS.site == site, _SESSIONS.hash == _hash(secret)))


def close_sessions_of(tx: Transaction, site: str, user: str) -> None:
    tx.connection.execute(delete(tables.sessions).where(_SESSIONS.site == site, _SESSIONS.user == user))


def forget_expired(tx: Transaction, now: datetime) -> None:
    tx.connection.execute(delete(tables.sessions).where(_SESSIONS.expires <= now))


# tokens


def add_token(tx: Transaction, site: str, secret: str, token: ApiToken) -> None:
    """`secret` is what the program sends."""
    row = asdict(token) | {"site": site, "hash": _hash(secret)}
    tx.connection.execute(insert(tables.tokens).values(row))
    tx.touch("accounts")


def token(tx: Transaction, site: str, secret: str, now: datetime) -> ApiToken | None:
    """The token with this secret, unless it has expired."""
    valid = or_(_TOKENS.expires.is_(None), _TOKENS.expires > now)
    where = (_TOKENS.site == site, _TOKENS.hash == _hash(secret), valid)
    row = tx.connection.execute(select(tables.tokens).where(*where)).first()
    return None if row is None else ApiToken(row.id, row.name, row.scope, row.created_at, row.expires)


def tokens(tx: Transaction, site: str) -> list[ApiToken]:
    query = select(tables.tokens).where(_TOKENS.site == site).order_by(_TOKENS.created_at, _TOKENS.id)
    rows = tx.connection.execute(query)
    return [ApiToken(row.id, row.name, row.scope, row.created_at, row.expires) for row in rows]


def revoke_token(tx: Transaction, site: str, token_id: str) -> None:
    tx.connection.execute(delete(tables.tokens).where(_TOKENS.site == site, _TOKENS.id == token_id))
    tx.touch("accounts")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
