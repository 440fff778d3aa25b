"""The broker for trying out: amqtt inside the hub's process, on loopback only, where no mosquitto is installed.

It throws away what isn't acknowledged in 5 s and speaks 3.1.1 alone. Two of its holes are closed here: retained
messages went to everyone, and a will was published past the access list.
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from hub.bus.access import BrokerUser

log = structlog.get_logger()


class NotLoopback(Exception):
    """amqtt is for trying out: it listens on loopback only."""


class Users(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets in whom the hub knows, unless the will breaks the user's rights."""

    @dataclass
    class Config:
        users: dict[str, BrokerUser] = field(default_factory=dict)

    async def authenticate(self, *, session: Session) -> bool:
        user = _users(self).get(session.username or "")
        if user is None or not hmac.compare_digest(user.password.encode(), (session.password or "").encode()):
            return False
        if session.will_flag and not user.may_publish(str(session.will_topic)):
            log.warning("will_refused", user=user.name, topic=str(session.will_topic))
            return False
        return True


class Rights(BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """The access list: publish, subscribe and receive only what is the user's."""

    @dataclass
    class Config:
        users: dict[str, BrokerUser] = field(default_factory=dict)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        user = _users(self).get((session.username if session else "") or "")
        if user is None or not topic:
            return False
        return user.may_publish(topic) if action == Action.PUBLISH else user.may_subscribe(topic)


def _users(plugin: Any) -> dict[str, BrokerUser]:
    users: dict[str, BrokerUser] = plugin.config.users
    return users


class OwnRetainedOnly(Broker):  # type: ignore[misc]  # amqtt has no types
    """A new session gets the retained messages of its own subscriptions, not of everybody's."""

    async def _publish_retained_messages_for_subscription(self, subscription: Any, session: Session) -> None:
        topic_filter, _qos = subscription
        held = self._subscriptions.get(topic_filter, [])
        if any(subscriber is session for subscriber, _ in held):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class Embedded:
    def __init__(self, address: str, port: int, users: Sequence[BrokerUser]) -> None:
        """`users` may be changed later by `reload`. Raises NotLoopback."""
        if address not in ("127.0.0.1", "::1", "localhost"):
            raise NotLoopback(
                f"amqtt is for trying out and listens on loopback only, not on {address}: install mosquitto, "
                "or name a broker with --broker"
            )
        self._users = {user.name: user for user in users}
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.WARNING)
        here = __name__
        self._broker = OwnRetainedOnly(
            BrokerConfig(
                listeners={"default": ListenerConfig(bind=f"{address}:{port}", max_connections=500)},
                plugins={f"{here}.Users": {"users": self._users}, f"{here}.Rights": {"users": self._users}},
            )
        )

    def reload(self, users: Sequence[BrokerUser]) -> None:
        self._users.clear()
        self._users.update({user.name: user for user in users})

    async def start(self) -> None:
        await self._broker.start()
        log.warning("broker_started", kind="amqtt", use="for trying out: install mosquitto before it is relied on")

    async def stop(self) -> None:
        await self._broker.shutdown()
