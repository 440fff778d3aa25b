"""The command `hub`."""

import argparse
import os
import sys

from hub.cli import check, decode, device, run, simulate


def main() -> None:
    parser = argparse.ArgumentParser(prog="hub", description="The front-desk hub of a building.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    handlers = {}
    for name, module, text in (
        ("run", run, "run the hub"),
        ("check", check, "check the configuration, all of it at once"),
        ("decode", decode, "say what a device's raw frames mean"),
        ("device", device, "make a device's MQTT user and password"),
        ("simulate", simulate, "let simulated devices live through a scenario"),
    ):
        module.add_arguments(commands.add_parser(name, help=text, description=text))
        handlers[name] = module.run
    asked = parser.parse_args()
    try:
        sys.exit(handlers[asked.command](asked))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has enough
        sys.exit(141)
