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
    """Run what is missing, inside the connection's transaction. Raises NewerSchema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    at = MigrationContext.configure(connection).get_current_revision()
    if at is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(at)
        except (CommandError, ResolutionError) as error:
            raise NewerSchema(f"the database is at schema {at}, which this release doesn't know") from error
    command.upgrade(config, "head")
