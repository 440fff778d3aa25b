"""Every table. What lists filter and sort by stands in the open; all else of a record is in its `sealed` column.

A `…_blind` column holds the keyed hash of a sealed value, for look-ups by it.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from hub.store.columns import EventId, Moment

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_one_%(column_0_N_name)s",
        "fk": "%(table_name)s_of_%(referred_table_name)s",
        "pk": "%(table_name)s_key",
    }
)

_Number = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column called INTEGER"""


def _number() -> "Column[int]":
    return Column("n", _Number, primary_key=True, autoincrement=True)


def _key(name: str) -> "Column[str]":
    return Column(name, Text, primary_key=True)


def _text(name: str) -> "Column[str]":
    return Column(name, Text, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> "Column[datetime]":
    return Column(name, Moment, nullable=nullable)


def _flag(name: str) -> "Column[bool]":
    return Column(name, Boolean, nullable=False)


def _bytes(name: str, *, nullable: bool = False) -> "Column[bytes]":
    return Column(name, LargeBinary, nullable=nullable)


def _count(name: str) -> "Column[int]":
    return Column(name, BigInteger, nullable=False)


events = Table(
    "events",
    metadata,
    _number(),
    Column("id", EventId, nullable=False, unique=True),
    _text("site"),
    _text("device"),
    _text("type"),
    Column("subject", Text),
    _text("lane"),
    _text("delivery"),
    _text("clock"),
    Column("host", Text),
    Column("sequence", BigInteger),
    _text("source"),
    _moment("time"),
    _moment("received"),
    _moment("stored_at"),
    _flag("late"),
    Column("vendorcode", Text),
    _text("door"),
    _text("zone"),
    _text("fire_zone"),
    _text("label"),
    _bytes("data"),
    Index(None, "site", "n"),
    Index(None, "site", "device", "n"),
    Index(None, "site", "type", "n"),
    Index("events_of_life", "site", "n", sqlite_where=text("lane = 'life'"), postgresql_where=text("lane = 'life'")),
    sqlite_autoincrement=True,
)

incident_events = Table(
    "incident_events", metadata, _key("site"), _key("incident"), Column("event", EventId, primary_key=True)
)

sequences = Table("sequences", metadata, _key("site"), _count("last"))
"""how far the hub's own events of a site are numbered (host "intake")"""

visits = Table(
    "visits",
    metadata,
    _key("site"),
    _key("id"),
    _text("ref"),
    _text("state"),
    _text("kind"),
    _text("unit"),
    _moment("at"),
    _moment("starts", nullable=True),
    _moment("ends", nullable=True),
    _bytes("phone_blind", nullable=True),
    _bytes("sealed"),
    Index(None, "site", "state", "at"),
    Index(None, "site", "at"),
    Index(None, "site", "ref"),
    Index(None, "site", "phone_blind"),
)

parcels = Table(
    "parcels",
    metadata,
    _key("site"),
    _key("id"),
    _text("state"),
    _text("device"),
    _text("compartment"),
    _text("person"),
    _text("unit"),
    _moment("stored_at"),
    _moment("expires", nullable=True),
    _flag("overdue"),
    _bytes("code_hash", nullable=True),
    _bytes("tracking_blind"),
    _bytes("phone_blind", nullable=True),
    _bytes("sealed"),
    Index(None, "site", "state", "stored_at"),
    Index(None, "site", "stored_at"),
    Index(None, "site", "state", "device", "compartment"),
    Index(None, "site", "tracking_blind"),
    Index(None, "site", "phone_blind"),
)

_OPEN_ALERT = text("handling <> 'done'")
alerts = Table(
    "alerts",
    metadata,
    _key("site"),
    _key("id"),
    _text("key"),
    _text("kind"),
    _text("severity"),
    _text("lane"),
    _text("source"),
    _text("handling"),
    _text("device"),
    _text("door"),
    _text("zone"),
    _text("fire_zone"),
    _text("incident"),
    _moment("raised_at"),
    _moment("last_at"),
    _moment("done_at", nullable=True),
    _bytes("sealed"),
    Index("alerts_one_open", "site", "key", unique=True, sqlite_where=_OPEN_ALERT, postgresql_where=_OPEN_ALERT),
    Index(None, "site", "incident"),
    Index(None, "site", "raised_at"),
)

_OPEN_INCIDENT = text("state <> 'done'")
incidents = Table(
    "incidents",
    metadata,
    _key("site"),
    _key("id"),
    _text("kind"),
    _text("place"),
    _text("state"),
    _text("source"),
    _moment("opened_at"),
    _moment("done_at", nullable=True),
    _bytes("sealed"),
    Index("incidents_open", "site", "opened_at", sqlite_where=_OPEN_INCIDENT, postgresql_where=_OPEN_INCIDENT),
    Index(None, "site", "opened_at"),
)

people = Table(
    "people",
    metadata,
    _key("site"),
    _key("id"),
    _text("kind"),
    _text("unit"),
    _flag("vip"),
    _text("watch"),
    _moment("lease_ends", nullable=True),
    _bytes("name_blind"),
    _bytes("phone_blind", nullable=True),
    _bytes("sealed"),
    Index(None, "site", "unit"),
    Index(None, "site", "name_blind"),
    Index(None, "site", "phone_blind"),
)

credentials = Table(
    "credentials",
    metadata,
    _key("site"),
    _key("id"),
    _text("person"),
    _text("kind"),
    _text("ref"),
    _moment("starts", nullable=True),
    _moment("ends", nullable=True),
    _bytes("number_blind", nullable=True),
    _bytes("sealed"),
    ForeignKeyConstraint(["site", "person"], ["people.site", "people.id"], ondelete="CASCADE"),
    Index(None, "site", "person"),
    Index(None, "site", "ref"),
    Index(None, "site", "number_blind"),
)

panel_modes = Table(
    "panel_modes",
    metadata,
    _key("site"),
    _key("device"),
    _key("system"),
    _text("linkage"),
    _flag("delayed"),
    _moment("since"),
    _text("host"),
    _count("sequence"),
)

doors = Table(
    "doors",
    metadata,
    _key("site"),
    _key("door"),
    Column("open", Boolean),
    Column("locked", Boolean),
    _moment("since"),
    _text("host"),
    _count("sequence"),
)

deadlines = Table(
    "deadlines",
    metadata,
    _key("site"),
    _key("key"),
    _text("kind"),
    _text("lane"),
    _moment("due"),
    _text("record"),
    _flag("absence"),
    _text("devices"),
    _moment("set_at"),
    Index(None, "due"),
    Index(None, "site", "record"),
)

notices = Table(
    "notices",
    metadata,
    _key("site"),
    _key("key"),
    _text("template"),
    _text("channel"),
    _text("person"),
    _text("record"),
    _text("severity"),
    _text("state"),
    _count("attempts"),
    _moment("next_at"),
    _moment("created_at"),
    _moment("sent_at", nullable=True),
    _bytes("sealed"),
    Index(None, "state", "next_at"),
    Index(None, "site", "created_at"),
    Index(None, "site", "record"),
)

commands = Table(
    "commands",
    metadata,
    _key("site"),
    _key("id"),
    _text("device"),
    _text("kind"),
    _text("state"),
    _text("record"),
    _moment("created_at"),
    _moment("expires"),
    _moment("closed_at", nullable=True),
    _text("result"),
    _bytes("sealed"),
    Index(None, "state", "expires"),
    Index(None, "site", "created_at"),
    Index(None, "site", "record"),
)

audit = Table(
    "audit",
    metadata,
    _number(),
    _text("site"),
    _moment("at"),
    _text("who"),
    _text("post"),
    _text("act"),
    _text("target"),
    _text("details"),
    _bytes("previous"),
    _bytes("hash"),
    Index(None, "site", "n"),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    _number(),
    _text("site"),
    _text("id"),
    _text("device"),
    _text("host"),
    _text("lane"),
    _text("topic"),
    _moment("received"),
    _moment("sent_again_at", nullable=True),
    _bytes("frame"),
    _bytes("sealed"),
    UniqueConstraint("site", "id"),
    Index(None, "site", "n"),
    Index(None, "site", "device", "n"),
    sqlite_autoincrement=True,
)

devices = Table(
    "devices",
    metadata,
    _key("site"),
    _key("device"),
    _text("host"),
    _text("adapter"),
    _text("address"),
    _text("peer"),
    _flag("declared"),
    _text("link"),
    _moment("last_heard", nullable=True),
    _moment("since", nullable=True),
    Column("skew", Float),
    _count("waiting"),
    _count("let_fall"),
    _moment("let_fall_since", nullable=True),
    _bytes("sealed"),
)


users = Table(
    "users",
    metadata,
    _key("site"),
    _key("id"),
    _text("name"),
    _text("password_hash"),
    _text("role"),
    _text("language"),
    _flag("active"),
    _bytes("sealed"),
    UniqueConstraint("site", "name"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _text("site"),
    _text("user"),
    _text("post"),
    _text("csrf"),
    _moment("created_at"),
    _moment("expires"),
    ForeignKeyConstraint(["site", "user"], ["users.site", "users.id"], ondelete="CASCADE"),
    Index(None, "site", "user"),
    Index(None, "expires"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _text("site"),
    _text("id"),
    _text("name"),
    _text("scope"),
    _moment("created_at"),
    _moment("expires", nullable=True),
    UniqueConstraint("site", "id"),
)

marks = Table("marks", metadata, _key("name"), _bytes("value"))
"""what the store keeps about itself: which keys sealed it, the probe's last row"""
