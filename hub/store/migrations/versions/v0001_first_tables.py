"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("handling", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("fire_zone", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="alerts_key"),
    )
    op.create_index("alerts_by_site_incident", "alerts", ["site", "incident"], unique=False)
    op.create_index("alerts_by_site_raised_at", "alerts", ["site", "raised_at"], unique=False)
    op.create_index(
        "alerts_one_open",
        "alerts",
        ["site", "key"],
        unique=True,
        sqlite_where=sa.text("handling <> 'done'"),
        postgresql_where=sa.text("handling <> 'done'"),
    )
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="audit_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_site_n", "audit", ["site", "n"], unique=False)
    op.create_table(
        "commands",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="commands_key"),
    )
    op.create_index("commands_by_site_created_at", "commands", ["site", "created_at"], unique=False)
    op.create_index("commands_by_site_record", "commands", ["site", "record"], unique=False)
    op.create_index("commands_by_state_expires", "commands", ["state", "expires"], unique=False)
    op.create_table(
        "deadlines",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("absence", sa.Boolean(), nullable=False),
        sa.Column("devices", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "key", name="deadlines_key"),
    )
    op.create_index("deadlines_by_due", "deadlines", ["due"], unique=False)
    op.create_index("deadlines_by_site_record", "deadlines", ["site", "record"], unique=False)
    op.create_table(
        "devices",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("last_heard", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("skew", sa.Float(), nullable=True),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("let_fall", sa.BigInteger(), nullable=False),
        sa.Column("let_fall_since", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "device", name="devices_key"),
    )
    op.create_table(
        "doors",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "door", name="doors_key"),
    )
    op.create_table(
        "events",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("vendorcode", sa.Text(), nullable=True),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("fire_zone", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="events_key"),
        sa.UniqueConstraint("id", name="events_one_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_site_device_n", "events", ["site", "device", "n"], unique=False)
    op.create_index("events_by_site_n", "events", ["site", "n"], unique=False)
    op.create_index("events_by_site_type_n", "events", ["site", "type", "n"], unique=False)
    op.create_index(
        "events_of_life",
        "events",
        ["site", "n"],
        unique=False,
        sqlite_where=sa.text("lane = 'life'"),
        postgresql_where=sa.text("lane = 'life'"),
    )
    op.create_table(
        "incident_events",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "incident", "event", name="incident_events_key"),
    )
    op.create_table(
        "incidents",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="incidents_key"),
    )
    op.create_index("incidents_by_site_opened_at", "incidents", ["site", "opened_at"], unique=False)
    op.create_index(
        "incidents_open",
        "incidents",
        ["site", "opened_at"],
        unique=False,
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="marks_key"),
    )
    op.create_table(
        "notices",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "key", name="notices_key"),
    )
    op.create_index("notices_by_site_created_at", "notices", ["site", "created_at"], unique=False)
    op.create_index("notices_by_site_record", "notices", ["site", "record"], unique=False)
    op.create_index("notices_by_state_next_at", "notices", ["state", "next_at"], unique=False)
    op.create_table(
        "panel_modes",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("linkage", sa.Text(), nullable=False),
        sa.Column("delayed", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "device", "system", name="panel_modes_key"),
    )
    op.create_table(
        "parcels",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("compartment", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("tracking_blind", sa.LargeBinary(), nullable=False),
        sa.Column("phone_blind", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="parcels_key"),
    )
    op.create_index("parcels_by_site_phone_blind", "parcels", ["site", "phone_blind"], unique=False)
    op.create_index(
        "parcels_by_site_state_device_compartment", "parcels", ["site", "state", "device", "compartment"], unique=False
    )
    op.create_index("parcels_by_site_state_stored_at", "parcels", ["site", "state", "stored_at"], unique=False)
    op.create_index("parcels_by_site_stored_at", "parcels", ["site", "stored_at"], unique=False)
    op.create_index("parcels_by_site_tracking_blind", "parcels", ["site", "tracking_blind"], unique=False)
    op.create_table(
        "people",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("vip", sa.Boolean(), nullable=False),
        sa.Column("watch", sa.Text(), nullable=False),
        sa.Column("lease_ends", sa.BigInteger(), nullable=True),
        sa.Column("name_blind", sa.LargeBinary(), nullable=False),
        sa.Column("phone_blind", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="people_key"),
    )
    op.create_index("people_by_site_name_blind", "people", ["site", "name_blind"], unique=False)
    op.create_index("people_by_site_phone_blind", "people", ["site", "phone_blind"], unique=False)
    op.create_index("people_by_site_unit", "people", ["site", "unit"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sent_again_at", sa.BigInteger(), nullable=True),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="quarantine_key"),
        sa.UniqueConstraint("site", "id", name="quarantine_one_site_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("quarantine_by_site_device_n", "quarantine", ["site", "device", "n"], unique=False)
    op.create_index("quarantine_by_site_n", "quarantine", ["site", "n"], unique=False)
    op.create_table(
        "sequences",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="sequences_key"),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name="tokens_key"),
        sa.UniqueConstraint("site", "id", name="tokens_one_site_id"),
    )
    op.create_table(
        "users",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="users_key"),
        sa.UniqueConstraint("site", "name", name="users_one_site_name"),
    )
    op.create_table(
        "visits",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=True),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("phone_blind", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="visits_key"),
    )
    op.create_index("visits_by_site_at", "visits", ["site", "at"], unique=False)
    op.create_index("visits_by_site_phone_blind", "visits", ["site", "phone_blind"], unique=False)
    op.create_index("visits_by_site_ref", "visits", ["site", "ref"], unique=False)
    op.create_index("visits_by_site_state_at", "visits", ["site", "state", "at"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=True),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("number_blind", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "person"], ["people.site", "people.id"], name="credentials_of_people", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "id", name="credentials_key"),
    )
    op.create_index("credentials_by_site_number_blind", "credentials", ["site", "number_blind"], unique=False)
    op.create_index("credentials_by_site_person", "credentials", ["site", "person"], unique=False)
    op.create_index("credentials_by_site_ref", "credentials", ["site", "ref"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "user"], ["users.site", "users.id"], name="sessions_of_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name="sessions_key"),
    )
    op.create_index("sessions_by_expires", "sessions", ["expires"], unique=False)
    op.create_index("sessions_by_site_user", "sessions", ["site", "user"], unique=False)
    _forbid_changes_of_audit()


def _forbid_changes_of_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
