"""The JSON API under /api/v1: the same records and acts as the pages, for programs."""

from aiohttp import web

from hub.console.api.live import FEED, Feed, stream
from hub.console.api.openapi import LIVE_PATH, description
from hub.console.api.route import ROOT, aiohttp_path, no_such_route, serve
from hub.console.api.table import ROUTES
from hub.console.desk import DESK


def add_routes(app: web.Application) -> None:
    """All routes below /api/v1, behind the console's gate. The app has its DESK."""
    app[FEED] = Feed(app[DESK])
    app.cleanup_ctx.append(app[FEED].run)
    app.on_shutdown.append(app[FEED].end)
    app.router.add_get(f"{ROOT}/openapi.json", described, allow_head=False)
    app.router.add_get(f"{ROOT}{LIVE_PATH}", stream, allow_head=False)
    for route in ROUTES:
        app.router.add_route(route.method, aiohttp_path(route.path), serve(route))
    app.router.add_route("*", "/api/{path:.*}", no_such_route)


async def described(request: web.Request) -> web.Response:
    """GET /api/v1/openapi.json"""
    return web.json_response(description())
