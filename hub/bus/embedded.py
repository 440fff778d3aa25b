"""The broker for trying out: amqtt inside the hub's process, on loopback only, where no mosquitto is installed.

It throws away what isn't acknowledged in 5 s and speaks 3.1.1 alone. Three of its holes are closed here: retained
messages went to everyone, a will was published past the access list, and whoever named another's client id had its
session, before any password was looked at.
"""

import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.errors import MQTTError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session
from amqtt.utils import gen_client_id

from hub.bus.access import HUB_USER, BrokerUser

log = structlog.get_logger()


class NotLoopback(Exception):
    """amqtt is for trying out: it listens on loopback only."""


class Users(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets in whom the hub knows, unless the will breaks the user's rights."""

    @dataclass
    class Config:
        users: dict[str, BrokerUser] = field(default_factory=dict)

    async def authenticate(self, *, session: Session) -> bool:
        user = _known(_users(self), session)
        if user is None:
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


def _known(users: Mapping[str, BrokerUser], session: Session) -> BrokerUser | None:
    """Who this is, if the password is right."""
    user = users.get(session.username or "")
    right = user and hmac.compare_digest(user.password.encode(), (session.password or "").encode())
    return user if right else None


class MendedBroker(Broker):  # type: ignore[misc]  # amqtt has no types
    """A session is its user's, and gets the retained messages of its own subscriptions, not of everybody's."""

    def __init__(self, config: BrokerConfig, users: Mapping[str, BrokerUser]) -> None:
        super().__init__(config)
        self._users = users

    async def _initialize_client_session(
        self, reader: Any, writer: Any, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Every session begins anew, named by its user as in mosquitto's `use_username_as_clientid`; the hub alone
        has several, and a name that no device can have."""
        try:
            handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        except MQTTError:
            await writer.close()
            raise
        user = _known(self._users, session)
        if user is None:
            session.client_id = gen_client_id()
        else:
            session.client_id = f"{HUB_USER}/{session.client_id}" if user.name == HUB_USER else user.name
        await self._end(session.client_id)
        session.clean_session = True
        session.parent = 0
        return handler, session

    async def _end(self, client_id: str) -> None:
        """Who comes again takes the place of the connection that it had."""
        _, before = self._sessions.get(client_id, (None, None))
        await self._delete_session(client_id)
        if before:
            await before.handle_connection_closed()
            await before.stop()

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
        self._broker = MendedBroker(
            BrokerConfig(
                listeners={"default": ListenerConfig(bind=f"{address}:{port}", max_connections=500)},
                plugins={f"{here}.Users": {"users": self._users}, f"{here}.Rights": {"users": self._users}},
            ),
            self._users,
        )

    def reload(self, users: Sequence[BrokerUser]) -> None:
        self._users.clear()
        self._users.update({user.name: user for user in users})

    async def start(self) -> None:
        await self._broker.start()
        log.warning("broker_started", kind="amqtt", use="for trying out: install mosquitto before it is relied on")

    async def stop(self) -> None:
        await self._broker.shutdown()
