"""What people read: in plain words, whole, with nothing left over from the template."""

import re
from zoneinfo import ZoneInfo

import pytest

from hub.notifiers.texts import TEXTS, render

SHANGHAI = ZoneInfo("Asia/Shanghai")
PARAMS = {
    "site": "阳光花园",
    "carrier": "中通",
    "tail": "8820",
    "locker": "3号楼快递柜",
    "compartment": "07",
    "code": "384921",
    "until": "2026-01-05T03:04:05.000Z",
    "phone": "0571-8800-0001",
}


def test_a_pickup_notice_says_what_where_by_which_code_and_until_when() -> None:
    title, text = render("pickup", PARAMS, "zh", time_zone=SHANGHAI)
    assert title == "快递待领取"
    assert text == (
        "【阳光花园】您有一件快递（中通 尾号 8820）已存入3号楼快递柜 07 格，取件码 384921，请于 1月5日 11:04 前领取。"
        "如有疑问请致电 0571-8800-0001。"
    )
    _, text = render("pickup", PARAMS | {"site": "Sunshine Garden", "locker": "Locker 2"}, "en", time_zone=SHANGHAI)
    assert text == (
        "Sunshine Garden: Your parcel (中通, ending 8820) is in Locker 2, compartment 07. Pickup code: 384921."
        " Please collect it by 5 Jan 11:04. Questions: 0571-8800-0001."
    )


def test_a_locker_that_makes_its_own_codes_gets_a_notice_without_one() -> None:
    for language in ("zh", "en"):
        _, text = render("pickup", PARAMS | {"code": ""}, language)
        assert "取件码" not in text
        assert "code" not in text.lower()


def test_a_parcel_at_the_desk_has_a_shelf() -> None:
    _, text = render("pickup", {"site": "阳光花园", "tail": "8820", "post": "前台", "shelf": "3"}, "zh")
    assert text == "【阳光花园】您有一件快递（尾号 8820）已存入前台 3 号架。"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("template", TEXTS)
@pytest.mark.parametrize("params", [{}, PARAMS], ids=["nothing known", "all known"])
def test_no_template_shows_its_brackets(template: str, language: str, params: dict[str, str]) -> None:
    for words in render(template, params, language, time_zone=SHANGHAI):
        assert words
        assert not re.search(r"[\[\]{}|]|（）|\(\)", words)


@pytest.mark.parametrize("template", TEXTS)
def test_a_drill_says_so_first(template: str) -> None:
    assert all(words.startswith("【演练】") for words in render(template, PARAMS, "zh", drill=True))
    assert all(words.startswith("[DRILL]") for words in render(template, PARAMS, "en", drill=True))


def test_a_value_is_shown_as_it_is_and_never_read_as_a_template() -> None:
    _, text = render("visitor_arrived", {"visitor": "[李|{phone}]\r\nBcc: x", "phone": "123"}, "zh")
    assert text == "您的访客 [李|{phone}]Bcc: x 已到达。如不是您的访客，请致电前台 123。"


def test_an_alert_says_what_where_and_what_to_do() -> None:
    params = {
        "site": "阳光花园",
        "severity": "critical",
        "kind": "fire",
        "place": "3号楼 7层",
        "shown": "1-2-037",
        "at": "2026-01-05T03:04:05Z",
        "todo": "请到场核实。",
    }
    assert render("alert", params, "zh", time_zone=SHANGHAI) == (
        "特急 火警 3号楼 7层",
        "【阳光花园】火警，3号楼 7层，主机显示 1-2-037，1月5日 11:04。请到场核实。",
    )


def test_duress_is_not_named() -> None:
    for words in render("alert", {"kind": "duress"}, "zh") + render("alert", {"kind": "duress"}, "en"):
        assert "胁迫" not in words
        assert "duress" not in words.lower()


@pytest.mark.parametrize("until", ["明天", "2026-01-05", "2026-01-05T03:04:05", "0001-01-01T00:00:00Z"])
def test_what_is_no_moment_is_shown_as_it_stands(until: str) -> None:
    _, text = render("pickup", PARAMS | {"until": until}, "zh", time_zone=ZoneInfo("America/New_York"))
    assert f"请于 {until} 前领取" in text


def test_an_unknown_template_is_an_error() -> None:
    with pytest.raises(KeyError):
        render("birthday", {}, "zh")
