"""Why a program's request wasn't done, as RFC 9457 problem details with a `reason` that stays the same."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from hub.console.signed import SIGNED
from hub.console.words import Language, Words, language_of

CONTENT_TYPE = "application/problem+json"
_AGAIN_AFTER = "2"
"""seconds"""


class Fault(BaseModel):
    """One field that can't be taken: `field` is its path in the body or the query, `rule` a stable key of what it
    breaks, `says` the same in words for who writes the program."""

    field: str
    rule: str
    says: str


class Problem(BaseModel):
    """`reason` is a stable key, `params` what it is about; `detail` is a sentence for people in their language."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str
    params: Mapping[str, str] = {}
    faults: Sequence[Fault] = ()


def problem(
    request: web.Request,
    status: int,
    reason: str,
    *,
    params: Mapping[str, str] | None = None,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An answer of that status. Values that a client sent are never repeated in it."""
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_sentence(request, reason, params or {}),
        reason=reason.removeprefix("refused."),
        params=params or {},
        faults=faults,
    )
    more = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more["Retry-After"] = _AGAIN_AFTER
    body = json.dumps(told.model_dump(mode="json"), ensure_ascii=False)
    return web.Response(text=body, status=status, content_type=CONTENT_TYPE, headers=more)


def _sentence(request: web.Request, reason: str, params: Mapping[str, str]) -> str:
    signed = request.get(SIGNED)
    words = Words(signed.language if signed else _language_asked(request))
    for key in (reason, f"refused.{reason}"):
        if words.has(key):
            return words(key, **params)
    return reason


def _language_asked(request: web.Request) -> Language:
    return language_of(request.headers.get("Accept-Language", "zh").lower()[:2])
