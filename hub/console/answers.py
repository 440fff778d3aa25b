"""What a form gets back: done, or why not; by htmx without a swap, by a plain browser with a redirect."""

import json

from aiohttp import web

from hub.console.problem import problem
from hub.console.render import language_asked, open_page
from hub.console.signed import SIGNED
from hub.console.words import Words
from hub.core.effects import Refused

_LOOK_AGAIN = "5"
"""seconds"""


async def acted(request: web.Request, say: str, *, go: str = "", **params: object) -> web.Response:
    """The act is done: `say` is the catalogue key of what to tell, `go` where to look next."""
    sentence = Words(request[SIGNED].language)(say, **params)
    if request.headers.get("HX-Request") == "true":
        told = {"acted": {"say": sentence, "go": go}}
        return web.Response(status=204, headers={"HX-Trigger": json.dumps(told)})
    raise web.HTTPSeeOther(go or await _back(request))


async def refused(request: web.Request, reason: Refused, *, status: int = 422) -> web.Response:
    """The act is not done, and why."""
    if request.path.startswith("/api/"):
        return problem(request, status, reason.reason, params=reason.params)
    signed = request.get(SIGNED)
    words = Words(signed.language if signed else language_asked(request))
    key = reason.reason if words.has(reason.reason) else f"refused.{reason.reason}"
    sentence = words(key, **reason.params)
    if request.headers.get("HX-Request") == "true":
        told = {"refused": {"say": sentence}}
        return web.Response(status=status, headers={"HX-Trigger": json.dumps(told), "HX-Reswap": "none"})
    return open_page(request, "refused.html", status=status, said=sentence, back=await _back(request))


async def store_away(request: web.Request) -> web.Response:
    """Nothing can be read or kept. A page that was asked for says what to do meanwhile, and looks again by itself."""
    asks_for_page = request.method == "GET" and not request.path.startswith("/api/")
    if not asks_for_page or request.headers.get("HX-Request") == "true":
        return await refused(request, Refused("refused.store_away"), status=503)
    response = open_page(request, "away.html", status=503)
    response.headers.update({"Refresh": _LOOK_AGAIN, "Retry-After": _LOOK_AGAIN})
    return response


async def _back(request: web.Request) -> str:
    """The page that the form stood on; only ever a path of our own."""
    asked = (await request.post()).get("next", "")
    return own_path(asked) if isinstance(asked, str) else "/"


def own_path(asked: str) -> str:
    return asked if asked.startswith("/") and not asked.startswith(("//", "/\\")) else "/"
