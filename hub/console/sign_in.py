"""Signing in and out, one's language and password. Wrong passwords make the next try wait longer."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiohttp import web

from hub.console.acts import note
from hub.console.answers import acted, own_path
from hub.console.desk import DESK, Desk
from hub.console.forms import Form, form_of
from hub.console.gate import personal, public
from hub.console.passwords import SHORTEST, Checker, hash_password
from hub.console.render import language_asked, open_page
from hub.console.sessions import COOKIE, open_session, set_cookie
from hub.console.signed import SIGNED, Signed
from hub.console.stream import LIVE
from hub.console.words import Words, language_of
from hub.core.effects import Refused
from hub.store import accounts, audit
from hub.store.accounts import User
from hub.store.database import Priority, StoreAway, Transaction

_FREE_TRIES = 3
_LONGEST = timedelta(minutes=5)
_FORGOTTEN_AFTER = timedelta(hours=1)
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Tries:
    failed: int
    last: datetime


class Patience:
    """How long who failed has to wait: three free tries, then 1 s, 2 s, 4 s … 5 min, by name and by address."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, *keys: str) -> int:
        """Seconds to wait yet, 0 when free to try."""
        return max(self._wait(key) for key in keys)

    def failed(self, *keys: str) -> None:
        for key in keys:
            known = self._tries.pop(key, None)
            self._tries[key] = _Tries(known.failed + 1 if known else 1, self._clock())
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)

    def take_back(self, *keys: str) -> None:
        """The last try was none: nobody could look at it."""
        for key in keys:
            if known := self._tries.get(key):
                self._tries[key] = replace(known, failed=known.failed - 1)

    def forget(self, *keys: str) -> None:
        for key in keys:
            self._tries.pop(key, None)

    def _wait(self, key: str) -> int:
        known = self._tries.get(key)
        if known is None or known.failed < _FREE_TRIES:
            return 0
        passed = self._clock() - known.last
        if passed > _FORGOTTEN_AFTER:
            return 0
        delay = min(_LONGEST, timedelta(seconds=2 ** min(known.failed - _FREE_TRIES, 10)))
        return max(0, -((passed - delay) // timedelta(seconds=1)))


PATIENCE = web.AppKey("patience", Patience)
CHECKER = web.AppKey("checker", Checker)


@public
async def sign_in_page(request: web.Request) -> web.StreamResponse:
    away = request.app[DESK].store.away
    wrong = Words(language_asked(request))("sign_in.store_away") if away else ""
    return _form(request, name="", following=own_path(request.query.get("next", "/")), wrong=wrong)


@public
async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in"""
    form = await form_of(request)
    name, following = form.text("name", 80), own_path(form.text("next", 500))
    try:
        return await _sign_in(request, form, name, following)
    except StoreAway:
        wrong = Words(language_asked(request))("sign_in.store_away")
        return _form(request, name=name, following=following, wrong=wrong, status=503)


async def _sign_in(request: web.Request, form: Form, name: str, following: str) -> web.Response:
    """Raises HTTPSeeOther where it fits, StoreAway where nobody can tell."""
    desk, patience = request.app[DESK], request.app[PATIENCE]
    password = (await request.post()).get("password", "")
    keys = (f"name:{name.lower()}", f"address:{request.remote}")
    words = Words(language_asked(request))
    if wait := patience.wait(*keys):
        wrong = words("sign_in.wait", seconds=wait)
        return _form(request, name=name, following=following, wrong=wrong, status=429, wait=wait)
    patience.failed(*keys)  # taken back when the password fits: tries sent at once count one by one
    try:
        user = await desk.store.read(lambda tx: accounts.user_by_name(tx, desk.site, name))
    except StoreAway:
        patience.take_back(*keys)
        raise
    fits = isinstance(password, str) and await request.app[CHECKER].fits(password, user.password_hash if user else None)
    if user is None or not user.active or not fits:
        await _write_down_failure(desk, user)
        return _form(request, name=name, following=following, wrong=words("sign_in.wrong"), status=403)
    patience.forget(*keys)
    post = form.text("post") if form.text("post") in desk.building.posts else ""
    secret = await open_session(desk, user, post)
    language = request.cookies.get("language") or user.language
    await note(desk, Signed(user.name, user.display, user.role, language_of(language), post), name="sign_in", target="")
    response = web.HTTPSeeOther(following)
    set_cookie(response, desk, secret)
    if post:
        response.set_cookie(
            "post", post, max_age=31_536_000, httponly=True, samesite="Strict", secure=desk.secure_cookies
        )
    raise response


async def _write_down_failure(desk: Desk, user: User | None) -> None:
    """Nobody is known to have done it. A name that is no user's may be a password typed in the wrong field."""

    def work(tx: Transaction) -> None:
        audit.add(tx, desk.site, desk.clock(), "", "", "sign_in.failed", user.name if user else "")

    await desk.store.write(Priority.PERSON, work)


def _form(
    request: web.Request, *, name: str, following: str, wrong: str = "", status: int = 200, wait: int = 0
) -> web.Response:
    building, language = request.app[DESK].building, language_asked(request)
    response = open_page(
        request,
        "sign_in.html",
        status=status,
        name=name,
        next=following,
        wrong=wrong,
        posts=[(post.id, post.name.in_language(language)) for post in building.posts.values()],
        post=request.cookies.get("post", next((p.id for p in building.posts.values() if "visitor" in p.first_for), "")),
    )
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


@personal
async def sign_out(request: web.Request) -> web.StreamResponse:
    """POST /sign-out"""
    desk, signed = request.app[DESK], request[SIGNED]
    await desk.store.write(Priority.PERSON, lambda tx: accounts.close_session(tx, desk.site, signed.session))
    await note(desk, signed, name="sign_out", target="")
    desk.signed_in.pop(signed.session, None)
    request.app[LIVE].sign_out(signed.session)
    desk.sounding.left(signed.session)
    response = web.HTTPSeeOther("/sign-in")
    response.del_cookie(COOKIE, path="/")
    raise response


@public
async def choose_language(request: web.Request) -> web.StreamResponse:
    """POST /language: kept in a cookie of this browser; changes nothing else, so that it needs no sign-in."""
    form = await form_of(request)
    response = web.HTTPSeeOther(own_path(form.text("next", 500)))
    response.set_cookie("language", language_of(form.text("language")), max_age=31_536_000, samesite="Strict")
    raise response


@personal
async def change_password(request: web.Request) -> web.StreamResponse:
    """POST /account/password."""
    desk, signed = request.app[DESK], request[SIGNED]
    fields = await request.post()
    old, new = fields.get("old", ""), fields.get("new", "")
    user = await desk.store.read(lambda tx: accounts.user_by_name(tx, desk.site, signed.name))
    if user is None or not isinstance(old, str) or not isinstance(new, str):
        raise Refused("refused.not_found")
    if wait := request.app[PATIENCE].wait(f"password:{user.id}"):
        raise Refused("sign_in.wait", seconds=str(wait))
    if not await request.app[CHECKER].fits(old, user.password_hash):
        request.app[PATIENCE].failed(f"password:{user.id}")
        raise Refused("refused.wrong_password")
    if len(new) < SHORTEST:
        raise Refused("refused.password_short", shortest=str(SHORTEST))
    changed = replace(user, password_hash=await asyncio.to_thread(hash_password, new))
    await desk.store.write(Priority.PERSON, lambda tx: accounts.change_user(tx, desk.site, changed))
    await note(desk, signed, name="account.password", target=signed.name)
    return await acted(request, "said.password_changed")
