"""`hub restore FILE`: a backup into an empty place, its outbox held."""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.cli.archive import Damaged, Manifest, open_archive, unpack
from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import Told, told, write_into
from hub.store.backup import NotCopied, Resumed, SpoolLeft, hold_outbox, prepare_spool
from hub.store.migrate import NewerSchema, check_known
from hub.store.sealing import Keys, KeysUnreadable

_STAGE = ".restoring"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Put a backup into an empty place: a configuration folder with nothing in it, and a data folder with nothing "
        "but the key (hub key import). What waited to go out is held: hub outbox list."
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    add_storage_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return told(lambda: _restore(args))


def _restore(args: argparse.Namespace) -> int:
    if os.environ.get("HUB_DATABASE"):
        raise Told("HUB_DATABASE names a database of its own; a backup is restored into hub.db in the data folder.")
    try:
        with open_archive(args.file) as (manifest, tar):
            keys = _key_for(manifest, args.data)
            check_known(manifest.schema_at)
            _check_empty(args)
            with _stage(args.data) as stage:
                unpack(tar, manifest, stage, keys)
                spool = prepare_spool(stage / "spool.db") if "spool.db" in manifest.files else SpoolLeft()
                resumed = write_into(stage / "hub.db", keys, lambda tx: hold_outbox(tx, spool))
                _move(stage / "config", args.config)
                _move(stage, args.data)
    except (Damaged, NewerSchema, KeysUnreadable, NotCopied, OSError) as problem:
        raise Told(str(problem)) from problem
    print(f"Restored as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC into {args.config} and {args.data}.")
    print_report(resumed, spool)
    return 0


def print_report(resumed: Resumed, spool: SpoolLeft) -> None:
    print(
        f"{resumed.visits_open} visits open, {resumed.incidents_open} incidents open, {resumed.deadlines} deadlines, "
        f"{spool.rows} spooled events that will be published again"
    )
    expired = [record for record in resumed.commands if record.state == "expired"]
    print(
        f"held: {resumed.notices_held} notices, {resumed.deadlines_held} overdue deadlines; "
        f"commands: {len(expired)} expired, {len(resumed.commands) - len(expired)} of unknown outcome"
    )
    for record in resumed.commands:
        print(
            f"  {record.state} {record.command.kind} for {record.command.device}, asked {record.created_at:%F %T} UTC"
        )
    if resumed.notices_held or resumed.deadlines_held:
        print("Look at them with hub outbox list; release or drop each.")
    if resumed.newest:
        print("Where a device can send its records again, ask for those from this time on (UTC):")
    for device, received in resumed.newest.items():
        print(f"  {device}  {received:%Y-%m-%d %H:%M:%S}")
    print("Users, passwords and tokens are those of the backup: take away again what was taken away since.")


def _key_for(manifest: Manifest, data: Path) -> Keys:
    """Raises Told, KeysUnreadable, OSError."""
    if not (data / "keys").exists():
        raise Told(f"there is no key in {data}: hub key import FILE first. It is to be {manifest.key}.")
    keys = Keys.load(data / "keys")
    if keys.fingerprint != manifest.key:
        raise Told(f"the key in {data} is {keys.fingerprint}; the backup was made with {manifest.key}.")
    return keys


def _check_empty(args: argparse.Namespace) -> None:
    """Raises Told: nothing that is there is ever mixed with what is restored."""
    for folder, may_be in ((args.config, ()), (args.data, ("keys", _STAGE, "desk.lock", "host.lock"))):
        there = sorted(entry.name for entry in folder.iterdir() if entry.name not in may_be) if folder.exists() else []
        if there:
            raise Told(f"{folder} isn't empty ({', '.join(there[:5])}): a backup is restored into an empty place only.")


@contextmanager
def _stage(data: Path) -> Iterator[Path]:
    """A folder where all is made ready: a hub that starts too early finds no half of it."""
    stage = data / _STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _move(folder: Path, place: Path) -> None:
    """All that is in a folder. hub.db comes last: until it is there, the place isn't restored."""
    place.mkdir(parents=True, exist_ok=True)
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == "hub.db"):
        shutil.move(entry, place / entry.name)
    folder.rmdir()
