"""A program that asks the API: every answer of it is checked against the description."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse
from jsonschema import Draft202012Validator

from hub.console.api.openapi import description
from tests.console.desk_side import Browser

ROOT = "/api/v1"


@dataclass
class Said:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Program:
    """`token` is "" for a program that has none."""

    client: Browser
    token: str
    walked: set[tuple[str, str]] = field(default_factory=set)

    async def get(self, path: str, **filters: Any) -> Said:
        query = [(name, str(one)) for name, value in filters.items() for one in _several(value)]
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: object = None, *, key: str = "", raw: bytes | None = None) -> Said:
        headers = {"Idempotency-Key": key} if key else {}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return await self._ask("POST", path, data=data, headers=headers)

    async def all(self, path: str, **filters: Any) -> list[Any]:
        """The items of all pages."""
        items: list[Any] = []
        cursor = ""
        while True:
            said = await self.get(path, **filters, **({"cursor": cursor} if cursor else {}))
            assert said.status == 200, said.body
            items += said.body["items"]
            cursor = said.body["next"]
            if not cursor:
                return items

    async def _ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **how: Any) -> Said:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.client.request(method, ROOT + path, headers={**bearer, **(headers or {})}, **how) as answer:
            said = await _said(answer)
        template = template_of(method, path)
        if template:
            self.walked.add((method, template))
            check(method, template, said)
        return said


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


async def _said(answer: ClientResponse) -> Said:
    return Said(answer.status, json.loads(await answer.read()), answer.headers)


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path below the root, and what the description says of it."""
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix(ROOT), operation


def template_of(method: str, path: str) -> str:
    """The described path that this one is an example of, "" for none."""
    for known, template, _ in operations():
        wanted, given = template.split("/"), path.split("/")
        if "{key}" in wanted and len(given) > len(wanted):
            at = wanted.index("{key}")
            more = len(given) - len(wanted)
            given = [*given[:at], "/".join(given[at : at + more + 1]), *given[at + more + 1 :]]
        same = len(wanted) == len(given)
        fits = same and all(w.startswith("{") or w == g for w, g in zip(wanted, given, strict=True))
        if known == method and fits:
            return template
    return ""


def check(method: str, template: str, said: Said) -> None:
    """The answer is one that the description has, in status, type and every field."""
    document = description()
    operation = document["paths"][ROOT + template][method.lower()]
    response = operation["responses"].get(str(said.status))
    assert response is not None, f"{method} {template}: {said.status} isn't described: {said.body}"
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content_type = said.headers["Content-Type"].partition(";")[0]
    schema = response["content"][content_type]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(said.body)
