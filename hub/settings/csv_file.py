"""Tables that people keep in a spreadsheet: any encoding, separator and language of header that one writes."""

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.settings.mistakes import Mistakes, SourceLine

_SEPARATORS = (",", "\t", ";")
_LONGEST_CELL = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: column name → text without spaces around it. `line` is where it begins."""

    line: int
    cells: Mapping[str, str]


def plain(text: str) -> str:
    """Full-width letters, digits and signs as ASCII; no spaces around."""
    return unicodedata.normalize("NFKC", text).strip()


def decoded(raw: bytes) -> str:
    """UTF-8, UTF-16 with a mark, or GB18030; raises ValueError (UnicodeDecodeError) otherwise."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030").removeprefix("\ufeff")


def read_csv(
    folder: Path, name: str, columns: Mapping[str, tuple[str, ...]], needed: str, mistakes: Mistakes
) -> Iterator[Row]:
    """The rows of `name` in `folder`. `columns` gives each column with the other words that a header may say for it.
    Every mistake in the file's form is told; what can be read is."""
    path = folder / name
    try:
        text = decoded(path.read_bytes())
    except OSError as error:
        mistakes.add(
            SourceLine(name, 0), "is not there" if isinstance(error, FileNotFoundError) else str(error.strerror)
        )
        return
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        mistakes.add(SourceLine(name, line), "is neither UTF-8 nor GB18030 text here")
        return
    spoken = {plain(word).lower(): column for column, words in columns.items() for word in (column, *words)}
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=_separator(text, spoken), skipinitialspace=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells, spoken, columns, needed, SourceLine(name, begins), mistakes)
                if needed not in header:
                    return
            elif len(cells) > len(header):
                mistakes.add(SourceLine(name, begins), f"has {len(cells)} columns, the header {len(header)}")
            else:
                yield Row(begins, _cells(header, cells, SourceLine(name, begins), mistakes))
    except csv.Error as error:
        mistakes.add(SourceLine(name, line), f"can't be read: {error}")
        return
    if header is None:
        mistakes.add(SourceLine(name, 1), f'has no header; it needs at least "{needed}"')


def _cells(header: list[str], cells: list[str], spot: SourceLine, mistakes: Mistakes) -> dict[str, str]:
    """Column → text; what no label, id or number can be is told and left out."""
    named: dict[str, str] = {}
    for column, cell in zip(header, cells, strict=False):
        if len(cell) > _LONGEST_CELL or not all(character.isprintable() for character in cell.strip()):
            mistakes.add(spot, f"column {column}: must be at most {_LONGEST_CELL} characters of text in one line")
        elif column:
            named[column] = cell.strip()
    return named


def _separator(text: str, spoken: Mapping[str, str]) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known(separator: str) -> int:
        return sum(plain(word.strip('" \r\n')).lower() in spoken for word in first.split(separator))

    return max(_SEPARATORS, key=known)


def _header(
    cells: list[str],
    spoken: Mapping[str, str],
    columns: Mapping[str, tuple[str, ...]],
    needed: str,
    spot: SourceLine,
    mistakes: Mistakes,
) -> list[str]:
    """The column names; "" for a column that isn't known or stands there twice."""
    header: list[str] = []
    for cell in cells:
        column = spoken.get(plain(cell).lower(), "")
        if not column and cell.strip():
            mistakes.add(spot, f'unknown column "{cell.strip()}"', plain(cell), spoken)
        elif column and column in header:
            mistakes.add(spot, f'column "{column}" stands there twice')
            column = ""
        header.append(column)
    if needed not in header:
        words = " or ".join((needed, *columns[needed][:1]))
        mistakes.add(spot, f'column "{words}" is missing')
    return header
