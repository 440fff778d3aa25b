"""The description is one that tools can read, and it says what each route takes and gives."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from hub.console.api.openapi import description
from tests.console.api.program import ROOT, Program, Said, check, operations
from tests.console.desk_side import Console
from tests.console.made_up import fill


def _refs(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "$ref":
                yield value
            else:
                yield from _refs(value)
    elif isinstance(document, list):
        for value in document:
            yield from _refs(value)


async def test_it_is_served_as_it_is(program: Program) -> None:
    assert (await program.get("/openapi.json")).body == json.loads(json.dumps(description()))


def test_all_that_it_refers_to_is_there_and_every_schema_is_one() -> None:
    document = description()
    for ref in set(_refs(document)):
        at: Any = document
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_name_of_its_own_a_summary_and_its_path_parameters() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names)) > 30
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert "401" in operation["responses"]


def test_no_filter_takes_a_name_or_a_phone_number() -> None:
    named = {one["name"] for _, _, operation in operations() for one in operation["parameters"] if one["in"] == "query"}
    assert not named & {"name", "phone", "text", "plate", "tracking", "unit", "q"}


async def test_an_event_is_described_by_its_type(console: Console, program: Program) -> None:
    await fill(console)
    said = await program.get("/events", type="access.granted")
    said.body["items"][0]["data"] = {"colour": "red"}
    with pytest.raises(ValidationError):
        check("GET", "/events", Said(200, said.body, said.headers))


async def test_what_a_route_takes_is_described(console: Console, program: Program) -> None:
    body = description()["paths"][f"{ROOT}/visits"]["post"]["requestBody"]
    assert body["required"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    taken = description()["components"]["schemas"][name]
    assert {"name", "phone", "unit", "kind", "from", "until", "arrived"} <= taken["properties"].keys()
    assert taken["required"] == ["name", "unit"]
