"""Pages out of templates. Everything that a person or a device typed is escaped by Jinja itself."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hub.console.board import Board, IncidentLine, Snapshot, board_of, parcel_state, places_of, read_board, visit_state
from hub.console.desk import DESK, Desk
from hub.console.sentences import sentence, type_named
from hub.console.signed import SIGNED, Signed
from hub.console.text import Text
from hub.console.words import Language, language_of
from hub.core.fire_events import EmergencyKind
from hub.core.records import FalseCause

VISIT_KINDS = ("visit", "delivery", "courier", "agent", "moving", "renovation", "repair", "housekeeping", "other")
PAGES = (
    ("/", "page.board"),
    ("/visits", "page.visits"),
    ("/parcels", "page.parcels"),
    ("/devices", "page.devices"),
    ("/people", "page.people"),
    ("/records", "page.records"),
    ("/notices", "page.notices"),
)
Shown = dict[str, Any]
"""what a template gets, by name: templates are where types end"""
BOARD_PARTS = {
    "facts": "part/facts.html",
    "incidents": "part/incidents.html",
    "queue": "part/queue.html",
    "visitors": "part/visitors.html",
    "parcels": "part/parcels.html",
    "last": "part/last.html",
}


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.get_template("part/incident.html")  # the first fire doesn't wait until it is compiled
    return made


@dataclass(frozen=True, slots=True)
class Look:
    """What changes the look of the shared board: its language, and whether visitors can see the screen."""

    language: Language
    public: bool


def look_of(desk: Desk, signed: Signed) -> Look:
    post = desk.building.posts.get(signed.post)
    return Look(signed.language, post.public if post else False)


def _words(text: Text) -> Shown:
    words: Shown = {
        "text": text,
        "t": text.t,
        "sentence": lambda stored: sentence(stored, text),
        "type_named": lambda name: type_named(name, text),
        "visit_state": lambda visit: visit_state(visit, text),
        "parcel_state": lambda parcel: parcel_state(parcel, text),
        "false_causes": get_args(FalseCause),
        "site_name": text.building.site.name.in_language(text.language),
    }
    words["drawn_incident"] = lambda line: _drawn_incident(line, words)
    return words


def _text(desk: Desk, snapshot: Snapshot, look: Look) -> Text:
    return Text(
        look.language,
        desk.building,
        snapshot.at,
        public=look.public,
        users=snapshot.users,
        undeclared=snapshot.undeclared,
    )


class Incidents:
    """Those on the board as one look saw them last: one is drawn again when it has changed, or a second on its
    clocks. In a fire that spreads, drawing the others again and again was most of what a frame cost."""

    def __init__(self) -> None:
        self._drawn: dict[str, tuple[tuple[object, ...], Markup]] = {}

    def draw(self, line: IncidentLine, text: Text, words: Shown) -> Markup:
        incident = line.incident
        seconds = int((text.now - incident.opened_at).total_seconds())
        key = (line, seconds, text.local(text.now).date(), text.incident_place(incident))
        before, drawn = self._drawn.get(incident.id, ((), Markup()))
        if before != key:
            drawn = _drawn_incident(line, words)
            self._drawn[incident.id] = (key, drawn)
        return drawn

    def keep(self, lines: Collection[IncidentLine]) -> None:
        """The others are over."""
        self._drawn = {line.incident.id: known for line in lines if (known := self._drawn.get(line.incident.id))}


def _drawn_incident(line: IncidentLine, words: Shown) -> Markup:
    return Markup(environment().get_template("part/incident.html").render(words, line=line))  # noqa: S704  # escaped there


def board_partials(
    desk: Desk, snapshot: Snapshot, look: Look, incidents: Incidents, parts: Collection[str] = tuple(BOARD_PARTS)
) -> dict[str, str]:
    """Parts of the board as htmx partials, by their ids; the same for everyone with this look."""
    text = _text(desk, snapshot, look)
    board = board_of(snapshot, desk, text)
    incidents.keep(board.incidents)
    words = {**_words(text), "board": board}
    words["drawn_incident"] = lambda line: incidents.draw(line, text, words)
    frame = environment().get_template("part/frame.html")
    return {part: frame.render(words, id=part, part=BOARD_PARTS[part]) for part in parts}


async def page(
    request: web.Request, template: str, *, status: int = 200, snapshot: Snapshot | None = None, **values: Any
) -> web.Response:
    """A whole page for someone signed in, with incidents on top: those of `snapshot`, where it was read already."""
    desk, signed = request.app[DESK], request[SIGNED]
    if snapshot is None:
        snapshot = await desk.store.read(lambda tx: read_board(tx, desk))
    look = look_of(desk, signed)
    text = _text(desk, snapshot, look)
    board: Board = board_of(snapshot, desk, text)
    post = desk.building.posts.get(signed.post)
    section = f"/{request.path.split('/')[1]}"
    pages = (*PAGES, ("/audit", "page.audit")) if signed.reads_audit else PAGES
    body = (
        environment()
        .get_template(template)
        .render(
            **_words(text),
            **_choices(text),
            board=board,
            signed=signed,
            pages=pages,
            has_siren=desk.siren is not None,
            section=section,
            here=str(request.rel_url),
            post_name=post.name.in_language(text.language) if post else "",
            new_act=lambda: secrets.token_hex(16),
            **values,
        )
    )
    return web.Response(text=body, content_type="text/html", status=status)


def fragment(request: web.Request, template: str, **values: Any) -> web.Response:
    """A part of a page, for a swap."""
    desk, signed = request.app[DESK], request[SIGNED]
    look = look_of(desk, signed)
    text = Text(look.language, desk.building, desk.clock(), public=look.public)
    body = environment().get_template(template).render(**_words(text), signed=signed, **values)
    return web.Response(text=body, content_type="text/html")


def open_page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page for someone who isn't signed in."""
    desk = request.app[DESK]
    text = Text(language_asked(request), desk.building, desk.clock())
    body = environment().get_template(template).render(**_words(text), signed=None, **values)
    return web.Response(text=body, content_type="text/html", status=status)


def language_asked(request: web.Request) -> Language:
    """By cookie, else what the browser prefers, else Chinese."""
    if cookie := request.cookies.get("language"):
        return language_of(cookie)
    preferred = request.headers.get("Accept-Language", "zh").lower()
    return "en" if preferred.startswith("en") else "zh"


def wants_part(request: web.Request) -> bool:
    """Whether a list alone is asked for, not its whole page."""
    return request.headers.get("HX-Request") == "true"


def _choices(text: Text) -> Mapping[str, object]:
    return {
        "visit_kinds": VISIT_KINDS[:6],
        "visit_kind_options": [(kind, text.t(f"visit_kind.{kind}")) for kind in VISIT_KINDS],
        "emergency_options": [(kind, text.t(f"emergency.{kind}")) for kind in get_args(EmergencyKind)],
        "places": places_of(text.building, text.language),
    }
