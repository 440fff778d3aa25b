"""`hub simulate SCENARIO`: simulated devices, each in the place of a declared one, speaking its wire."""

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from hub.cli.storage import told
from hub.cli.token import make_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", help="a TOML file, or the name of one in simulators/scenarios")
    parser.add_argument("--config", type=Path, default=Path(os.environ.get("HUB_CONFIG", "config")))
    parser.add_argument("--hub", default="http://127.0.0.1:8080", help="where the hub's API is")
    parser.add_argument("--token-file", type=Path, help="an API token, for scenarios that announce visits")
    parser.add_argument("--data", type=Path, help="the hub's data directory: make that token there")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)


def run(asked: argparse.Namespace) -> int:
    return told(lambda: _become_the_simulators(asked))


def _become_the_simulators(asked: argparse.Namespace) -> int:
    """The simulators are a program of their own and share nothing with the hub but the wire."""
    command = [
        sys.executable,
        "-m",
        "simulators",
        str(_file(asked.scenario)),
        "--config",
        str(asked.config),
        "--hub",
        asked.hub,
    ]
    command += ["--seed", str(asked.seed), "--speed", str(asked.speed)]
    if asked.data:
        asked.token_file = _token_file(asked)
    if asked.token_file:
        command += ["--token-file", str(asked.token_file)]
    os.execv(command[0], command)  # noqa: S606  # in our place, so that a signal reaches it


def _token_file(asked: argparse.Namespace) -> Path:
    """For a hub of this machine, once it is up: the desk's leave, for a day. Raises Told."""
    while not _lives(asked.hub):
        time.sleep(0.2)
    token = make_token(asked, "simulators", "desk", days=1, anew=True)
    file: Path = asked.data / "simulators.token"
    file.touch(mode=0o600)
    file.write_text(token)
    return file


def _lives(hub: str) -> bool:
    try:
        with urlopen(f"{hub}/healthz", timeout=2) as answer:  # noqa: S310  # the hub's own address
            return bool(answer.status == 200)
    except OSError:
        return False


def _file(scenario: str) -> Path:
    """A file, or the name of one that comes with the simulators."""
    if Path(scenario).exists():
        return Path(scenario)
    package = importlib.util.find_spec("simulators")
    if package is None or package.origin is None:
        raise SystemExit("the simulators are not installed beside the hub")
    return Path(package.origin).parent / "scenarios" / f"{scenario}.toml"
