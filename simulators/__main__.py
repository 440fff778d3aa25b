"""python -m simulators SCENARIO --config DIR: every declared device, and a scenario, until SIGINT or SIGTERM."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from simulators.building import read_building
from simulators.desk import Desk
from simulators.mqtt import Broker
from simulators.player import Fleet, Player
from simulators.scenario import ScenarioError, read_scenario
from simulators.simulator import running


def main() -> int:
    asked = _arguments().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s simulated: %(message)s", datefmt="%H:%M:%S")
    try:
        scenario = read_scenario(asked.scenario)
        building = read_building(asked.config)
        broker = asked.mqtt or Broker(building.listen.host, building.listen.mqtt)
        fleet = Fleet(building, broker, asked.seed, asked.speed)
        simulators = fleet.all(scenario.misbehave)
        desk = Desk(asked.hub, asked.token_file)
        player = Player(scenario, simulators, desk, seed=asked.seed, speed=asked.speed)
    except KeyError as missing:
        print(f"{asked.config}: {missing} is declared nowhere; `hub check` says more", file=sys.stderr)
        return 2
    except (OSError, ValueError, ScenarioError) as error:
        print(error, file=sys.stderr)
        return 2

    async def live() -> None:
        async with running(*simulators.values()):
            await player.play()
            await asyncio.Event().wait()

    asyncio.run(_until_told_to_stop(live()))
    return 0


async def _until_told_to_stop(living: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(living)
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("scenario", type=Path, help="a TOML file, such as simulators/scenarios/day.toml")
    parser.add_argument("--config", type=Path, default=Path("config"), help="where building.toml lies")
    parser.add_argument("--hub", default="http://127.0.0.1:8080", help="the console's address, for its JSON API")
    parser.add_argument("--mqtt", type=_broker, help="host:port of the broker; without it, as hub.toml says")
    parser.add_argument("--token-file", type=Path, help="a file with a token of the JSON API, to announce visits")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same lots")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every wait, of the scenario and the devices")
    return parser


def _broker(text: str) -> Broker:
    host, _, port = text.rpartition(":")
    return Broker(host, int(port))


if __name__ == "__main__":
    sys.exit(main())
