"""`hub run`."""

import argparse
import asyncio
import contextlib
import os
import resource
import sys
import traceback
from pathlib import Path

from hub import app, log
from hub.cli.parent import CLEAN, REFUSED
from hub.settings.last_good import ConfigurationRefused
from hub.store.database import KeysWrong, StoreAway
from hub.store.engines import UnusableUrl
from hub.store.migrate import NewerSchema
from hub.store.spool import SpoolAway
from hub.watchdog import STOPPED

_KNOWN = (OSError, StoreAway, SpoolAway, KeysWrong, NewerSchema, UnusableUrl)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    env = os.environ.get
    parser.add_argument("--config", type=Path, default=Path(env("HUB_CONFIG", "config")), help="default: config")
    parser.add_argument("--data", type=Path, default=Path(env("HUB_DATA", "data")), help="default: data")
    parser.add_argument("--http", default=env("HUB_HTTP", ""), metavar="HOST:PORT", help="default: 127.0.0.1:8080")
    parser.add_argument(
        "--broker",
        default=env("HUB_BROKER", ""),
        metavar="URL",
        help="mqtt://user:password@host:port; default: its own",
    )
    parser.add_argument("--split", action="store_true", help="host and intake as two processes")
    parser.add_argument(
        "--only", choices=("all", "host", "desk"), default="all", help="just this part; the others run on their own"
    )


def run(asked: argparse.Namespace) -> int:
    log.configure()
    _take_all_descriptors()
    wanted = app.Run(
        config=asked.config,
        data=asked.data,
        http=asked.http,
        broker=asked.broker,
        database=os.environ.get("HUB_DATABASE", ""),
        split=asked.split,
        only=asked.only,
        say=lambda line: print(line, flush=True),
    )
    try:
        asyncio.run(app.run(wanted))
    except ConfigurationRefused as refused:
        print("a first start needs a configuration without mistakes:", file=sys.stderr)
        for mistake in refused.mistakes:
            print(f"  {mistake}", file=sys.stderr)
        return REFUSED
    except _KNOWN as problem:
        print(f"hub: {problem}", file=sys.stderr)
        return REFUSED
    except BaseExceptionGroup as several:
        known, other = several.split(_KNOWN)
        if other:
            traceback.print_exception(several)
            return STOPPED
        for leaf in _leaves(known):
            print(f"hub: {leaf}", file=sys.stderr)
        return REFUSED
    except Exception:  # noqa: BLE001  # as Python would, but with a status that says: start it again
        traceback.print_exc()
        return STOPPED
    return CLEAN


def _take_all_descriptors() -> None:
    """As many as the system lets this process have, where it starts with fewer: a device's connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS says infinite and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leaves(group: BaseExceptionGroup[BaseException] | None) -> list[BaseException]:
    if group is None:
        return []
    return [
        leaf
        for each in group.exceptions
        for leaf in (_leaves(each) if isinstance(each, BaseExceptionGroup) else [each])
    ]
