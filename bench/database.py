"""Where the measured records are: in SQLite files, or, where HUB_DATABASE names a PostgreSQL, beside that database.

Those are named after it (`hub_bench_200000`, `hub_bench_run`), and stay; its user needs the right to make databases.
"""

import os
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_NAME = "database"
"""the file beside the keys that says which database belongs to them"""


def make(directory: Path, wanted: int) -> str:
    """An empty one, to be filled with so many events: its URL."""
    if not _server():
        return f"sqlite:///{directory / 'hub.db'}"
    return _made(directory, str(wanted))


def url(directory: Path) -> str:
    """That which was made or copied there."""
    return hub_database(directory) or f"sqlite:///{directory / 'hub.db'}"


def hub_database(directory: Path) -> str:
    """HUB_DATABASE for a hub that runs with it."""
    return _beside((directory / _NAME).read_text()) if _server() else ""


def fresh(prefilled: Path, directory: Path) -> None:
    """A copy with its keys, in place of what a run before left."""
    shutil.copy(prefilled / "keys", directory / "keys")
    if _server():
        _made(directory, "run", (prefilled / _NAME).read_text())
    else:
        copy_file(prefilled / "hub.db", directory / "hub.db")


def copy_file(source: Path, target: Path) -> None:
    """What a backup does: a whole SQLite database without its log, in place of what is there."""
    for suffix in ("", "-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


def _server() -> str:
    return os.environ.get("HUB_DATABASE", "")


def _beside(name: str) -> str:
    return urlunsplit(urlsplit(_server())._replace(path=f"/{name}"))


def _made(directory: Path, what: str, template: str = "template0") -> str:
    import psycopg  # only where it is used; SQLite alone needs no driver

    name = f"{urlsplit(_server()).path.strip('/')}_bench_{what}"
    with psycopg.connect(_server().replace("+psycopg", "", 1), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    (directory / _NAME).write_text(name)
    return _beside(name)
