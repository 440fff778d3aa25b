"""Every key of a TOML file has its line, however it is written."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.settings.mistakes import KeyPath, Mistakes
from hub.settings.toml_file import TomlFile, read_toml
from tests.settings.conftest import CONFIG


def read(folder: Path, text: str) -> TomlFile:
    mistakes = Mistakes()
    (folder / "x.toml").write_text(text, "utf-8")
    file = read_toml(folder / "x.toml", mistakes)
    assert mistakes.found == ()
    return file


def test_lines_of_every_way_to_write_a_key(tmp_path: Path) -> None:
    text = (
        '# c = 1\n'
        'top = "x # no comment \\" ]"\n'
        "a.b = 1\n"
        '"quoted key".c = 2\n'
        '[one] # [no.header]\n'
        'long = """\n'
        "[no.header]\n"
        'no_key = 1 \\""" \n'
        '"""\n'
        "raw = '''\n"
        "no = 1'''\n"
        "[one.two]\n"
        "list = [ # [\n"
        "  {x = 1, y = {z = [2, 3]}},\n"
        "  {x = 2},\n"
        "]\n"
        "[[many]]\n"
        "k = 1\n"
        "[[many]]\n"
        "k = 2\n"
        "[many.inner]\n"
        "q = 07:32:00\n"
        "[ last . 'id.x' ]\n"
        "d = 1979-05-27 07:32:00 # date\n"
    )  # fmt: skip
    lines = read(tmp_path, text).lines
    expected: dict[KeyPath, int] = {
        ("top",): 2,
        ("a", "b"): 3,
        ("quoted key", "c"): 4,
        ("one",): 5,
        ("one", "long"): 6,
        ("one", "raw"): 10,
        ("one", "two", "list"): 13,
        ("one", "two", "list", 0, "y", "z", 1): 14,
        ("one", "two", "list", 1, "x"): 15,
        ("many", 0, "k"): 18,
        ("many", 1): 19,
        ("many", 1, "k"): 20,
        ("many", 1, "inner", "q"): 22,
        ("last", "id.x", "d"): 24,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert not [path for path in lines if "no" in path or "no_key" in path or "header" in path]


def paths(value: object, at: KeyPath = ()) -> list[KeyPath]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(path for key, each in inner for path in paths(each, (*at, key)))] if at else [
        path for key, each in inner for path in paths(each, (key,))
    ]  # fmt: skip


keys = st.text(st.sampled_from("ab-_1.\"'\\ 门#[]={}\n"), min_size=1, max_size=6)
scalars = st.one_of(
    st.integers(-9, 99), st.booleans(), st.text(st.sampled_from("ab\"'\\ #[]{}=,\n门"), max_size=8), st.just(1.5)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",\n# ] comment\n".join(written(each) for each in value) + "]"
    if isinstance(value, str) and "'" not in value and not value.startswith("\n"):
        return f"'''{value}'''"
    return quoted(value) if isinstance(value, str) else str(value).lower()


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=3))
def test_whatever_can_be_written_is_found(tmp_path: Path, tables: dict[str, dict[str, object]]) -> None:
    text = ""
    for name, table in tables.items():
        text += f"[{quoted(name)}]\n" + "".join(f"{quoted(key)} = {written(each)}\n" for key, each in table.items())
    file = read(tmp_path, text)
    assert file.tables == tables
    assert [path for path in paths(tables) if path not in file.lines] == []
    assert list(file.lines.values()) == sorted(file.lines.values())


def test_every_key_of_our_own_configuration_has_a_line() -> None:
    for name in ("hub.toml", "building.toml"):
        file = read_toml(CONFIG / name, Mistakes())
        assert [path for path in paths(file.tables) if path not in file.lines and not isinstance(path[-1], int)] == []


def test_a_mark_at_the_start_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n[t]\r\nb = 2\r\n")
    file = read_toml(tmp_path / "x.toml", Mistakes())
    assert file.tables == tomllib.loads("a = 1\n[t]\nb = 2")
    assert file.spot(("t", "b")).line == 3
    assert file.spot(("t", "missing")).line == 2
