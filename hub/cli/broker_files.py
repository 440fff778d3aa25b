"""`hub broker-files`: what a mosquitto needs that you run yourself."""

import argparse
import secrets
import sys
from pathlib import Path

from hub.adapters import load_adapters
from hub.broker import device_listener, passwords
from hub.bus import broker_files
from hub.bus.access import HUB_USER, broker_users
from hub.cli.arguments import add_config_argument
from hub.core.adapter import Mqtt
from hub.settings import load

HUB_PORT = 1884
"""the hub's own port at the broker, on loopback"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write mosquitto.conf, mosquitto.acl and mosquitto.passwords for the declared devices. The hub's own password "
        "is made the first time and printed that once; later the one that is there stays."
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="where mosquitto will find them")
    add_config_argument(parser)


def run(args: argparse.Namespace) -> int:
    adapters = load_adapters()
    loaded = load(args.config, adapters)
    if loaded.mistakes or loaded.hub is None:
        print("\n".join(map(str, loaded.mistakes)), file=sys.stderr)
        return 1
    directory = args.directory.absolute()
    password = secrets.token_urlsafe(24)
    by_device = passwords(args.config)
    hub, *devices = broker_users(loaded.building, adapters, by_device, password)
    listener = device_listener(loaded.hub.listen)
    try:
        known = broker_files.hub_line(directory)
        lines = (known or broker_files.passwords([hub])) + broker_files.passwords(devices)
        broker_files.write(
            directory, broker_files.CONFIGURATION, broker_files.configuration(directory, listener, HUB_PORT)
        )
        broker_files.write(directory, broker_files.RIGHTS, broker_files.rights([hub, *devices]))
        broker_files.write(directory, broker_files.PASSWORDS, lines)
    except OSError as error:
        print(f"Not written: {error}", file=sys.stderr)
        return 1
    print(f"Written to {directory}. mosquitto must be able to read them; a running one takes them in at SIGHUP.")
    if not known:
        print("For the hub, shown this once:")
        print(f"  HUB_BROKER=mqtt://{HUB_USER}:{password}@127.0.0.1:{HUB_PORT}")
    for device in loaded.building.devices.values():
        if isinstance(adapters[device.adapter].transport, Mqtt) and device.id not in by_device:
            print(f"{device.id} has no password yet, so it isn't let in: hub device add {device.id}", file=sys.stderr)
    return 0
