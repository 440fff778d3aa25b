"""The hub's own topics described, AsyncAPI 3.0, made of the models that its processes parse.

`python -m hub.bus.asyncapi` prints the document.
"""

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hub.bus import topics
from hub.bus.messages import DeviceStatus, Gone, Heartbeat, HeartbeatGone, Receipt
from hub.core.commands import Command
from hub.core.device_events import DeadlineReached
from hub.core.envelope import Lane
from hub.core.events import EVENT_CLASSES
from hub.core.fire_events import EmergencyReported
from hub.core.passing import HostStatus
from hub.core.record_events import RecordEvent

Json = dict[str, Any]
"""a piece of the document"""
Models = Mapping[str, type[BaseModel]]
"""by the name of their message"""

_CLOUD_EVENT = "application/cloudevents+json"
_HUBS_OWN: tuple[object, ...] = (*get_args(RecordEvent), DeadlineReached, EmergencyReported)
"""written in the store's commit; they don't pass the broker"""

EVENTS: Models = {name: event for name, event in EVENT_CLASSES.items() if event not in _HUBS_OWN}
COMMANDS: Models = {command.model_fields["kind"].default: command for command in get_args(get_args(Command)[0])}
OTHERS: Models = {
    "receipt": Receipt, "host-status": HostStatus, "host-gone": Gone, "device-status": DeviceStatus,
    "heartbeat": Heartbeat, "heartbeat-gone": HeartbeatGone,
}  # fmt: skip

_PARAMETERS: Mapping[str, Json] = {
    "site": {"description": "The site's id in building.toml."},
    "lane": {"description": "Fire, duress, help and emergencies go by `life`.", "enum": list(get_args(Lane))},
    "device": {"description": "The device's id in building.toml; of an unknown one, a name made of its address."},
    "host": {"description": "The name in hub.toml of the host, whose spool it is."},
}


def document() -> Json:
    """The whole description."""
    models = {**EVENTS, **COMMANDS, **OTHERS}
    refs, schemas = _schemas(models)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Front-desk hub", "version": "1", "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "events": _channel(topics.events("{site}", "{lane}", "{device}"), list(EVENTS), topics.events),  # type: ignore[arg-type]  # a template
            "commands": _channel(topics.commands("{site}", "{device}"), list(COMMANDS), topics.commands),
            "receipts": _channel(topics.receipts("{site}", "{host}"), ["receipt"], topics.receipts),
            "devices": _channel(topics.device_status("{site}", "{device}"), ["device-status"], topics.device_status),
            "hosts": _channel(topics.host_status("{site}", "{host}"), ["host-status", "host-gone"], topics.host_status),
            "heartbeats": _channel(
                topics.heartbeat("{site}", "{host}"), ["heartbeat", "heartbeat-gone"], topics.heartbeat
            ),
        },
        "operations": {
            name: _operation(action, channel, about) for name, (action, channel, about) in _OPERATIONS.items()
        },
        "components": {
            "messages": {name: _message(name, model, refs[model]) for name, model in models.items()},
            "schemas": schemas,
        },
    }


_ABOUT = (
    "What the hub's processes say to each other under hub/v1/. Only they may publish here. MQTT 5 where the broker "
    "speaks it. A repeat may come, a swap within a host and a lane may not: events wait in the host's spool until "
    "their receipt. Devices keep their own vendors' topics."
)
_OPERATIONS: Mapping[str, tuple[str, str, str]] = {
    "hostSendsEvents": ("send", "events", "QoS 1, in spool order, at most 512 a lane without a receipt."),
    "intakeTakesEvents": ("receive", "events", "Stored once in effect, by id; then receipted."),
    "intakeSendsReceipts": ("send", "receipts", "After the commit, for repeats too."),
    "hostTakesReceipts": ("receive", "receipts", "The rows named are forgotten."),
    "dispatchSendsCommands": ("send", "commands", "Until the host says that it has the id on disk."),
    "hostTakesCommands": ("receive", "commands", "Each is written to its device at most once."),
    "hostSendsDeviceStatus": (
        "send",
        "devices",
        "Retained; an empty message takes back what was said of one that is forgotten.",
    ),
    "intakeTakesDeviceStatus": ("receive", "devices", "The last word on each device is kept."),
    "hostSendsItsStatus": ("send", "hosts", "Every second, retained; the will is an empty object."),
    "hubSendsItsHeartbeat": (
        "send",
        "heartbeats",
        "Retained, as often as hub.toml says; the will says that it is gone.",
    ),
    "watcherTakesHeartbeats": (
        "receive",
        "heartbeats",
        "Whoever is to notice the hub's death; none of its own processes.",
    ),
    "intakeTakesHostStatus": ("receive", "hosts", "It knows then which moments it has passed."),
}


def _schemas(models: Models) -> tuple[Mapping[type[BaseModel], Json], Json]:
    asked = [(model, "validation") for model in models.values()]
    refs, described = models_json_schema(asked, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a list isn't covariant
    return {model: refs[model, "validation"] for model in models.values()}, described["$defs"]


def _channel(address: str, messages: Sequence[str], about: object) -> Json:
    names = [part.strip("{}") for part in address.split("/") if part.startswith("{")]
    return {
        "address": address,
        "description": inspect.getdoc(about),
        "parameters": {name: _PARAMETERS[name] for name in names},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str, about: str) -> Json:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "description": about}


def _message(name: str, model: type[BaseModel], ref: Json) -> Json:
    said: Json = {"name": name, "payload": ref}
    if about := inspect.cleandoc(vars(model).get("__doc__") or ""):
        said["description"] = about.replace("\n", " ")
    return said | ({"contentType": _CLOUD_EVENT} if name in EVENTS else {})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")
