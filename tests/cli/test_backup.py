"""`hub backup`, `hub key`, `hub restore` and `hub outbox` as an operator uses them: out of one place, into another."""

import argparse
import asyncio
import contextlib
import random
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TypeVar
from uuid import uuid4

import pytest

from hub.cli import backup, key, outbox, restore
from hub.cli.storage import store_in
from hub.core.commands import Command, OpenDoor
from hub.core.records import CommandRecord
from hub.store import accounts, audit, deadlines, events, incidents, people, visits
from hub.store import outbox as waiting
from hub.store.accounts import User
from hub.store.backup import SKIPPED
from hub.store.database import Priority, Transaction
from hub.store.sealing import Keys
from hub.store.spool import Draft, Spool
from tests.store.examples import BUILDING, PERSONAL, SITE, command, deadline, granted, incident, notice, person, visit

CONFIG = Path(__file__).parents[2] / "config"
SECRET = "a password of a gate"
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    config: Path
    data: Path

    def run(self, module: ModuleType, *words: str | Path) -> int:
        places = ["--data", str(self.data)] + (["--config", str(self.config)] if module is not key else [])
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        code: int = module.run(parser.parse_args([*map(str, words), *places]))
        return code

    def store(self, work: Callable[[Transaction], T]) -> T:
        async def once() -> T:
            store = store_in(self.data)
            await store.open()
            try:
                return await store.write(Priority.PERSON, work)
            finally:
                await store.close()

        return asyncio.run(once())

    def spool(self, work: Callable[[Spool], "asyncio.Future[T]"]) -> T:
        async def once() -> T:
            spool = Spool(self.data / "spool.db", Keys.load(self.data / "keys"))
            await spool.open()
            try:
                return await work(spool)
            finally:
                await spool.close()

        return asyncio.run(once())


@pytest.fixture(autouse=True)
def no_database_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_DATABASE", raising=False)


@pytest.fixture
def old(tmp_path: Path) -> Place:
    """A building that has lived for a while: everything that can wait to go out waits."""
    place = Place(tmp_path / "old" / "config", tmp_path / "old" / "data")
    shutil.copytree(CONFIG, place.config, ignore=shutil.ignore_patterns("secrets.toml"))
    secrets = place.config / "secrets.toml"
    secrets.touch(0o600)
    secrets.write_text(SECRET)
    place.store(_fill)
    place.spool(lambda spool: spool.append([Draft("routine", "gate-1", b"1"), Draft("life", "panel-1", b"2")]))
    return place


def _fill(tx: Transaction) -> None:
    visits.put(tx, [visit("v1", state="open"), visit("v2", state="departed")])
    incidents.put_incidents(tx, [incident("i1"), incident("i2", state="done")])
    people.save(tx, person())
    deadlines.put(tx, [
        deadline("overstay/v1", due=NOW - HOUR, set_at=NOW - 2 * HOUR),
        deadline("overstay/v9", due=NOW + HOUR, set_at=NOW - 2 * HOUR),
        deadline("ladder/i1", lane="life", due=NOW - HOUR, set_at=NOW - 2 * HOUR),
    ])  # fmt: skip
    waiting.add_notices(tx, [notice("pickup/k1"), notice("pickup/k2", state="sent")])
    waiting.add_commands(tx, [command(_opening().id)])
    accounts.add_user(tx, SITE, User(str(uuid4()), "wang", "王", "hash", "desk"))
    events.add(tx, [granted(1), granted(2)], BUILDING)


def _opening() -> OpenDoor:
    return OpenDoor(id=uuid4(), site=SITE, device="gate-1", expires=NOW + HOUR, by="front", door="1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hub.backup"


@pytest.fixture
def fresh(tmp_path: Path, old: Place) -> Place:
    """An empty place with the key in it."""
    place = Place(tmp_path / "new" / "config", tmp_path / "new" / "data")
    assert old.run(key, "export", tmp_path / "key") == 0
    assert place.run(key, "import", tmp_path / "key") == 0
    return place


def everything(place: Place) -> dict[str, object]:
    """What stands in all tables but those that a restore writes to."""
    with contextlib.closing(sqlite3.connect(place.data / "hub.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if name not in ("notices", "commands", "marks", "audit", "sqlite_sequence")]
        return {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in kept}


# there and back


def test_all_of_it_is_there_again(old: Place, fresh: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert old.run(backup, file) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = everything(old)
    capsys.readouterr()
    assert fresh.run(restore, file) == 0
    assert everything(fresh) == before
    told = capsys.readouterr().out
    assert "1 visits open, 1 incidents open, 3 deadlines, 2 spooled events" in told
    assert "held: 1 notices, 1 overdue deadlines; commands: 1 expired, 0 of unknown outcome" in told
    assert "expired pickup.put for locker-1" in told
    assert f"gate-1  {granted(2).received:%Y-%m-%d %H:%M:%S}" in told
    for source in old.config.rglob("*"):
        restored = fresh.config / source.relative_to(old.config)
        assert not source.is_file() or restored.read_bytes() == source.read_bytes()
    assert stat.S_IMODE((fresh.config / "secrets.toml").stat().st_mode) == 0o600
    assert sorted(entry.name for entry in fresh.data.iterdir()) == ["hub.db", "keys", "spool.db"]
    assert fresh.store(lambda tx: people.get(tx, SITE, "p1")) == person()


def test_a_backup_is_taken_while_another_process_writes(old: Place, fresh: Place, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(old.data / "hub.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE visits SET state = 'departed'")
        assert old.run(backup, file) == 0
        writer.execute("COMMIT")
    assert fresh.run(restore, file) == 0
    assert fresh.store(lambda tx: visits.counts(tx, SITE))["open"] == 1


def test_neither_key_nor_secrets_nor_people_can_be_read_off_a_backup(old: Place, file: Path) -> None:
    assert old.run(backup, file) == 0
    raw = file.read_bytes()
    for value in (*PERSONAL, SECRET):
        assert value.encode() not in raw
    for line in (old.data / "keys").read_bytes().splitlines():
        assert len(line) < 20 or line not in raw
    with tarfile.open(file) as tar:
        assert "keys" not in {Path(name).name for name in tar.getnames()}
        assert Keys.load(old.data / "keys").fingerprint.encode() in raw


# nothing is sent unasked


def test_what_waited_to_go_out_is_held_and_life_deadlines_run(old: Place, fresh: Place, file: Path) -> None:
    assert old.run(backup, file) == 0
    assert fresh.run(restore, file) == 0
    soon = NOW + 9 * HOUR
    assert fresh.store(lambda tx: waiting.due_notices(tx, soon)) == []
    assert fresh.store(lambda tx: waiting.queued_commands(tx, NOW - 9999 * HOUR)) == []
    assert [d.key for d in fresh.store(lambda tx: deadlines.due(tx, soon))] == ["ladder/i1", "overstay/v9"]
    fresh.store(lambda tx: deadlines.delete(tx, SITE, "ladder/i1"))
    assert fresh.store(deadlines.next_due) == NOW + HOUR  # one that is held wakes nobody
    assert [row.act for row in fresh.store(lambda tx: audit.listing(tx, SITE)).items] == ["restore"]


def test_a_person_releases_or_drops_what_is_held(
    old: Place, fresh: Place, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old.run(backup, file) == 0
    assert fresh.run(restore, file) == 0
    capsys.readouterr()
    assert fresh.run(outbox, "list") == 0
    told = capsys.readouterr().out
    assert "notice    pickup/k1  pickup by smtp" in told
    assert "deadline  overstay/v1  overstay" in told
    assert not any(value in told for value in PERSONAL)
    assert fresh.run(outbox, "release", "pickup/k1", "overstay/none") == 1
    assert fresh.store(lambda tx: waiting.due_notices(tx, NOW + HOUR)) == []  # all of the keys or none
    assert fresh.run(outbox, "release", "pickup/k1", "overstay/v1") == 0
    assert [n.key for n in fresh.store(lambda tx: waiting.due_notices(tx, tx.now))] == ["pickup/k1"]
    assert [d.key for d in fresh.store(lambda tx: deadlines.due(tx, tx.now))] == ["ladder/i1", "overstay/v1"]
    assert fresh.run(outbox, "release", "--all") == 0
    assert capsys.readouterr().out.endswith("0 notices and 0 deadlines released.\n")


def test_what_is_dropped_is_never_sent_and_can_be_read(old: Place, fresh: Place, file: Path) -> None:
    assert old.run(backup, file) == 0
    assert fresh.run(restore, file) == 0
    assert fresh.run(outbox, "drop") == 1
    assert fresh.run(outbox, "drop", "--all") == 0
    assert fresh.store(lambda tx: waiting.due_notices(tx, NOW + 9 * HOUR)) == []
    dropped = fresh.store(lambda tx: waiting.get_notice(tx, SITE, "pickup/k1"))
    assert dropped is not None
    assert (dropped.state, dropped.error) == ("failed", "dropped")
    assert fresh.store(lambda tx: deadlines.get(tx, SITE, "overstay/v1")) is None
    acts = {row.act for row in fresh.store(lambda tx: audit.listing(tx, SITE)).items}
    assert acts == {"restore", "notice.drop", "deadline.drop"}


def test_a_deadline_that_is_set_again_runs(old: Place, fresh: Place, file: Path) -> None:
    assert old.run(backup, file) == 0
    assert fresh.run(restore, file) == 0
    again = deadline("overstay/v1", due=NOW - HOUR, set_at=datetime.now(UTC))
    fresh.store(lambda tx: deadlines.put(tx, [again]))
    assert again in fresh.store(lambda tx: deadlines.due(tx, tx.now))


def test_commands_of_before_are_not_written_and_those_begun_wait_for_their_answer(
    old: Place, fresh: Place, file: Path
) -> None:
    kept, begun, lost = _opening(), _opening(), _opening()

    def ask(tx: Transaction) -> None:
        waiting.add_commands(tx, [_asked(one) for one in (kept, begun, lost)])
        waiting.command_kept(tx, [one.id for one in (kept, begun, lost)])

    old.store(ask)
    old.spool(lambda spool: spool.keep_command(kept))
    numbered = old.spool(lambda spool: spool.keep_command(begun))
    assert numbered
    assert old.spool(lambda spool: spool.begin_command(numbered.number, "7"))
    assert old.run(backup, file) == 0
    assert fresh.run(restore, file) == 0

    def states(tx: Transaction) -> list[str]:
        found = {str(one.command.id): one.state for one in waiting.command_listing(tx, SITE).items}
        return [found[str(one.id)] for one in (kept, begun, lost)]

    assert fresh.store(states) == ["expired", "kept", "unknown"]
    assert [c.command.id for c in fresh.spool(lambda spool: spool.open_commands())] == [begun.id]
    assert fresh.spool(lambda spool: spool.keep_command(kept)) is None  # its id is known for ever


def _asked(body: Command) -> CommandRecord:
    return CommandRecord(command=body, created_at=NOW)


def test_spooled_rows_are_there_and_numbers_of_after_the_backup_are_not_given_again(
    old: Place, fresh: Place, file: Path
) -> None:
    assert old.run(backup, file) == 0
    old.spool(lambda spool: spool.append([Draft("routine", "gate-1", b"lost")]))
    assert fresh.run(restore, file) == 0
    assert [row.payload for row in fresh.spool(lambda spool: spool.after("routine", 0, 9))] == [b"1"]
    assert [row.payload for row in fresh.spool(lambda spool: spool.after("life", 0, 9))] == [b"2"]
    [row] = fresh.spool(lambda spool: spool.append([Draft("routine", "gate-1", b"3")]))
    assert row.sequence == 2 + SKIPPED + 1


def test_what_another_tool_restored_can_be_held(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert old.run(outbox, "hold") == 0
    assert "held: 1 notices, 1 overdue deadlines; commands: 1 expired" in capsys.readouterr().out
    assert old.store(lambda tx: waiting.due_notices(tx, NOW + HOUR)) == []


# what is refused, and leaves everything as it was


def refused(place: Place, module: ModuleType, *words: str | Path) -> None:
    before = {path: path.read_bytes() for path in place.data.parent.rglob("*") if path.is_file()}
    assert place.run(module, *words) == 1
    assert {path: path.read_bytes() for path in place.data.parent.rglob("*") if path.is_file()} == before


def test_any_byte_flipped_is_noticed(old: Place, fresh: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert old.run(backup, file) == 0
    whole = file.read_bytes()
    chosen = random.Random(7).sample(range(len(whole)), 20)
    for place in (0, 300, len(whole) - 1, len(whole) - 64, len(whole) - 65, *chosen):
        file.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        refused(fresh, restore, file)
        assert "damaged" in capsys.readouterr().err
    for cut in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"x"):
        file.write_bytes(cut)
        refused(fresh, restore, file)
        assert "damaged" in capsys.readouterr().err
    file.write_bytes(whole)
    assert fresh.run(restore, file) == 0


def test_without_the_key_or_with_another_nothing_is_restored(
    tmp_path: Path, old: Place, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old.run(backup, file) == 0
    wanted = Keys.load(old.data / "keys").fingerprint
    place = Place(tmp_path / "new" / "config", tmp_path / "new" / "data")
    refused(place, restore, file)
    assert f"hub key import FILE first. It is to be {wanted}" in capsys.readouterr().err
    other = Keys.load_or_create(place.data).fingerprint
    refused(place, restore, file)
    assert f"is {other}; the backup was made with {wanted}" in capsys.readouterr().err


def test_a_newer_schema_is_refused(old: Place, fresh: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(sqlite3.connect(old.data / "hub.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert old.run(backup, file) == 0
    refused(fresh, restore, file)
    assert "schema 9999, which this release doesn't know" in capsys.readouterr().err


def test_a_place_that_is_not_empty_is_refused(
    old: Place, fresh: Place, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old.run(backup, file) == 0
    refused(old, restore, file)
    assert "isn't empty" in capsys.readouterr().err
    refused(Place(old.config, fresh.data), restore, file)
    (fresh.data / "hub.db").touch()
    refused(fresh, restore, file)
    assert f"{fresh.data} isn't empty (hub.db)" in capsys.readouterr().err


def test_nothing_is_written_over(tmp_path: Path, old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "old" / "there"
    there.write_text("precious")
    refused(old, backup, there)
    refused(old, key, "export", there)
    refused(old, key, "import", there)
    assert capsys.readouterr().err.count("is there already") == 3


def test_a_key_travels_whole_and_readable_by_its_owner_only(
    tmp_path: Path, old: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = Place(tmp_path / "x", tmp_path / "y")
    assert old.run(key, "export", tmp_path / "key") == 0
    assert nowhere.run(key, "import", tmp_path / "key") == 0
    assert capsys.readouterr().out.count(Keys.load(old.data / "keys").fingerprint) == 2
    for copy in (tmp_path / "key", nowhere.data / "keys"):
        assert copy.read_bytes() == (old.data / "keys").read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    (tmp_path / "no-key").write_text("{}")
    elsewhere = Place(tmp_path / "x", tmp_path / "z")
    assert elsewhere.run(key, "import", tmp_path / "no-key") == 1
    assert "not a key file" in capsys.readouterr().err


def test_a_database_of_its_own_is_left_to_its_own_tool(
    old: Place, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_DATABASE", "postgresql+psycopg://hub@127.0.0.1/hub")
    assert old.run(backup, file) == 1
    assert "pg_dump" in capsys.readouterr().err
    assert not file.exists()


def test_a_backup_that_fails_leaves_nothing_behind(old: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old.data / "spool.db").write_bytes(b"no database at all" * 100)
    assert old.run(backup, file) == 1
    assert "spool.db" in capsys.readouterr().err
    assert [entry.name for entry in file.parent.iterdir()] == ["old"]
