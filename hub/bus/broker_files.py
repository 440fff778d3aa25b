"""The three files that a building's mosquitto runs with: its configuration, who may do what, and the passwords.

The hub's own child and a mosquitto that an operator runs are given the same.
"""

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.bus.access import HUB_USER, BrokerUser

CONFIGURATION, RIGHTS, PASSWORDS = "mosquitto.conf", "mosquitto.acl", "mosquitto.passwords"
PASSWORD_ROUNDS = 101  # mosquitto's own default ($7$, PBKDF2-HMAC-SHA512); devices' passwords are long and random


@dataclass(frozen=True, slots=True)
class DeviceListener:
    """Where devices connect: over TLS where there is a certificate with its key, and then also without on
    `plain_port`, if that is set. Without TLS `address` is that of a network of the devices' own."""

    address: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    plain_port: int | None = None


def write(directory: Path, name: str, text: str) -> None:
    """All or nothing; only the owner may read it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = directory / name
    fresh = target.with_suffix(target.suffix + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(target)


def configuration(directory: Path, listener: DeviceListener, hub_port: int, own: Sequence[str] = ()) -> str:
    """mosquitto.conf for files that lie in `directory`; `own` are lines that only this mosquitto has."""
    lines = [
        "# Made by the hub from hub.toml; a change here is lost when it is made anew.",
        *own,
        f"password_file {directory / PASSWORDS}",
        f"acl_file {directory / RIGHTS}",
        "allow_anonymous false",
        "",
        "# nothing is trusted to the broker's disk: what must not be lost waits in the hub's spool and at the devices",
        "persistence false",
        "",
        "# For each session: what it is sent before it answers, and what waits beyond. The hub has at most 1024",
        "# rows a host under way, and a device that is away for a day misses some thousand messages at most. What no",
        "# longer fits is dropped and counted under $SYS, and the hub says so on the board.",
        "max_inflight_messages 1000",
        "max_queued_messages 100000",
        "max_queued_bytes 268435456",
        "message_size_limit 4194304",
        "sys_interval 10",
        "",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages false",
        "",
        "# the devices: the user name is the identity, so that nobody can borrow another's client id",
        *_device_listeners(listener),
        "",
        "# the hub; the last one, since the broker is up once this port answers",
        f"listener {hub_port} 127.0.0.1",
    ]
    return "\n".join(lines) + "\n"


def _device_listeners(listener: DeviceListener) -> Iterator[str]:
    yield f"listener {listener.port} {listener.address}"
    yield "use_username_as_clientid true"
    if listener.certificate and listener.key:
        yield f"certfile {listener.certificate}"
        yield f"keyfile {listener.key}"
        yield "tls_version tlsv1.2"
        if listener.plain_port is not None:
            yield ""
            yield "# those that have no TLS, on their own network's address alone"
            yield f"listener {listener.plain_port} {listener.address}"
            yield "use_username_as_clientid true"


def rights(users: Iterable[BrokerUser]) -> str:
    """mosquitto.acl: what isn't named is refused."""
    blocks = []
    for user in users:
        both = [t for t in user.publish if t in user.subscribe]
        lines = [f"user {user.name}"]
        lines += [f"topic readwrite {topic}" for topic in both]
        lines += [f"topic write {topic}" for topic in user.publish if topic not in both]
        lines += [f"topic read {topic}" for topic in user.subscribe if topic not in both]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def passwords(users: Iterable[BrokerUser]) -> str:
    return "".join(f"{user.name}:{_password_hash(user.password)}\n" for user in users)


def hub_line(directory: Path) -> str:
    """The hub's line in the passwords that are there already; "" where there is none."""
    try:
        lines = (directory / PASSWORDS).read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    return next((line for line in lines if line.startswith(f"{HUB_USER}:")), "")


def _password_hash(password: str) -> str:
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    return f"$7${PASSWORD_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
