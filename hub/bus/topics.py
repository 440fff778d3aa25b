"""The hub's own topics, `hub/v1/{site}/…`. Only the hub's processes may publish under them."""

from typing import NamedTuple

from hub.core.envelope import Lane

ROOT = "hub/v1"


def events(site: str, lane: Lane, device: str) -> str:
    """Published by the host; one CloudEvent a message."""
    return f"{ROOT}/{site}/events/{lane}/{device}"


def commands(site: str, device: str) -> str:
    """Published by dispatch; one Command a message."""
    return f"{ROOT}/{site}/commands/{device}"


def receipts(site: str, host: str) -> str:
    """Published by the intake: `{"host": …, "sequences": [[from, to], …]}`, all committed."""
    return f"{ROOT}/{site}/receipts/{host}"


def device_status(site: str, device: str) -> str:
    """Published by the host, retained."""
    return f"{ROOT}/{site}/devices/{device}"


def host_status(site: str, host: str) -> str:
    """Published by the host every second, retained, and its will: `{at, sequence, oldest, kept}`."""
    return f"{ROOT}/{site}/hosts/{host}"


def heartbeat(site: str, host: str) -> str:
    """Published by the hub, retained, and its will: that it lives, and which of its parts don't."""
    return f"{ROOT}/{site}/heartbeats/{host}"


class HubTopic(NamedTuple):
    """A topic of ours taken apart. `kind` is events, commands, receipts, devices, hosts or heartbeats; `name` its last
    level."""

    site: str
    kind: str
    name: str
    lane: str = ""


def parse(topic: str) -> HubTopic | None:
    match topic.split("/"):
        case ["hub", "v1", site, "events", lane, device]:
            return HubTopic(site, "events", device, lane)
        case ["hub", "v1", site, ("commands" | "receipts" | "devices" | "hosts" | "heartbeats") as kind, name]:
            return HubTopic(site, kind, name)
        case _:
            return None


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic falls under a subscription (MQTT 5.0, 4.7: `+` one level, `#` the rest, neither of them a first
    level that begins with `$`)."""
    if topic.startswith("$") and pattern.startswith(("+", "#")):
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
