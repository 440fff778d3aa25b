"""The gate in front of every route: closed unless marked public, no change without a CSRF token, strict headers."""

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from hub.console.answers import refused, store_away
from hub.console.desk import DESK
from hub.console.problem import problem
from hub.console.sessions import signed_in
from hub.console.signed import SIGNED
from hub.core.effects import Refused
from hub.store.database import StoreAway
from hub.store.paging import BadCursor

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Handler)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def public(handler: H) -> H:
    """Open to someone who isn't signed in."""
    vars(handler)["open_to_all"] = True
    return handler


def personal(handler: H) -> H:
    """Changes nothing but the asker's own sign-in or language, so that someone who only reads may do it too."""
    vars(handler)["personal"] = True
    return handler


def is_public(handler: object) -> bool:
    return getattr(handler, "open_to_all", False) is True


def is_personal(handler: object) -> bool:
    return getattr(handler, "personal", False) is True


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    endpoint = request.match_info.handler
    if request.method not in SAFE and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        return await refused(request, Refused("refused.form_of_another_site"), status=403)
    try:
        if is_public(endpoint):
            return await handler(request)
        signed = await signed_in(request)
        if signed is None:
            return _sign_in_first(request)
        request[SIGNED] = signed
        if request.method not in SAFE:
            if signed.reads_only and not is_personal(endpoint):
                return await refused(request, Refused("refused.reads_only"), status=403)
            if signed.session and not await _knows_token(request, signed.csrf):
                return await refused(request, Refused("refused.form_too_old"), status=403)
        return await handler(request)
    except Refused as reason:
        return await refused(request, reason)
    except StoreAway:
        return await store_away(request)
    except web.HTTPNotFound:
        return await refused(request, Refused("refused.not_found"), status=404)
    except web.HTTPForbidden:
        return await refused(request, Refused("refused.not_your_role"), status=403)
    except BadCursor:
        raise web.HTTPSeeOther(request.path) from None  # a link to a page of a list that is no more: its first page


def _sign_in_first(request: web.Request) -> web.StreamResponse:
    page = request.method in SAFE and "text/html" in request.headers.get("Accept", "")
    if page and request.headers.get("HX-Request") != "true":
        raise web.HTTPSeeOther(f"/sign-in?next={quote(str(request.rel_url), safe='')}")
    return problem(request, 401, "refused.sign_in_first")


async def _knows_token(request: web.Request, csrf: str) -> bool:
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        field = (await request.post()).get("csrf", "")
        given = field if isinstance(field, str) else ""
    return bool(csrf) and hmac.compare_digest(given.encode(), csrf.encode())


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, so that streams and errors have them too."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "hub"  # no version for a stranger
    if request.path.startswith("/static/"):
        return
    response.headers.setdefault("Cache-Control", "no-store")
    if request.app[DESK].secure_cookies:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
