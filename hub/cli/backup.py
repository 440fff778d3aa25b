"""`hub backup FILE`: the store and the configuration in one file, while the hub runs."""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hub.cli.archive import Manifest, is_secret, sync, write_archive
from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import Told, told
from hub.store.backup import NotCopied, copy_database, schema_of
from hub.store.sealing import Keys, KeysUnreadable

LAST_GOOD = "last-good-config"
_ARCHIVE = "archive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the records, what waits in the spool and the configuration into FILE, which must not be there yet. The "
        "hub may run meanwhile. The key isn't in it: hub key export."
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    add_storage_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return told(lambda: _backup(args))


def _backup(args: argparse.Namespace) -> int:
    if os.environ.get("HUB_DATABASE"):
        raise Told(
            "HUB_DATABASE names a database of its own, which hub backup doesn't copy. Back it up with its own tool "
            "(PostgreSQL: pg_dump); docs/backup-and-restore.md says what else is needed."
        )
    if args.file.exists():
        raise Told(f"{args.file} is there already; name another file.")
    if not (args.data / "hub.db").is_file():
        raise Told(f"there is no hub.db in {args.data}: no hub has run with this data directory.")
    if not (args.config / "hub.toml").is_file():
        raise Told(f"there is no hub.toml in {args.config}: --config names the folder that the hub runs with.")
    try:
        keys = Keys.load(args.data / "keys")
        folder = Path(tempfile.mkdtemp(dir=args.file.absolute().parent, prefix=".hub-backup-"))
        try:
            manifest = _write(args, keys, folder)
            if args.file.exists():
                raise FileExistsError(f"{args.file} is there already")
            (folder / _ARCHIVE).rename(args.file)
            sync(args.file.absolute().parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except (NotCopied, KeysUnreadable, OSError) as problem:
        raise Told(str(problem)) from problem
    size = args.file.stat().st_size
    print(
        f"{args.file}: {len(manifest.files)} files, {size / 1e6:.1f} MB, as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    print(f"It needs the key {keys.fingerprint}, which is not in it: hub key export.")
    return 0


def _write(args: argparse.Namespace, keys: Keys, folder: Path) -> Manifest:
    """The spool is copied first: what the store takes meanwhile is then in both, and a repeat changes nothing."""
    made_at = datetime.now(UTC)
    sources = {}
    for name in ("spool.db", "hub.db"):
        if (args.data / name).exists():
            copy_database(args.data / name, folder / name)
            (folder / name).chmod(0o600)
            sources[name] = folder / name
    for place, directory in (("config", args.config), (LAST_GOOD, args.data / LAST_GOOD)):
        sources |= {f"{place}/{file.relative_to(directory).as_posix()}": file for file in _files(directory)}
    manifest = Manifest(
        made_at=made_at,
        schema_at=schema_of(folder / "hub.db"),
        key=keys.fingerprint,
        files=tuple(sources),
        sealed=tuple(name for name, source in sources.items() if source.parent != folder and is_secret(source)),
    )
    write_archive(folder / _ARCHIVE, manifest, sources, keys)
    return manifest


def _files(directory: Path) -> Iterator[Path]:
    """All of a folder, but for what is hidden (an editor's, git's)."""
    for file in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(directory).parts)
        if file.is_file() and not hidden:
            yield file
