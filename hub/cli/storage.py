"""The store as the commands open it: beside a running hub, for one piece of work."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from hub.adapters import load_adapters
from hub.core.building import Building
from hub.settings import ConfigurationRefused, load_or_last_good
from hub.store.database import KeysWrong, Priority, Store, StoreAway, Transaction
from hub.store.engines import UnusableUrl
from hub.store.migrate import NewerSchema
from hub.store.sealing import Keys, KeysUnreadable

T = TypeVar("T")

ROLES = ("desk", "guard", "fire_room", "works", "manager", "auditor", "admin")


class Told(Exception):
    """Nothing was done, and this is why."""


def store_in(data: Path, url: str = "") -> Store:
    """The store of a data directory, not yet opened: `hub.db` in it, or the database that `url` names. Raises
    KeysUnreadable, UnusableUrl, OSError."""
    return Store(url or f"sqlite:///{data.absolute() / 'hub.db'}", Keys.load_or_create(data))


def building_of(args: argparse.Namespace) -> Building:
    """The building that the hub runs with. Raises Told."""
    try:
        loaded, _ = load_or_last_good(args.config, args.data, load_adapters())
    except ConfigurationRefused as refused:
        mistakes = "\n".join(f"  {mistake}" for mistake in refused.mistakes)
        raise Told(f"the configuration in {args.config} has mistakes:\n{mistakes}") from refused
    return loaded.building


def write(args: argparse.Namespace, work: Callable[[Transaction], T]) -> T:
    """`work` in one transaction of the store. Raises Told."""
    return _with_store(lambda: _store_of(args), lambda store: store.write(Priority.PERSON, work))


def write_into(database: Path, keys: Keys, work: Callable[[Transaction], T]) -> T:
    """`work` in one transaction of a database that no hub runs on. Raises Told."""
    url = f"sqlite:///{database.absolute()}"
    return _with_store(lambda: Store(url, keys), lambda store: store.write(Priority.PERSON, work))


def read(args: argparse.Namespace, work: Callable[[Transaction], T]) -> T:
    """`work` over one view of the store. Raises Told."""
    return _with_store(lambda: _store_of(args), lambda store: store.read(work))


def _store_of(args: argparse.Namespace) -> Store:
    return store_in(args.data, os.environ.get("HUB_DATABASE", ""))


def _with_store(make: Callable[[], Store], ask: Callable[[Store], Coroutine[None, None, T]]) -> T:
    async def once() -> T:
        store = make()
        await store.open()
        try:
            return await ask(store)
        finally:
            await store.close()

    try:
        return asyncio.run(once())
    except (StoreAway, KeysWrong, KeysUnreadable, NewerSchema, UnusableUrl, OSError) as problem:
        raise Told(str(problem)) from problem


def told(act: Callable[[], int]) -> int:
    """The exit status of an act; why nothing was done goes to stderr."""
    try:
        return act()
    except Told as problem:
        print(f"Nothing was changed: {problem}", file=sys.stderr)
        return 1
