"""A route of the API: what it is asked and answers with, as types. The server and its description are made of it."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, ValidationError

from hub.console.api.asks import Ask
from hub.console.api.models import Answer
from hub.console.desk import DESK, Desk
from hub.console.problem import Fault, problem
from hub.console.signed import SIGNED, Signed
from hub.core.effects import Refused
from hub.store.database import StoreAway
from hub.store.paging import BadCursor

ROOT = "/api/v1"
KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 200

Q = TypeVar("Q", bound=Ask)
B = TypeVar("B", bound=Ask)
A = TypeVar("A", bound=Answer)
M = TypeVar("M", bound=BaseModel)


class NotFound(Exception):
    """Nothing has the id that the path names."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request, read. `act_id` is the same for the same act sent again; `cause` names it among all who act."""

    desk: Desk
    signed: Signed
    path: Mapping[str, str]
    query: Q
    body: B
    act_id: str

    @property
    def id(self) -> str:
        return self.path["id"]

    @property
    def cause(self) -> str:
        return f"{self.signed.name}\x1f{self.act_id}"


@dataclass(frozen=True, slots=True)
class Route(Generic[Q, B, A]):
    """`path` is below ROOT. The handler's docstring is the description."""

    method: Literal["GET", "POST"]
    path: str
    handler: Callable[[Call[Q, B]], Awaitable[A]]
    query: type[Q]
    takes: type[B]
    gives: type[A]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Plain:
    """A route that answers otherwise than with one JSON document of a model: the stream, the description."""

    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    content_type: str


def aiohttp_path(path: str) -> str:
    """A notice's key has slashes in it."""
    return ROOT + path.replace("{key}", "{key:.+}")


def serve(route: Route[Any, Any, Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            call = await _call(request, route)
            answer = await route.handler(call)
        except _Unreadable as error:
            return problem(request, error.status, error.reason, faults=error.faults)
        except NotFound:
            return problem(request, 404, "refused.not_found")
        except BadCursor:
            return problem(request, 400, "cursor.wrong", faults=[_BAD_CURSOR])
        except Refused as refused:
            return problem(request, _status(refused.reason), refused.reason, params=refused.params)
        except StoreAway:
            return problem(request, 503, "refused.store_away")
        return web.Response(text=answer.model_dump_json(), status=route.status, content_type="application/json")

    return handler


async def no_such_route(request: web.Request) -> web.StreamResponse:
    """Anything else below ROOT: another method of a path that is there, or nothing at all."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        match, methods = await resource.resolve(request)
        if match is None:
            allowed |= methods
    if allowed:
        return problem(request, 405, "no_such_method", headers={"Allow": ", ".join(sorted(allowed))})
    return problem(request, 404, "no_such_path")


class _Unreadable(Exception):
    def __init__(self, status: int, reason: str, faults: Sequence[Fault]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.faults = faults


_BAD_CURSOR = Fault(field="cursor", rule="wrong", says="is not a cursor of this list")


async def _call(request: web.Request, route: Route[Q, B, A]) -> Call[Q, B]:
    path = dict(request.match_info)
    if any(not value.isprintable() for value in path.values()):
        raise NotFound
    raw = b"" if request.method == "GET" else await _body(request)
    return Call(
        desk=request.app[DESK],
        signed=request[SIGNED],
        path=path,
        query=_read("query", lambda: route.query.model_validate(_query(request, route.query))),
        body=_read("body", lambda: route.takes.model_validate_json(raw.strip() or b"{}")),
        act_id=_act_id(request),
    )


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise _Unreadable(413, "body.too_large", ()) from error


def _query(request: web.Request, model: type[Ask]) -> dict[str, str | list[str]]:
    """Each name's last word; all of them where a filter takes several."""
    several = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple}
    names = dict.fromkeys(name for name, value in request.query.items() if value)
    return {name: request.query.getall(name) if name in several else request.query.getall(name)[-1] for name in names}


def _act_id(request: web.Request) -> str:
    """The same key means the same act only on the same route: of another one it is another act."""
    key = request.headers.get(KEY_HEADER, "") or secrets.token_hex(16)
    if len(key) > LONGEST_KEY:
        says = f"should have at most {LONGEST_KEY} characters"
        raise _Unreadable(422, "header.invalid", [Fault(field=KEY_HEADER, rule="too_long", says=says)])
    return f"{request.path}\x1f{key}"


def _read(what: str, read: Callable[[], M]) -> M:
    try:
        return read()
    except ValidationError as error:
        faults = [
            Fault(field=".".join(str(part) for part in one["loc"]), rule=one["type"], says=one["msg"])
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise _Unreadable(422, f"{what}.invalid", faults) from None


_CONFLICTS = frozenset(
    {
        "visit.not_waiting", "visit.is_over", "visit.not_in", "parcel.not_here",
        "parcel.is_in_a_locker", "parcel.is_here_already", "incident.is_done", "alert.is_done",
        "alert.belongs_to_an_incident", "device.alarm_open", "quarantine.not_here",
    }
)  # fmt: skip
_FORBIDDEN = frozenset({"refused.not_your_role", "refused.reads_only"})


def _status(reason: str) -> int:
    """A record in another state is a conflict; what is wrong with the act itself is unprocessable."""
    if reason in _CONFLICTS:
        return 409
    if reason in _FORBIDDEN:
        return 403
    return 404 if reason.endswith((".unknown", ".not_found")) else 422
