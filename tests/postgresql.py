"""A PostgreSQL server of the tests' own: reached by a socket in its own folder, ended by its pid."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from hub.store.engines import make_engine
from hub.store.migrate import migrate
from hub.store.tables import metadata

ROLE, PASSWORD = "hub", "wood and water"  # of this server alone
_UNPRIVILEGED = "postgres"
"""who runs it where the tests run as root, which it refuses; Debian's package makes this user"""
_SHARED = "hub"


class Server:
    """`postgres` lets in by the socket whoever may enter the folder; `hub` (ROLE) needs its password."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hub-postgresql-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._schema = ""
        root = os.geteuid() == 0
        self._as: dict[str, Any] = {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED, "extra_groups": []} if root else {}
        if root:
            shutil.chown(self._folder, _UNPRIVILEGED, _UNPRIVILEGED)

    # its life

    def start(self) -> None:
        """Until it answers. The first time makes its databases too."""
        fresh = not self._data.exists()
        if fresh:
            self._initialise()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    shutil.which("setpriv") or "setpriv", "--pdeathsig", "QUIT",
                    _program("postgres"), "-D", str(self._data), "-c", "listen_addresses=",
                    "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=on",
                    "-c", "recovery_init_sync_method=syncfs", "-c", "shared_buffers=32MB",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as,
            )  # fmt: skip
        self.connect().close()
        if fresh:
            self.run(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'", f"CREATE DATABASE {_SHARED} OWNER {ROLE}")
            engine = make_engine(self.url(_SHARED), writing=True)
            with engine.begin() as connection:
                migrate(connection)
                self._schema = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
            engine.dispose()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Whoever is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def end(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill_backends(self, database: str) -> None:
        """kill -9 of the processes that serve this database; the server ends all others with them, and recovers."""
        for (pid,) in self.rows("postgres", f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def held(self, database: str) -> Iterator[None]:
        """Nobody can store an event. The hub waits up to 5 s for a lock."""
        with self.connect(database) as other, other.transaction():
            other.execute("LOCK TABLE events IN EXCLUSIVE MODE")
            yield

    # its databases

    def emptied(self) -> str:
        """The name of a database with all tables and no row, for the time of one test. Making one anew for each
        was measured at a second under load."""
        self.run(
            "SET lock_timeout = '10s'",  # a test that left a transaction open is told so here
            "SET session_replication_role = replica",  # past foreign keys and the audit's triggers
            "; ".join(f"DELETE FROM {table.name}" for table in metadata.sorted_tables),
            f"UPDATE alembic_version SET version_num = '{self._schema}'",
            database=_SHARED,
        )
        return _SHARED

    def create(self) -> str:
        """A database of the hub's role without any table; returns its name."""
        name = f"hub_{next(self._names)}"
        self.run(f"CREATE DATABASE {name} OWNER {ROLE}")
        return name

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE {database} WITH (FORCE)")

    def url(self, database: str) -> str:
        """As HUB_DATABASE has it."""
        return f"postgresql+psycopg://{ROLE}:{PASSWORD.replace(' ', '%20')}@/{database}?host={self._folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """As the server's own administrator, as soon as it lets in; each statement is committed."""
        until = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(host=str(self._folder), user="postgres", dbname=database, autocommit=True)
            except psycopg.OperationalError as error:
                gone = self._process is None or self._process.poll() is not None
                if gone or time.monotonic() > until:
                    log = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL doesn't answer: {error}\n{log}") from error
                time.sleep(0.02)

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Read a database past the hub."""
        with self.connect(database) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, *statements: str, database: str = "postgres") -> None:
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _initialise(self) -> None:
        subprocess.run(
            [
                _program("initdb"), "-D", str(self._data), "-U", "postgres", "--auth-local", "trust",
                "--locale", "C.UTF-8", "--encoding", "UTF8", "--no-sync",
            ],
            check=True, capture_output=True, cwd=self._folder, **self._as,
        )  # fmt: skip
        (self._data / "pg_hba.conf").write_text(f"local all {ROLE} scram-sha-256\nlocal all postgres trust\n")


def _program(name: str) -> str:
    """Debian keeps the server's programs out of PATH, a folder for each version."""
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    return str(max(found, key=lambda path: int(path.parts[4]))) if found else shutil.which(name) or name
