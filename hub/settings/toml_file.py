"""TOML with the line of every key, which tomllib doesn't tell."""

import re
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.settings.mistakes import KeyPath, Mistakes, SourceLine, Where

_BARE = frozenset(string.ascii_letters + string.digits + "_-")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed file. `name` is what mistakes call it."""

    name: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    there: bool = True

    def spot(self, path: KeyPath, table: str = "") -> SourceLine:
        """Where `path` stands; where it doesn't, the place of what it would stand in."""
        for length in range(len(path), 0, -1):
            if line := self.lines.get(path[:length]):
                return SourceLine(self.name, line, table)
        return SourceLine(self.name, 1 if self.there else 0, table)

    def within(self, *table: str | int) -> Where:
        name = ".".join(str(part) for part in table)
        return lambda path: self.spot((*table, *path), name)


def read_toml(path: Path, mistakes: Mistakes, *, needed: bool = True) -> TomlFile:
    """The file, or an empty one with a mistake that says why."""
    name = path.name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if needed:
            mistakes.add(SourceLine(name, 0), "is not there")
        return TomlFile(name, there=False)
    except OSError as error:
        mistakes.add(SourceLine(name, 0), f"can't be read: {error.strerror}")
        return TomlFile(name, there=False)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mistakes.add(SourceLine(name, raw.count(b"\n", 0, error.start) + 1), "is not UTF-8 text here")
        return TomlFile(name, there=False)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistakes.add(
            SourceLine(name, _line_of(error, text)), f"can't be read: {re.sub(r' ?[(]at .*[)]$', '', str(error))}"
        )
        return TomlFile(name, there=False)
    except RecursionError:
        mistakes.add(SourceLine(name, 0), "is nested too deep")
        return TomlFile(name, there=False)
    return TomlFile(name, tables, _Scan(text).lines())


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    told = re.search(r"at line (\d+)", str(error))
    return int(told[1]) if told else text.count("\n") + 1


class _Scan:
    """Walks over text that tomllib has accepted, and notes where each key stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._arrays: dict[KeyPath, int] = {}

    def lines(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        while True:
            self._skip_blank()
            if self._at >= len(self._text):
                return self._lines
            if self._peek("[["):
                table = self._header("]]", array=True)
            elif self._peek("["):
                table = self._header("]", array=False)
            else:
                self._pair(table)

    def _peek(self, start: str) -> bool:
        return self._text.startswith(start, self._at)

    def _note(self, path: KeyPath) -> None:
        self._lines.setdefault(path, self._text.count("\n", 0, self._at) + 1)

    def _skip_blank(self) -> None:
        """Spaces, line ends and comments."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in " \t\r\n":
                self._at += 1
            else:
                return

    def _header(self, closing: str, *, array: bool) -> KeyPath:
        start = self._at
        self._at += len(closing)
        path: KeyPath = ()
        for name in self._key():
            path = (*path, name)
            if path in self._arrays:
                path = (*path, self._arrays[path])
        if array:
            bare = path[:-1] if path and isinstance(path[-1], int) else path
            self._arrays[bare] = self._arrays.get(bare, -1) + 1
            path = (*bare, self._arrays[bare])
        end = self._at + len(closing)
        self._at = start
        for length in range(1, len(path) + 1):
            self._note(path[:length])
        self._at = end
        return path

    def _key(self) -> list[str]:
        """`a.b."c d"`; stops before what follows."""
        names: list[str] = []
        while True:
            self._skip_spaces()
            if self._text[self._at] in "\"'":
                names.append(self._string())
            else:
                start = self._at
                while self._text[self._at] in _BARE:
                    self._at += 1
                names.append(self._text[start : self._at])
            self._skip_spaces()
            if not self._peek("."):
                return names
            self._at += 1

    def _skip_spaces(self) -> None:
        while self._text[self._at] in " \t":
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        names = self._key()
        after, self._at = self._at, start
        for length in range(1, len(names) + 1):
            self._note((*table, *names[:length]))
        self._at = after + 1
        self._value((*table, *names))

    def _value(self, path: KeyPath) -> None:
        self._skip_spaces()
        if self._text[self._at] in "\"'":
            self._string()
        elif self._peek("{"):
            self._inside("}", lambda number: self._pair(path))
        elif self._peek("["):
            self._inside("]", lambda number: self._item((*path, number)))
        else:
            match = _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else self._at + 1

    def _item(self, path: KeyPath) -> None:
        self._note(path)
        self._value(path)

    def _inside(self, closing: str, each: Callable[[int], None]) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip_blank()
            if self._peek(closing):
                self._at += 1
                return
            if self._peek(","):
                self._at += 1
                continue
            each(number)
            number += 1

    def _string(self) -> str:
        quote = self._text[self._at]
        mark = quote * 3 if self._peek(quote * 3) else quote
        self._at += len(mark)
        start = self._at
        while not self._peek(mark):
            self._at += 2 if quote == '"' and self._peek("\\") else 1
        body = self._text[start : self._at]
        self._at += len(mark)
        if len(mark) == 3:
            while self._peek(quote):  # up to two quotes may stand right before the closing three
                self._at += 1
        return str(tomllib.loads(f"key = {quote}{body}{quote}")["key"]) if len(mark) == 1 else body
