"""The schema, brought up to date when the store opens.

Alembic is loaded only where there is something to do: it is a fifth of what a start takes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "0001"
"""the schema that this release writes"""
_AT = table("alembic_version", column("version_num"))


class NewerSchema(Exception):
    """The database was written by a newer release than this one."""


def migrate(connection: Connection) -> None:
    """Run what is missing, inside the connection's transaction, which holds the write lock: of two processes that
    start at once, one finds it done. Raises NewerSchema."""
    at = connection.scalar(select(_AT.c.version_num)) if inspect(connection).has_table(_AT.name) else None
    if at == NEWEST:
        return
    if at is not None:
        check_known(at)
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table takes as long as it takes
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check_known(schema: str) -> None:
    """Raises NewerSchema where this release has no such schema."""
    if schema == NEWEST:
        return
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(_config()).get_revision(schema)
    except (CommandError, ResolutionError) as error:
        raise NewerSchema(f"the database is at schema {schema}, which this release doesn't know") from error


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
