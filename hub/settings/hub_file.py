"""hub.toml: this machine."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, SecretStr

from hub.core.building import Device
from hub.core.text import Identifier, Word
from hub.settings import grammar
from hub.settings.declare import declare, names_of
from hub.settings.mistakes import Mistakes
from hub.settings.toml_file import TomlFile

SIREN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""where a siren command without a folder is looked for"""

Port = Annotated[int, BeforeValidator(grammar.port)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Part):
    """A host and its port, written `127.0.0.1:8080`."""

    host: Word
    port: Port

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Rate(_Part):
    """So often in so long, written `3 in 1m`."""

    count: PositiveInt
    within: timedelta


def _endpoint(written: object) -> object:
    host, port = grammar.host_and_port(written)
    return Endpoint(host=host, port=port)


def _rate(written: object) -> object:
    count, within = grammar.rate(written)
    return Rate(count=count, within=within)


def _url(written: SecretStr) -> SecretStr:
    url = written.get_secret_value()
    if not url.startswith(("https://", "http://")) or not url.isascii() or any(c.isspace() for c in url):
        raise ValueError("is not an address such as https://hooks.example/desk")
    return written


WrittenEndpoint = Annotated[Endpoint, BeforeValidator(_endpoint)]
WrittenRate = Annotated[Rate, BeforeValidator(_rate)]


class Tls(_Part):
    """Files beside hub.toml; never copied."""

    certificate: Path
    key: Path


class Listen(_Part):
    """Where devices reach us. `devices` is the address on the device network, `readers` the port of those that call
    over HTTP, `mqtt` that of the broker, over TLS where `tls` says with what; `mqtt_plain` is its second port then,
    for devices that have no TLS."""

    devices: Annotated[str, BeforeValidator(grammar.address)] = "127.0.0.1"
    readers: Port = 8081
    mqtt: Port = 1883
    tls: Tls | None = None
    mqtt_plain: Port | None = None


class Console(_Part):
    address: WrittenEndpoint = Endpoint(host="127.0.0.1", port=8080)
    tls: Tls | None = None


class Siren(_Part):
    """Run when no post can sound: for `limit` at most, and again `every` so often until somebody has answered."""

    command: Annotated[tuple[Word, ...], Field(min_length=1)]
    every: Annotated[timedelta, BeforeValidator(grammar.duration)] = timedelta(minutes=1)
    limit: Annotated[timedelta, BeforeValidator(grammar.duration)] = timedelta(seconds=30)


class Alerts(_Part):
    """When repeats become one line (chatter), and when many alerts become a flood."""

    chatter: WrittenRate = Rate(count=3, within=timedelta(minutes=1))
    flood: WrittenRate = Rate(count=10, within=timedelta(minutes=10))


class Smtp(_Part):
    """`sender` is the From address. `tls`: STARTTLS is demanded, unless it is TLS from the first byte or off; off
    only on loopback."""

    server: WrittenEndpoint
    sender: Word = ""
    tls: Literal["starttls", "implicit", "off"] = "starttls"


class Webhook(_Part):
    """`url` is secret too, since an address often bears a key."""

    url: Annotated[SecretStr, AfterValidator(_url)]


class Heartbeat(_Part):
    """How often the hub says that it lives; `url` is where to beside MQTT, secret since it may bear a key."""

    every: Annotated[timedelta, BeforeValidator(grammar.duration)] = timedelta(seconds=30)
    url: Annotated[SecretStr, AfterValidator(_url)] | None = None


class HubSettings(_Part):
    """This machine. `host` names the spool, and never changes."""

    host: Identifier
    listen: Listen = Listen()
    console: Console = Console()
    siren: Siren | None = None
    alerts: Alerts = Alerts()
    smtp: Smtp | None = None
    webhook: Webhook | None = None
    heartbeat: Heartbeat = Heartbeat()


_PARTS: Mapping[str, type[_Part]] = {
    "listen": Listen,
    "console": Console,
    "siren": Siren,
    "alerts": Alerts,
    "smtp": Smtp,
    "webhook": Webhook,
    "heartbeat": Heartbeat,
}


def read_hub(file: TomlFile, folder: Path, mistakes: Mistakes) -> HubSettings | None:
    """The settings; None where not even `host` can be read. `folder` is where the certificate lies."""
    parts: dict[str, Any] = {}
    for key, value in file.tables.items():
        if key not in _PARTS or not isinstance(value, dict):
            parts[key] = value
        elif (
            part := declare(_PARTS[key], value, file.within(key), mistakes, secret=key in ("webhook", "heartbeat"))
        ) is not None:
            parts[key] = part
    if not file.there:
        return None
    hub = declare(HubSettings, parts, lambda path: file.spot(path), mistakes, names=names_of(HubSettings))
    if hub is None:
        return None
    _check_listen(hub.listen, file, mistakes)
    _check_console(hub.console, file, mistakes)
    _check_smtp(hub, file, mistakes)
    _check_siren(hub.siren, file, mistakes)
    listen_tls = _found("listen", hub.listen.tls, file, folder, mistakes)
    console_tls = _found("console", hub.console.tls, file, folder, mistakes)
    return hub.model_copy(
        update={
            "listen": hub.listen.model_copy(update={"tls": listen_tls}),
            "console": hub.console.model_copy(update={"tls": console_tls}),
        }
    )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_listen(listen: Listen, file: TomlFile, mistakes: Mistakes) -> None:
    """Passwords in the clear may be heard on the devices' own network and on no other."""
    where = file.within("listen")
    if listen.mqtt_plain is not None and listen.tls is None:
        said = "mqtt_plain: without tls = {certificate = …, key = …} the port mqtt is plain already"
        mistakes.add(where(("mqtt_plain",)), said)
    elif listen.devices in ("0.0.0.0", "::") and (listen.tls is None or listen.mqtt_plain is not None):
        said = "devices: MQTT without TLS may be on the device network alone: write this machine's address there"
        mistakes.add(where(("devices",)), said)


def _check_console(console: Console, file: TomlFile, mistakes: Mistakes) -> None:
    if console.tls is None and not console.address.loopback:
        said = "without tls = {certificate = …, key = …} the console answers on loopback only"
        mistakes.add(file.within("console")(("address",)), f"address: {said}")


def _check_siren(siren: Siren | None, file: TomlFile, mistakes: Mistakes) -> None:
    """A program that isn't there may still come."""
    if siren is None:
        return
    program = siren.command[0]
    if "/" in program and not program.startswith("/"):
        mistakes.add(file.within("siren")(("command",)), f'command: "{program}" needs its whole path, from / on')
    elif shutil.which(program, path=SIREN_PATH) is None:
        said = f'command: there is no program "{program}" that may be run yet'
        mistakes.remark(file.within("siren")(("command",)), said)


def _found(table: str, tls: Tls | None, file: TomlFile, folder: Path, mistakes: Mistakes) -> Tls | None:
    """The files' whole paths. One that isn't there may still come."""
    if tls is None:
        return None
    for key, path in (("certificate", tls.certificate), ("key", tls.key)):
        if not (folder / path).is_file():
            mistakes.remark(file.within(table)(("tls", key)), f'tls.{key}: file "{path}" is not there yet')
    return Tls(certificate=folder / tls.certificate, key=folder / tls.key)


def _check_smtp(hub: HubSettings, file: TomlFile, mistakes: Mistakes) -> None:
    if hub.smtp and hub.smtp.tls == "off" and not hub.smtp.server.loopback:
        said = 'tls: "off" would send names and passwords in the clear; only a server on loopback may have it'
        mistakes.add(file.within("smtp")(("tls",)), said)


def check_ports(hub: HubSettings, devices: Mapping[str, Device], file: TomlFile, mistakes: Mistakes) -> None:
    """No two listeners on one port of one address."""
    console = hub.console.address
    listeners = [("readers", hub.listen.devices, hub.listen.readers), ("mqtt", hub.listen.devices, hub.listen.mqtt)]
    listeners += [(f"device {d.id}", hub.listen.devices, d.port) for d in devices.values() if d.port is not None]
    if hub.listen.mqtt_plain is not None:
        listeners.append(("mqtt_plain", hub.listen.devices, hub.listen.mqtt_plain))
    spots = {name: ("listen", name) for name in ("readers", "mqtt", "mqtt_plain")}
    taken = [("the console", console.host, console.port)]
    for name, host, port in listeners:
        for other, other_host, other_port in taken:
            if port == other_port and _overlap(host, other_host) and not (name[:6] == other[:6] == "device"):
                said = f"port {port} of {name} is the port of {other} already"
                mistakes.add(file.spot(spots.get(name, spots.get(other, ("listen",)))), said)
        taken.append((name, host, port))


def _overlap(one: str, other: str) -> bool:
    return one == other or bool({one, other} & {"0.0.0.0", "::"}) or (is_loopback(one) and is_loopback(other))
