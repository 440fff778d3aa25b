"""The siren, as the desk has to do with it: which pages can sound in its stead, and a test of it."""

from aiohttp import web

from hub.console.acts import note
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import form_of
from hub.console.signed import SIGNED
from hub.core.effects import Refused


async def sounds(request: web.Request) -> web.Response:
    """POST /live/sounds: this page can sound an alarm, or no longer. Only one at a post counts: a manager's at home
    wakes nobody."""
    desk, signed, form = request.app[DESK], request[SIGNED], await form_of(request)
    if signed.post:
        desk.sounding.heard(signed.session, form.text("page", 100), sounds=form.text("sounds") == "yes")
    return web.Response(status=204)


async def test(request: web.Request) -> web.Response:
    """POST /siren/test: it rings for a few seconds."""
    desk, signed = request.app[DESK], request[SIGNED]
    if desk.siren is None:
        raise web.HTTPNotFound
    if desk.siren.is_ringing:
        raise Refused("refused.siren_rings")
    await note(desk, signed, name="siren.test", target="")
    desk.siren.test()
    return await acted(request, "said.siren_test")
