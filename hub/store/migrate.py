"""The schema, brought up to date when the store opens."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerSchema(Exception):
    """The database was written by a newer release than this one."""


def migrate(connection: Connection) -> None:
    """Run what is missing, inside the connection's transaction, which holds the write lock: of two processes that
    start at once, one finds it done. Raises NewerSchema."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table takes as long as it takes
    at = MigrationContext.configure(connection).get_current_revision()
    if at is not None:
        check_known(at)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check_known(schema: str) -> None:
    """Raises NewerSchema where this release has no such schema."""
    try:
        ScriptDirectory.from_config(_config()).get_revision(schema)
    except (CommandError, ResolutionError) as error:
        raise NewerSchema(f"the database is at schema {schema}, which this release doesn't know") from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
