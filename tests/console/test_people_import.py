"""Residents by CSV: what property offices really have, and a report of every line that can't be taken."""

import pytest

from hub.console.people_import import Rejected, read_people
from tests.console.desk_side import BUILDING

ENGLISH = """id,kind,name,phone,unit,cards,language,vip,needs_help
R-001,resident,岑启明,19900001013,3-1-702,40260037,zh,,
R-002,resident,骆雨桐,199-0000-1026,3-1-702,40260074 40269001,en,yes,yes
"""
CHINESE = """编号,姓名,类别,手机,房号,卡号,需协助
R-003,韩承志,租户,19900001039,3-1-701,40260111,轮椅
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    people, rejected = read_people(ENGLISH.encode(encoding), BUILDING)
    assert rejected == []
    assert [person.name for person in people] == ["岑启明", "骆雨桐"]
    assert people[1].phone == "19900001026"
    assert [card.number for card in people[1].credentials] == ["40260074", "40269001"]
    assert (people[1].vip, people[1].needs_help, people[1].language) == (True, "yes", "en")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_chinese_header_in_any_order_and_separator(separator: str) -> None:
    people, rejected = read_people(CHINESE.replace(",", separator).encode("gb18030"), BUILDING)
    assert rejected == []
    assert (people[0].kind, people[0].unit, people[0].needs_help) == ("tenant", "3-1-701", "轮椅")


def test_every_bad_line_is_named_and_the_others_are_taken() -> None:
    lines = (
        "id,name,kind,phone,cards,vip",
        "R-1,岑启明,,,,",
        ",无编号,,,,",
        "R-3,,,,,",
        "R-4,甲,alien,,,",
        "R-5,乙,,not-a-phone,,",
        "R-1,丙,,,,",
        "R-7,丁,,,12 3#4,",
        "R-8,戊,,,,maybe",
        "",
        "R-10,己,,,77,",
        "R-11,庚,,,77,",
    )
    people, rejected = read_people("\r\n".join(lines).encode(), BUILDING)
    assert [person.id for person in people] == ["R-1", "R-10"]
    assert [(one.line, one.reason) for one in rejected] == [
        (3, "import.id"),
        (4, "import.no_name"),
        (5, "import.kind"),
        (6, "import.phone"),
        (7, "import.id_twice"),
        (8, "import.card"),
        (9, "import.yes_or_no"),
        (12, "import.card_twice"),
    ]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"", "import.no_column"), (b"a,b\n1,2\n", "import.no_column"), (b"\xff\xfe\x00\x81\xff", "import.encoding")],
)
def test_what_is_no_such_table_is_rejected_whole(raw: bytes, reason: str) -> None:
    people, rejected = read_people(raw, BUILDING)
    assert people == []
    assert [(one.line, one.reason) for one in rejected] == [(1, reason)]


def test_the_report_holds_no_personal_value() -> None:
    _, rejected = read_people("id,name,phone\nR-1,岑启明,12345-abc\n".encode(), BUILDING)
    assert rejected == [Rejected(2, "import.phone", {"id": "R-1"})]
