"""Residents from a CSV file: what can be read, and every line that can't, with the reason."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from hub.core.building import Building
from hub.core.records import Credential, Person, PersonKind
from hub.core.text import clean

if TYPE_CHECKING:
    import _csv  # where csv.reader's type has a name

Encoding = Literal["utf-8-sig", "gb18030"]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "编号", "人员编号"),
    "kind": ("kind", "类别", "身份", "类型"),
    "name": ("name", "姓名"),
    "phone": ("phone", "电话", "手机", "手机号"),
    "unit": ("unit", "房号", "房间", "房间号"),
    "cards": ("cards", "卡号", "门禁卡"),
    "language": ("language", "语言"),
    "vip": ("vip", "贵宾"),
    "needs_help": ("needs_help", "需协助", "需要协助"),
}
KINDS: Mapping[str, PersonKind] = {
    **{kind: kind for kind in get_args(PersonKind)},
    "resident": "owner",
    "业主": "owner",
    "住户": "owner",
    "家属": "family",
    "租户": "tenant",
    "员工": "staff",
    "物业": "staff",
    "快递员": "courier",
    "访客": "visitor",
}
_YES = {"yes", "y", "1", "true", "是", "有"}
_NO = {"", "no", "n", "0", "false", "否", "无"}
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_CARD = re.compile(r"[0-9A-Za-z]{1,40}")
_MOST_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """`line` counts from 1, the header's. `reason` is a catalogue key, `params` what it needs; no personal value."""

    line: int
    reason: str
    params: Mapping[str, str]


class _Bad(Exception):
    def __init__(self, reason: str, **params: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params


def read_people(raw: bytes, building: Building) -> tuple[list[Person], list[Rejected]]:
    """People of a CSV file (UTF-8 with or without BOM, else GB18030; comma, semicolon or tab; header in Chinese or
    English), and the lines that were rejected. A file that is no such table is rejected at line 1."""
    try:
        rows = _rows(raw)
        columns = _columns(next(rows, []))
    except _Bad as bad:
        return [], [Rejected(1, bad.reason, bad.params)]
    people: dict[str, Person] = {}
    holders: dict[str, int] = {}
    rejected: list[Rejected] = []
    try:
        for row in rows:
            line = rows.line_num
            if not any(cell.strip() for cell in row):
                continue
            try:
                person = _person(
                    {name: clean(row[at]) if at < len(row) else "" for name, at in columns.items()}, building
                )
                if person.id in people:
                    raise _Bad("import.id_twice", id=person.id)
                for card in person.credentials:
                    if card.number in holders:
                        raise _Bad("import.card_twice", line=str(holders[card.number]))
            except _Bad as bad:
                rejected.append(Rejected(line, bad.reason, bad.params))
                continue
            people[person.id] = person
            holders.update((card.number, line) for card in person.credentials)
    except csv.Error:
        rejected.append(Rejected(rows.line_num, "import.broken_line", {}))
    return list(people.values()), rejected


def _rows(raw: bytes) -> "_csv.Reader":
    text = _decoded(raw).replace("\x00", "")
    if text.count("\n") > _MOST_LINES:
        raise _Bad("import.too_long", most=str(_MOST_LINES))
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _decoded(raw: bytes) -> str:
    encodings: tuple[Encoding, ...] = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _Bad("import.encoding")


def _columns(header: list[str]) -> dict[str, int]:
    known = {title: name for name, titles in COLUMNS.items() for title in titles}
    found = {known[cell.strip().lower()]: at for at, cell in enumerate(header) if cell.strip().lower() in known}
    if missing := [name for name in ("id", "name") if name not in found]:
        raise _Bad("import.no_column", columns=", ".join(f"{name} ({COLUMNS[name][1]})" for name in missing))
    return found


def _person(cells: Mapping[str, str], building: Building) -> Person:
    identity = cells["id"]
    if not _ID.fullmatch(identity):
        raise _Bad("import.id")
    if not cells["name"]:
        raise _Bad("import.no_name", id=identity)
    kind = KINDS.get(cells.get("kind", "").lower() or "owner")
    if kind is None:
        raise _Bad("import.kind", id=identity, value=cells["kind"][:20])
    phone = re.sub(r"[\s-]", "", cells.get("phone", ""))
    if phone and not _PHONE.fullmatch(phone):
        raise _Bad("import.phone", id=identity)
    language = cells.get("language", "").lower() or "zh"
    if language not in ("zh", "en"):
        raise _Bad("import.language", id=identity)
    cards = re.split(r"[\s、/|]+", cells.get("cards", "").strip()) if cells.get("cards") else []
    if bad := [card for card in cards if not _CARD.fullmatch(card)]:
        raise _Bad("import.card", id=identity, number=str(len(bad)))
    return Person(
        id=identity,
        site=building.site.id,
        kind=kind,
        name=cells["name"][:200],
        phone=phone,
        unit=cells.get("unit", ""),
        language="en" if language == "en" else "zh",
        vip=_yes(cells, "vip", identity),
        needs_help=_help(cells.get("needs_help", "")),
        credentials=tuple(
            Credential(id=f"{identity}:{card}", site=building.site.id, person=identity, kind="card", number=card)
            for card in dict.fromkeys(cards)
        ),
    )


def _yes(cells: Mapping[str, str], column: str, identity: str) -> bool:
    value = cells.get(column, "").lower()
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise _Bad("import.yes_or_no", id=identity, column=column)


def _help(value: str) -> str:
    """What help someone needs, in words; a bare yes is `yes`."""
    return "" if value.lower() in _NO else "yes" if value.lower() in _YES else value
