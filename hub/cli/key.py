"""`hub key export` and `hub key import`: what opens the sealed columns, kept apart from the backups."""

import argparse
import os
from pathlib import Path

from hub.cli.archive import sync
from hub.cli.storage import Told, told
from hub.store.sealing import Keys, KeysUnreadable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="export | import")
    for name, does, text in (
        ("export", _export, "Write the key of this hub into FILE, readable by its owner only."),
        ("import", _import, "Put the key in FILE where a hub is to be restored."),
    ):
        act = acts.add_parser(name, help=text, description=text)
        act.add_argument("file", type=Path, metavar="FILE")
        act.add_argument(
            "--data",
            type=Path,
            default=Path(os.environ.get("HUB_DATA", "data")),
            metavar="DIR",
            help="folder of the hub's data (default: HUB_DATA, or data)",
        )
        act.set_defaults(does=does)


def run(args: argparse.Namespace) -> int:
    return told(lambda: args.does(args))


def _export(args: argparse.Namespace) -> int:
    keys = _copy(args.data / "keys", args.file)
    print(f"{args.file}: the key {keys.fingerprint}. Whoever has it and a backup reads everything: keep them apart.")
    return 0


def _import(args: argparse.Namespace) -> int:
    args.data.mkdir(parents=True, exist_ok=True)
    keys = _copy(args.file, args.data / "keys")
    print(f"{args.data / 'keys'}: the key {keys.fingerprint}")
    return 0


def _copy(source: Path, copy: Path) -> Keys:
    """The keys copied, 0600, where nothing is yet. Raises Told."""
    if copy.exists():
        raise Told(f"{copy} is there already, and a key is never written over.")
    draft = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        keys = Keys.load(source)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(source.read_bytes())
            out.flush()
            os.fsync(out.fileno())
        draft.rename(copy)
        sync(copy.absolute().parent)
    except (KeysUnreadable, OSError) as problem:
        raise Told(str(problem)) from problem
    finally:
        draft.unlink(missing_ok=True)
    return keys
