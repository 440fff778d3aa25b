"""The description of the hub's topics is whole, and says what its processes really send."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator

from hub.bus import topics
from hub.bus.asyncapi import COMMANDS, EVENTS, document
from hub.bus.messages import DeviceStatus, Receipt, Seen
from hub.core.commands import COMMAND, OpenDoor
from hub.core.events import dump_event
from hub.core.fire_events import FireAlarm, FireCondition
from hub.store import devices

KEPT = Path(__file__).parents[2] / "docs" / "asyncapi.json"
NOW = datetime(2026, 4, 10, 2, 0, 7, tzinfo=UTC)


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from _refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from _refs(value)


def _valid(message: str, payload: bytes | str) -> None:
    made = document()
    schema = made["components"]["messages"][message]["payload"]
    Draft202012Validator({**schema, "components": made["components"]}).validate(json.loads(payload))


def test_the_document_in_docs_is_the_one_that_the_models_make() -> None:
    assert json.loads(KEPT.read_text("utf-8")) == document(), "python -m hub.bus.asyncapi > docs/asyncapi.json"


def test_all_that_it_refers_to_is_there() -> None:
    made = document()
    for ref in set(_refs(made)):
        at: Any = made
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]
    for schema in made["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_each_channel_is_a_topic_of_ours_with_its_parameters() -> None:
    for name, channel in document()["channels"].items():
        levels = {level[1:-1]: "x" for level in channel["address"].split("/") if level.startswith("{")}
        assert channel["parameters"].keys() == levels.keys()
        parsed = topics.parse(channel["address"].format(**levels))
        assert parsed is not None
        assert parsed.kind == name


def test_every_message_is_on_a_channel_and_every_channel_has_who_sends_and_who_takes() -> None:
    made = document()
    on_channels = {name for channel in made["channels"].values() for name in channel["messages"]}
    assert on_channels == made["components"]["messages"].keys()
    for channel in made["channels"]:
        actions = {
            one["action"] for one in made["operations"].values() if one["channel"]["$ref"] == f"#/channels/{channel}"
        }
        assert actions == {"send", "receive"}


def test_events_and_commands_as_sent_are_described() -> None:
    event = FireAlarm(
        id=UUID(int=8 << 76 | 2 << 62),
        host="edge",
        sequence=7,
        source="/sites/s/devices/p",
        time=NOW,
        received=NOW,
        lane="life",
        data=FireCondition(active=True, zone="1", point="7"),
    )
    _valid("fire.alarm", dump_event(event))
    command = OpenDoor(id=UUID(int=1), site="s", device="g", expires=NOW, by="desk", door="1")
    _valid("door.open", COMMAND.dump_json(command))
    assert {"access.granted", "device.offline", "frame.quarantined"} <= EVENTS.keys()
    assert "visit.opened" not in EVENTS
    assert not any(word in kind for kind in COMMANDS for word in ("silence", "reset", "shield"))


def test_what_hosts_and_the_intake_say_is_described() -> None:
    _valid("receipt", json.dumps({"host": "edge", "sequences": [[1, 4], [7, 7]], "restart": True}))
    _valid("host-status", json.dumps({"at": "2026-04-10T02:00:07.000Z", "sequence": 9, "oldest": None, "waiting": 0,
                                      "kept": [str(UUID(int=7))], "let_fall": {"rate": 3}}))  # fmt: skip
    _valid("host-gone", "{}")
    assert Receipt.model_validate_json('{"host":"edge","sequences":[]}').restart is False


def test_a_devices_status_has_the_fields_that_the_store_keeps() -> None:
    assert {field.name for field in fields(devices.DeviceStatus)} == DeviceStatus.model_fields.keys()
    assert {field.name for field in fields(devices.SeenFrame)} == Seen.model_fields.keys()
