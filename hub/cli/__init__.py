"""The command `hub`."""

import os
import sys
from importlib import import_module

from hub import memory
from hub.cli import parent

COMMANDS = {
    "run": ("run", "run the hub"),
    "check": ("check", "check the configuration, all of it at once"),
    "decode": ("decode", "say what a device's raw frames mean"),
    "device": ("device", "make a device's MQTT user and password"),
    "broker-files": ("broker_files", "write what a mosquitto needs that you run yourself"),
    "user": ("user", "add who may sign in"),
    "token": ("token", "add a program's leave to ask the API"),
    "import": ("import_people", "import people from a CSV file"),
    "backup": ("backup", "copy the store and the configuration into one file"),
    "key": ("key", "export or import what opens a backup"),
    "restore": ("restore", "put a backup into an empty place"),
    "outbox": ("outbox", "release or drop what a restore has held"),
    "simulate": ("simulate", "let simulated devices live through a scenario"),
}
"""name → (module, what it does); a module is imported when it is asked for, so that `hub decode` needs no store"""


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        _explain(name)
    if name == "run" and parent.is_needed() and not {"-h", "--help"} & set(sys.argv):
        sys.exit(parent.keep_running(sys.executable, "-m", "hub", *sys.argv[1:]))
    if name == "run":
        memory.put_off()
    import argparse  # not for the parent, which is to be small

    module = import_module(f"hub.cli.{COMMANDS[name][0]}")
    parser = argparse.ArgumentParser(prog=f"hub {name}", description=COMMANDS[name][1])
    module.add_arguments(parser)
    asked = parser.parse_intermixed_args(sys.argv[2:]) if name == "decode" else parser.parse_args(sys.argv[2:])
    try:
        sys.exit(module.run(asked))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has enough
        sys.exit(141)


def _explain(name: str) -> None:
    lines = "\n".join(f"  {command:<12} {text}" for command, (_, text) in COMMANDS.items())
    text = f"usage: hub COMMAND …\n\n{lines}\n\nhub COMMAND --help says more."
    if name in ("-h", "--help"):
        print(text)
        sys.exit(0)
    print(f"hub: there is no command {name!r}\n{text}" if name else text, file=sys.stderr)
    sys.exit(2)
