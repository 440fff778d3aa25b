"""The store of a data directory, for commands that work on it beside the hub or without it."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hub.store.database import KeysWrong, Store, StoreAway
from hub.store.migrate import NewerSchema
from hub.store.sealing import Keys, KeysUnreadable

T = TypeVar("T")


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("HUB_DATA", "data"))
    parser.add_argument("--data", type=Path, default=default, help=f"the hub's data directory; default: {default}")


def store_url(data: Path) -> str:
    return os.environ.get("HUB_DATABASE", "") or f"sqlite:///{data.absolute() / 'hub.db'}"


def with_store(data: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    """Runs `work` over the store; ends the program with one line where it can't be opened."""
    try:
        return asyncio.run(_open(data, work))
    except (StoreAway, KeysWrong, KeysUnreadable, NewerSchema, OSError) as problem:
        print(f"hub: {problem}", file=sys.stderr)
        sys.exit(1)


async def _open(data: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    data.mkdir(parents=True, exist_ok=True)
    store = Store(store_url(data), Keys.load_or_create(data))
    await store.open()
    try:
        return await work(store)
    finally:
        await store.close()
