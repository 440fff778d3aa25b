"""The hub's intake in a process of its own: `python -m bench.intake DIRECTORY PORT`, until its standard input ends."""

import asyncio
import sys
from pathlib import Path

from bench import database
from bench.site import building
from hub import log
from hub.bus.client import BrokerAddress
from hub.intake import Intake
from hub.memory import calm
from hub.store.database import Store
from hub.store.sealing import Keys
from hub.turns import Turns


async def serve(directory: Path, port: int) -> None:
    log.configure()
    store = Store(database.url(directory), Keys.load_or_create(directory))
    await store.open()
    intake = Intake(building(), store, BrokerAddress("127.0.0.1", port), life_comes=Turns().life_comes)
    calm()
    running = asyncio.create_task(intake.run())
    while not intake.health["broker"]:  # noqa: ASYNC110  # nobody else says so
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)  # the broker has granted the subscriptions
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
