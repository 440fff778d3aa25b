"""Personal values are unreadable without the key file, and look-ups still find them."""

import stat
from pathlib import Path

import pytest

from hub.store.sealing import Keys, KeysUnreadable, Unsealable

PLACE = {"table": "visits", "column": "sealed", "row": "b1/v1"}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path)


def test_what_is_sealed_opens_again(keys: Keys) -> None:
    assert keys.unseal(keys.seal("王小雨".encode(), **PLACE), **PLACE).decode() == "王小雨"


def test_the_same_value_sealed_twice_is_not_the_same(keys: Keys) -> None:
    assert keys.seal(b"x", **PLACE) != keys.seal(b"x", **PLACE)


@pytest.mark.parametrize("moved", [{"table": "people"}, {"column": "name"}, {"row": "b1/v2"}])
def test_a_value_opens_only_in_its_place(keys: Keys, moved: dict[str, str]) -> None:
    sealed = keys.seal(b"x", **PLACE)
    with pytest.raises(Unsealable):
        keys.unseal(sealed, **{**PLACE, **moved})


@pytest.mark.parametrize("length", range(31))
def test_a_cut_value_is_refused(keys: Keys, length: int) -> None:
    with pytest.raises(Unsealable):
        keys.unseal(keys.seal(b"x", **PLACE)[:length], **PLACE)


def test_a_flipped_bit_is_refused(keys: Keys) -> None:
    sealed = keys.seal(b"x", **PLACE)
    for index in range(len(sealed)):
        with pytest.raises(Unsealable):
            keys.unseal(sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :], **PLACE)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = Keys.load_or_create(tmp_path / "new" / "data")
    second = Keys.load_or_create(tmp_path / "new" / "data")
    assert (first.secret, first.blind("139")) == (second.secret, second.blind("139"))
    assert second.unseal(first.seal(b"x", **PLACE), **PLACE) == b"x"
    path = tmp_path / "new" / "data" / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys"]


def test_a_key_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    Keys.load_or_create(tmp_path)
    (tmp_path / "keys").chmod(0o644)
    Keys.load_or_create(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"sealing": {"1": "AAAA"}, "blind": "", "secret": ""}', "号"])
def test_a_damaged_key_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(KeysUnreadable, match="keys"):
        Keys.load_or_create(tmp_path)


def test_another_hubs_keys_open_nothing(keys: Keys, tmp_path: Path) -> None:
    other = Keys.load_or_create(tmp_path / "other")
    with pytest.raises(Unsealable):
        other.unseal(keys.seal(b"x", **PLACE), **PLACE)
    assert other.blind("139") != keys.blind("139")


def test_keys_are_not_shown(keys: Keys) -> None:
    assert keys.secret.hex() not in repr(keys)
    assert repr(keys.secret) not in repr(keys)
