"""`hub user add`, `hub token add` and `hub import people`, beside a hub that runs."""

import argparse
import asyncio
import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

from hub.cli import import_people, token, user
from hub.cli.storage import store_in
from hub.console.passwords import fits
from hub.store import accounts, audit, people
from hub.store.database import Priority, Transaction

CONFIG = Path(__file__).parents[2] / "config"
T = TypeVar("T")


def run(module: ModuleType, data: Path, *words: str, config: Path = CONFIG) -> int:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args([*words, "--data", str(data), "--config", str(config)]))
    return code


def read(data: Path, work: Callable[[Transaction, str], T]) -> T:
    async def once() -> T:
        store = store_in(data)
        await store.open()
        try:
            return await store.read(lambda tx: work(tx, _site()))
        finally:
            await store.close()

    return asyncio.run(once())


def _site() -> str:
    site: str = tomllib.loads((CONFIG / "building.toml").read_text("utf-8-sig"))["site"]["id"]
    return site


def test_a_user_is_added_with_a_password_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(user, tmp_path, "add", "cen", "--role", "manager") == 0
    password = capsys.readouterr().out.rpartition(": ")[2].strip()
    known = read(tmp_path, lambda tx, site: accounts.user_by_name(tx, site, "cen"))
    assert known is not None
    assert known.role == "manager"
    assert fits(password, known.password_hash)
    [row] = read(tmp_path, lambda tx, site: audit.listing(tx, site)).items
    assert (row.who, row.act, row.target) == ("command line", "user.add", known.id)


def test_a_password_comes_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert run(user, tmp_path, "add", "desk1", "--password-stdin") == 0
    assert "correct horse" not in capsys.readouterr().out
    known = read(tmp_path, lambda tx, site: accounts.user_by_name(tx, site, "desk1"))
    assert known is not None
    assert fits("correct horse", known.password_hash)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert run(user, tmp_path, "add", "desk2", "--password-stdin") == 1
    assert "at least 8" in capsys.readouterr().err


def test_a_name_is_taken_once_and_its_password_can_be_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(user, tmp_path, "add", "cen")
    first = read(tmp_path, lambda tx, site: accounts.user_by_name(tx, site, "cen"))
    assert run(user, tmp_path, "add", "cen") == 1
    assert "already" in capsys.readouterr().err
    assert run(user, tmp_path, "add", "cen", "--renew") == 0
    second = read(tmp_path, lambda tx, site: accounts.user_by_name(tx, site, "cen"))
    assert first is not None
    assert second is not None
    assert (second.id, second.password_hash != first.password_hash) == (first.id, True)
    assert run(user, tmp_path, "add", "nobody", "--renew") == 1


@pytest.mark.parametrize("name", ["token:app", "", "a b", "x" * 61])
def test_a_name_that_could_be_taken_for_another_is_refused(name: str, tmp_path: Path) -> None:
    assert run(user, tmp_path, "add", name) == 1
    assert run(token, tmp_path, "add", name) == 1


def test_a_token_is_shown_once_and_opens_what_its_role_may(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(token, tmp_path, "add", "app", "--role", "read", "--days", "7") == 0
    secret = capsys.readouterr().out.rpartition(": ")[2].strip()
    known = read(tmp_path, lambda tx, site: accounts.token(tx, site, secret, tx.now))
    assert known is not None
    assert (known.name, known.scope) == ("app", "read")
    assert known.expires is not None
    assert (known.expires - known.created_at).days == 7
    assert secret.encode() not in (tmp_path / "hub.db").read_bytes()
    assert run(token, tmp_path, "add", "app") == 1
    assert "already" in capsys.readouterr().err
    assert run(token, tmp_path, "add", "other", "--days", "0") == 1


def test_people_are_imported_and_every_bad_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(
        "编号,姓名,类别,电话,房号\nR-1,岑启明,业主,19900001013,3-1-702\nR-2,,业主,,\nR-3,李秋白,宇航员,,\n".encode(
            "gb18030"
        )
    )
    assert run(import_people, tmp_path, "people", str(file)) == 1
    said = capsys.readouterr()
    assert said.out == "1 people saved, 2 lines rejected\n"
    assert [line.split(" ")[0] for line in said.err.splitlines()] == [f"{file}:3", f"{file}:4"]
    assert "李秋白" not in said.err
    saved = read(tmp_path, lambda tx, site: people.get(tx, site, "R-1"))
    assert saved is not None
    assert saved.name == "岑启明"


def test_what_is_wrong_is_said_in_a_line_and_nothing_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(import_people, tmp_path, "people", str(tmp_path / "none.csv")) == 1
    assert run(user, tmp_path, "add", "cen", config=tmp_path / "nowhere") == 1
    (tmp_path / "keys").write_text("not keys")
    assert run(user, tmp_path, "add", "cen") == 1
    said = capsys.readouterr().err
    assert said.count("Nothing was changed") == 3
    assert "Traceback" not in said


async def test_a_hub_that_runs_sees_the_user_at_once(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.open()
    try:
        adding = asyncio.get_running_loop().run_in_executor(None, lambda: run(user, tmp_path, "add", "night"))
        for number in range(20):
            await store.write(Priority.ROUTINE, lambda tx, n=number: audit.add(tx, "s", tx.now, "x", "", "y", str(n)))  # type: ignore[misc]  # the loop's own number
        assert await adding == 0
        found = await store.read(lambda tx: accounts.user_by_name(tx, _site(), "night"))
        assert found is not None
    finally:
        await store.close()
