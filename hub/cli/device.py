"""`hub device add`: MQTT users and passwords for devices."""

import argparse
import re
import secrets
import sys

from hub.adapters import load_adapters
from hub.cli.arguments import add_config_argument
from hub.core.adapter import Adapter, Mqtt
from hub.settings import Loaded, load, put_device_passwords

_PASSWORD_BYTES = 12
"""96 bits as 24 hexadecimal digits: safe, and still typed at a gate without a mistake"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="add")
    add = acts.add_parser(
        "add",
        help="make MQTT passwords for devices",
        description="Make an MQTT user (the device's id) and password for each NAME, keep them in secrets.toml, and "
        "print them this once.",
    )
    add.add_argument("names", nargs="*", metavar="NAME", help="a device's id, as in building.toml")
    add.add_argument("--all", action="store_true", help="every declared MQTT device that has no password yet")
    add.add_argument("--renew", action="store_true", help="replace passwords that are there; the old ones stop working")
    add.add_argument("--quiet", action="store_true", help="say nothing when there is nothing to do")
    add_config_argument(add)


def run(args: argparse.Namespace) -> int:
    adapters = load_adapters()
    loaded = load(args.config, adapters)
    exposed = [mistake for mistake in loaded.mistakes if mistake.file == "secrets.toml"]
    refusals = [str(mistake) for mistake in exposed] + _refusals(args, loaded, adapters)
    if refusals:
        print("\n".join(refusals), file=sys.stderr)
        return 1
    names = list(dict.fromkeys(args.names + (_lacking(loaded, adapters, renew=args.renew) if args.all else [])))
    if not names:
        if not args.quiet:
            print("Every declared MQTT device has a password already.")
        return 0
    passwords = {name: secrets.token_hex(_PASSWORD_BYTES) for name in names}
    try:
        put_device_passwords(args.config, passwords)
    except (OSError, ValueError) as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return 1
    for name in names:
        if name not in loaded.building.devices:
            print(f"{name} isn't declared: it will be listed as unknown until building.toml has it.", file=sys.stderr)
    print(f"Written to {args.config / 'secrets.toml'}; shown this once. Enter them at the devices:")
    for name, password in passwords.items():
        print(f"  user {name}  password {password}")
    return 0


def _refusals(args: argparse.Namespace, loaded: Loaded, adapters: dict[str, Adapter]) -> list[str]:
    """Why nothing is done: all or none of the names get a password."""
    if not args.names and not args.all:
        return ["Name a device, or say --all."]
    refused: list[str] = []
    for name in args.names:
        if not re.fullmatch(r"[A-Za-z0-9._:@-]{1,200}", name):
            refused.append(f"{name!r} is no id: ASCII letters, digits and . _ : @ - only.")
        elif name in loaded.building.devices and not _speaks_mqtt(loaded, adapters, name):
            adapter = loaded.building.devices[name].adapter
            refused.append(f"{name} speaks {adapter}, which has no MQTT password.")
        elif name in loaded.secrets.devices and not args.renew:
            refused.append(f"{name} has a password already; --renew replaces it, and the device must be told.")
    return refused


def _lacking(loaded: Loaded, adapters: dict[str, Adapter], *, renew: bool) -> list[str]:
    """The declared MQTT devices without a password, or all of them to renew."""
    over_mqtt = [name for name in loaded.building.devices if _speaks_mqtt(loaded, adapters, name)]
    return [name for name in over_mqtt if renew or name not in loaded.secrets.devices]


def _speaks_mqtt(loaded: Loaded, adapters: dict[str, Adapter], name: str) -> bool:
    adapter = adapters.get(loaded.building.devices[name].adapter)
    return adapter is not None and isinstance(adapter.transport, Mqtt)
