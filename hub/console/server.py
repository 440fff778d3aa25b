"""The console put together: every route of the desk, behind one gate."""

from pathlib import Path

from aiohttp import web

from hub.console import api, health
from hub.console.desk import DESK, Desk
from hub.console.gate import add_headers, gate, public
from hub.console.pages import devices, incidents, parcels, people, records, siren, visits
from hub.console.passwords import Checker
from hub.console.sign_in import (
    CHECKER,
    PATIENCE,
    Patience,
    change_password,
    choose_language,
    sign_in,
    sign_in_page,
    sign_out,
)
from hub.console.stream import LIVE, LiveBoard, live, who

STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}
_LARGEST_FORM = 8 * 1024 * 1024


def build(desk: Desk) -> web.Application:
    """The console over `desk`. Start it with a short `shutdown_timeout`: open streams end with it."""
    app = web.Application(middlewares=[gate], client_max_size=_LARGEST_FORM)
    app[DESK] = desk
    app[PATIENCE] = Patience(desk.clock)
    app[CHECKER] = Checker()
    app[LIVE] = LiveBoard(desk)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(app[LIVE].run)
    app.on_shutdown.append(app[LIVE].end)
    app.add_routes(_routes())
    api.add_routes(app)
    health.add_routes(app)
    return app


def _routes() -> list[web.RouteDef]:
    return [
        web.get("/static/{path:[a-z0-9_./-]+}", static),
        web.get("/sign-in", sign_in_page),
        web.post("/sign-in", sign_in),
        web.post("/sign-out", sign_out),
        web.post("/language", choose_language),
        web.get("/live", live),
        web.get("/live/who", who),
        web.post("/live/sounds", siren.sounds),
        web.post("/siren/test", siren.test),
        web.get("/", records.board_page),
        web.get("/visits", visits.visits_page),
        web.post("/visits", visits.announce),
        web.get("/visits/{id}", visits.visit_page),
        web.post("/visits/{id}/answer", visits.answer),
        web.post("/visits/{id}/check-in", visits.check_in),
        web.post("/visits/{id}/check-out", visits.check_out),
        web.post("/visits/{id}/cancel", visits.cancel),
        web.post("/visits/{id}/reveal", visits.reveal),
        web.get("/parcels", parcels.parcels_page),
        web.post("/parcels", parcels.take_in),
        web.get("/parcels/{id}", parcels.parcel_page),
        web.post("/parcels/{id}/hand-out", parcels.hand_out),
        web.post("/parcels/{id}/withdraw", parcels.withdraw),
        web.post("/parcels/{id}/reveal", parcels.reveal),
        web.get("/incidents/{id}", incidents.incident_page),
        web.post("/incidents/{id}/answer", incidents.answer),
        web.post("/incidents/{id}/judge", incidents.judge),
        web.post("/emergencies", incidents.report),
        web.post("/alerts/{id}/take", incidents.take_alert),
        web.post("/alerts/{id}/finish", incidents.finish_alert),
        web.get("/devices", devices.devices_page),
        web.get("/devices/frames/{id}", devices.frame_page),
        web.post("/devices/frames/{id}/send-again", devices.read_again),
        web.get("/devices/{id}", devices.device_page),
        web.post("/devices/{id}/open", devices.open_point),
        web.post("/devices/{id}/set-clock", devices.set_clock),
        web.get("/people", people.people_page),
        web.post("/people", people.import_people),
        web.get("/people/find", people.find_people),
        web.post("/people/{id}/reveal", people.reveal_person),
        web.get("/records", records.records_page),
        web.get("/notices", records.notices_page),
        web.post("/notices/reveal", records.reveal_notice),
        web.post("/notices/again", records.send_again),
        web.post("/notices/held", records.decide_held),
        web.get("/audit", records.audit_page),
        web.get("/account", records.account_page),
        web.post("/account/password", change_password),
    ]


@public
async def static(request: web.Request) -> web.StreamResponse:
    """GET /static/…: the console's own files, checked for change each time; they are few and near."""
    file = (STATIC / request.match_info["path"]).resolve()
    if file.suffix not in _TYPES or not file.is_relative_to(STATIC) or not file.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(
        file, headers={"Content-Type": f"{_TYPES[file.suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
    )
