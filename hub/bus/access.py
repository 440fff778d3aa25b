"""Who may do what at the broker: one identity a device, and the hub's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.bus.topics import matches
from hub.core.adapter import Adapter, Mqtt
from hub.core.building import Building

HUB_USER = "hub"
DROPPED = "$SYS/broker/publish/messages/dropped"
"""where mosquitto counts what it let fall since its start; `#` doesn't reach `$SYS` (MQTT 5.0, 4.7.2)"""


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user of the broker, with the topic patterns that it may publish to and subscribe to."""

    name: str
    password: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]

    def may_publish(self, topic: str) -> bool:
        return any(matches(pattern, topic) for pattern in self.publish)

    def may_subscribe(self, pattern: str) -> bool:
        """Whether everything under `pattern` is allowed: the pattern itself must fall under one of ours."""
        return any(matches(allowed, pattern) for allowed in self.subscribe)


def broker_users(
    building: Building, adapters: Mapping[str, Adapter], passwords: Mapping[str, str], hub_password: str
) -> list[BrokerUser]:
    """The hub, each declared MQTT device that has a password, and each password without a declared device: that one
    may knock under its own name, so that it is listed as unknown."""
    users = [BrokerUser(HUB_USER, hub_password, ("#",), ("#", DROPPED))]
    for name, password in sorted(passwords.items()):
        device = building.devices.get(name)
        if device is None:
            kinds = [a.transport for a in adapters.values() if isinstance(a.transport, Mqtt)]
            users.append(_user(name, password, kinds, building.site.id, name, name))
        else:
            transport = adapters[device.adapter].transport
            if isinstance(transport, Mqtt):
                users.append(_user(name, password, [transport], building.site.id, device.id, device.address))
    return users


def _user(name: str, password: str, transports: Iterable[Mqtt], site: str, device: str, address: str) -> BrokerUser:
    def filled(patterns: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            p.replace("{site}", site).replace("{device}", device).replace("{address}", address) for p in patterns
        )

    publish = [topic for transport in transports for topic in filled((*transport.up, *transport.shared))]
    subscribe = [topic for transport in transports for topic in filled(transport.down)]
    return BrokerUser(name, password, tuple(publish), tuple(subscribe))
