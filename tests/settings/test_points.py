"""Point lists as people really keep them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.core.building import Point
from hub.settings.mistakes import Mistakes
from hub.settings.points import read_points

ENGLISH = ("address", "shown", "kind", "label", "floor", "fire_zone", "x", "y")
CHINESE = ("地址", "主机显示", "类型", "位置", "楼层", "报警区域", "X坐标", "Y坐标")
KINDS = {
    "smoke": "烟感",
    "heat": "温感",
    "manual_call_point": "手报",
    "hydrant_button": "消火栓按钮",
    "flow_switch": "水流指示器",
}
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "gb18030": b"",
    "gb18030 with a mark": b"\x84\x31\x95\x33",
    "utf-16": b"",
}  # fmt: skip


def points(folder: Path, content: bytes) -> dict[str, Point]:
    mistakes = Mistakes()
    (folder / "points.csv").write_bytes(content)
    found, _ = read_points(folder, "points.csv", mistakes)
    assert mistakes.found == ()
    return found


def said(folder: Path, content: bytes) -> list[str]:
    mistakes = Mistakes()
    (folder / "points.csv").write_bytes(content)
    read_points(folder, "points.csv", mistakes)
    return [str(mistake) for mistake in mistakes.found]


labels = st.text(st.characters(codec="gb18030", categories=("L", "N")), max_size=12) | st.sampled_from(
    ["电梯厅", "1 单元,东侧", '标"牌', "a;b"]
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(KINDS)), labels), unique_by=lambda row: row[0]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    separator=st.sampled_from(",;\t"),
    chinese=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_the_same_list_in_any_encoding_separator_and_language_is_the_same_list(
    tmp_path: Path, rows: list[tuple[int, str, str]], encoding: str, separator: str, chinese: bool, ending: str
) -> None:
    table = [CHINESE if chinese else ENGLISH]
    for number, kind, label in rows:
        quoted = '"' + label.replace('"', '""') + '"'
        table.append((f"217/{number}", f"1-{number}", KINDS[kind] if chinese else kind, quoted, "7", "", "1.5", "2"))
    text = ending.join(separator.join(row) for row in table)
    content = ENCODINGS[encoding] + text.encode(encoding.partition(" ")[0])
    found = points(tmp_path, content)
    assert {(p.address, p.kind, p.label, p.floor, p.x) for p in found.values()} == {
        (f"217/{number}", kind, label.strip(), "7", 1.5) for number, kind, label in rows
    }


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.binary(max_size=100).map(lambda raw: b"address,kind,x,label\n" + raw))
def test_any_bytes_give_points_or_mistakes(tmp_path: Path, content: bytes) -> None:
    said(tmp_path, content)


@pytest.mark.parametrize("floor", ["7", "07", "7F", "7层", "７", " 7 ", "7楼"])
def test_a_floor_is_read_as_the_lift_button_has_it(tmp_path: Path, floor: str) -> None:
    assert points(tmp_path, f"address,floor\n217/6,{floor}\n".encode())["217/6"].floor == "7"


def test_numbers_typed_full_width_or_with_zeros_are_the_panels_numbers(tmp_path: Path) -> None:
    assert set(points(tmp_path, "地址\n２１７／６\n217/007\n".encode())) == {"217/6", "217/7"}


def test_what_is_wrong_beside_the_address_leaves_the_point_listed(tmp_path: Path) -> None:
    mistakes = Mistakes()
    (tmp_path / "points.csv").write_bytes("address,kind,x\n217/6,烟敢,?\n".encode())
    found, rows = read_points(tmp_path, "points.csv", mistakes)
    assert found["217/6"].kind == "unknown"
    assert [spot.line for _, spot in rows] == [2]
    assert [mistake.line for mistake in mistakes.found] == [2, 2]
    assert mistakes.found[0].nearest == "烟感"


def test_lines_are_counted_past_empty_and_quoted_ones(tmp_path: Path) -> None:
    content = b'address,label\n\n217/6,"a"\n\n217/7,"b"\nx,\n'
    assert said(tmp_path, content) == ['points.csv:6 column address: "x" is not zone/point such as 217/6']


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        (b"", 'points.csv:1 has no header; it needs at least "address"'),
        (b"kind,label\nsmoke,x\n", 'points.csv:1 column "address or 地址" is missing'),
        (b"address,adress\n", 'points.csv:1 unknown column "adress", nearest: address'),
        (b"address,address\n", 'points.csv:1 column "address" stands there twice'),
        (b"address\n1/2\n\xff\xff\n", "points.csv:3 is neither UTF-8 nor GB18030 text here"),
        (b"address,label\n1/2," + b"x" * 201, "column label: must be at most 200 characters of text in one line"),
    ],
)
def test_a_list_of_the_wrong_form_is_told(tmp_path: Path, content: bytes, mistake: str) -> None:
    assert any(mistake in line for line in said(tmp_path, content)), said(tmp_path, content)
