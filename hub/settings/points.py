"""A panel's point list: one detector, call point or module a row."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from hub.core.building import Point
from hub.core.fire_events import Detector
from hub.settings.csv_file import plain, read_csv
from hub.settings.mistakes import Mistakes, SourceLine

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "address": ("地址", "编码", "点位", "point"),
    "shown": ("主机显示", "主机编号", "显示编号"),
    "kind": ("类型", "设备类型", "种类", "type"),
    "label": ("位置", "安装位置", "描述", "location"),
    "floor": ("楼层", "层"),
    "fire_zone": ("报警区域", "防火分区", "fire zone", "firezone"),
    "x": ("x坐标",),
    "y": ("y坐标",),
    "life": ("生命",),
}
_KINDS: Mapping[str, Detector] = {
    **{kind: kind for kind in get_args(Detector)},
    **dict.fromkeys(("烟感", "感烟", "感烟探测器", "点型感烟", "光电感烟", "感烟火灾探测器"), "smoke"),
    **dict.fromkeys(("温感", "感温", "感温探测器", "点型感温", "感温火灾探测器"), "heat"),
    **dict.fromkeys(("火焰", "火焰探测器", "感光"), "flame"),
    **dict.fromkeys(("燃气", "可燃气体", "可燃气体探测器", "燃气探测器"), "gas"),
    **dict.fromkeys(("一氧化碳", "一氧化碳探测器"), "co"),
    **dict.fromkeys(("复合", "复合探测器", "烟温复合"), "multi"),
    **dict.fromkeys(("手报", "手动报警按钮", "手动火灾报警按钮", "call_point", "pull_station"), "manual_call_point"),
    **dict.fromkeys(("消火栓按钮", "消报", "消防栓按钮"), "hydrant_button"),
    **dict.fromkeys(("水流指示器", "水流"), "flow_switch"),
    "压力开关": "pressure_switch",
    **dict.fromkeys(("信号阀", "信号蝶阀", "报警阀", "阀"), "valve"),
    **dict.fromkeys(("防火门", "常开防火门"), "door"),
    **dict.fromkeys(("防火阀", "排烟阀", "送风口", "排烟口", "防排烟阀"), "damper"),
    **dict.fromkeys(("风机", "排烟风机", "送风机", "正压风机"), "fan"),
    **dict.fromkeys(("水泵", "喷淋泵", "消火栓泵", "消防泵", "稳压泵"), "pump"),
    **dict.fromkeys(("卷帘", "防火卷帘", "卷帘门", "防火卷帘门"), "shutter"),
    **dict.fromkeys(("声光", "声光警报器", "声光报警器", "警铃", "讯响器"), "sounder"),
    **dict.fromkeys(("模块", "输入模块", "输出模块", "输入输出模块"), "module"),
    **dict.fromkeys(("电气火灾", "剩余电流", "电气火灾探测器"), "electrical"),
    **dict.fromkeys(("广播", "消防广播", "应急广播"), "broadcast"),
    **dict.fromkeys(("电梯", "消防电梯"), "lift"),
    **dict.fromkeys(("火灾显示盘", "楼层显示器", "层显", "显示盘"), "display"),
    **dict.fromkeys(("控制器", "火灾报警控制器", "主机"), "controller"),
    **dict.fromkeys(("未知", "其他", ""), "unknown"),
}
_YES_NO = {"": False, "no": False, "0": False, "false": False, "否": False}
_YES_NO |= {"yes": True, "1": True, "true": True, "是": True}
_DATE = re.compile(r"[0-9年月日/-]*[年月日][0-9年月日/-]*|\d+-[A-Za-z]{3}|[A-Za-z]{3}-\d+|\d+/\d+/\d+")


Rows = tuple[tuple[Point, SourceLine], ...]


def read_points(folder: Path, name: str, mistakes: Mistakes) -> tuple[dict[str, Point], Rows]:
    """The points by address, and every row with its place: also those whose address is refused, as ""."""
    points: dict[str, Point] = {}
    lines: dict[str, int] = {}
    rows = []
    for row in read_csv(folder, name, COLUMNS, "address", mistakes):
        spot = SourceLine(name, row.line)
        point = _point(row.cells, spot, mistakes)
        rows.append((point, spot))
        if point.address in points:
            said = f'column address: "{point.address}" stands in line {lines[point.address]} already'
            mistakes.add(spot, said)
        elif point.address:
            points[point.address] = point
            lines[point.address] = spot.line
    return points, tuple(rows)


def _point(cells: Mapping[str, str], spot: SourceLine, mistakes: Mistakes) -> Point:
    """The point; what is wrong is told and left at its default, so that an alarm finds it."""

    def cell(column: str) -> str:
        return plain(cells.get(column, ""))

    address = _address(cell("address"))
    if address is None:
        said = f'"{cell("address")}" is not zone/point such as 217/6'
        if _DATE.fullmatch(cell("address")):
            said += " (a spreadsheet made a date of it: set that column to text)"
        mistakes.add(spot, f"column address: {said}")
    values: dict[str, Any] = {"address": address or "", "floor": _floor(cell("floor")), "fire_zone": cell("fire_zone")}
    kind = cell("kind").lower().replace(" ", "_").replace("-", "_")
    if kind in _KINDS:
        values["kind"] = _KINDS[kind]
    else:
        mistakes.add(spot, f'column kind: unknown kind "{cell("kind")}"', kind, _KINDS)
    values["shown"] = cells.get("shown", "")
    values["label"] = cells.get("label", "")
    for column in ("x", "y"):
        if metres := cell(column):
            if re.fullmatch(r"-?[0-9]{1,6}([.][0-9]{1,6})?", metres):
                values[column] = float(metres)
            else:
                mistakes.add(spot, f'column {column}: "{metres}" is not a number of metres')
    life = _YES_NO.get(cell("life").lower())
    if life is None:
        mistakes.add(spot, f'column life: "{cell("life")}" is neither yes nor no')
    return Point(**values, life=bool(life))


def _floor(written: str) -> str:
    """As on the lift button: 7 for 07, 7F and 7层."""
    match = re.fullmatch(r"([A-Za-z-]?)0*([0-9]+)(?:F|f|层|楼)?", written)
    return match[1] + match[2] if match else written


def _address(written: str) -> str | None:
    """`217/6`; leading zeros as some lists have them are dropped, as the panel's own number has none."""
    match = re.fullmatch(r"([0-9]{1,10})/([0-9]{1,10})", written)
    return f"{int(match[1])}/{int(match[2])}" if match else None
