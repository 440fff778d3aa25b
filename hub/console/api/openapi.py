"""The API's description, OpenAPI 3.1, made of the table of routes and its models."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hub.console.api.live import TOPICS, stream
from hub.console.api.models import EventRecord
from hub.console.api.route import KEY_HEADER, LONGEST_KEY, ROOT, Route
from hub.console.api.table import ROUTES
from hub.console.problem import CONTENT_TYPE, Problem
from hub.core.events import EVENT_CLASSES

LIVE_PATH = "/live"
_REF = "#/components/schemas/{model}"

Json = dict[str, Any]
"""a piece of the document"""

_PROBLEMS: Mapping[str, str] = {
    "400": "The cursor isn't one of this list.",
    "401": "No token and no session, or one that is over.",
    "403": "It only reads, or its role may not do this.",
    "404": "Nothing has that id.",
    "409": "The record is in another state than the act needs.",
    "422": "A field is missing, unknown or can't be taken; `faults` names it.",
    "503": "The store is away; nothing has happened.",
}


@cache
def description() -> Json:
    """The whole document."""
    refs, schemas = _schemas()
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(ROOT + route.path, {})[route.method.lower()] = _operation(route, refs)
    paths[ROOT + LIVE_PATH] = {"get": _live()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Front-desk hub", "version": "1", "description": _ABOUT},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {number: _problem(number, refs) for number in _PROBLEMS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "hub_session"},
            },
        },
    }


_ABOUT = (
    "Records and acts of the front desk. Times are RFC 3339 in UTC. Names and numbers of people are masked; `reveal` "
    "shows one record's in full and is written to the audit log. With a session instead of a token, a POST also "
    "carries X-CSRF-Token. Values of people never stand in a URL."
)


Refs = Mapping[tuple[object, str], Json]
"""(model, serialization or validation) → where it is described"""


def _schemas() -> tuple[Refs, Json]:
    """Where each model is described, and all descriptions."""
    data = [event.model_fields["data"].annotation for event in EVENT_CLASSES.values()]
    given = [Problem, *(route.gives for route in ROUTES), *(one for one in data if one)]
    taken = [route.takes for route in ROUTES if route.method == "POST"]
    refs, document = models_json_schema(
        [
            *((model, "serialization") for model in dict.fromkeys(given)),
            *((m, "validation") for m in dict.fromkeys(taken)),
        ],
        ref_template=_REF,
    )
    schemas: Json = document["$defs"]
    described: dict[tuple[object, str], Json] = {(model, mode): ref for (model, mode), ref in refs.items()}
    record = schemas[described[EventRecord, "serialization"]["$ref"].rpartition("/")[2]]
    record["properties"]["type"]["enum"] = list(EVENT_CLASSES)
    record["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {"properties": {"data": described[event.model_fields["data"].annotation, "serialization"]}},
        }
        for name, event in EVENT_CLASSES.items()
    ]
    return described, schemas


def _operation(route: Route[Any, Any, Any], refs: Refs) -> Json:
    about = inspect.getdoc(route.handler) or ""
    acts = route.method == "POST"
    problems = ["401", "404", "422", "503"] + (
        ["403", "409"] if acts else ["400"] if "cursor" in route.query.model_fields else []
    )
    said: Json = {
        "operationId": _operation_id(route),
        "summary": about.split(". ")[0].split("\n\n")[0].rstrip(".").replace("\n", " "),
        "description": about.replace("\n", " "),
        "tags": [route.path.split("/")[1]],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query), *([_KEY] if acts else [])],
        "responses": {
            str(route.status): {
                "description": "As it is now.",
                "content": {"application/json": {"schema": refs[route.gives, "serialization"]}},
            },
            **{number: {"$ref": f"#/components/responses/{number}"} for number in sorted(problems)},
        },
    }
    if acts and route.takes.model_fields:
        needed = any(field.is_required() for field in route.takes.model_fields.values())
        content = {"application/json": {"schema": refs[route.takes, "validation"]}}
        said["requestBody"] = {"required": needed, "content": content}
    return said


def _operation_id(route: Route[Any, Any, Any]) -> str:
    parts = [part.strip("{}") for part in route.path.replace("-", "_").split("/") if part]
    return "_".join([route.method.lower(), *parts])


def _path_parameters(path: str) -> list[Json]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    """One a filter; one that takes several may be given several times."""
    properties = model.model_json_schema()["properties"] if model.model_fields else {}
    return [
        {"name": name, "in": "query", "required": False, "explode": True, "schema": schema}
        for name, schema in properties.items()
    ]


_KEY: Json = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "Names the act: sent again with the same key it changes nothing and gives the same record.",
    "schema": {"type": "string", "maxLength": LONGEST_KEY},
}


def _live() -> Json:
    return {
        "operationId": "get_live",
        "summary": "What changes, as server-sent events",
        "description": (inspect.getdoc(stream) or "").replace("\n", " "),
        "tags": ["live"],
        "parameters": [{"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}],
        "responses": {
            "200": {
                "description": f"Events `change` with data {{topics, life, at}}; topics: {', '.join(TOPICS)}.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            "401": {"$ref": "#/components/responses/401"},
        },
    }


def _problem(number: str, refs: Refs) -> Json:
    schema = refs[Problem, "serialization"]
    return {"description": _PROBLEMS[number], "content": {CONTENT_TYPE: {"schema": schema}}}
