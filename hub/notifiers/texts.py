"""What notices say, in Chinese and English, and how the words are filled in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from hub.core.text import clean


class Words(NamedTuple):
    """A [part in brackets] is left out unless all of its {parameters} have a value; of [one|two] the first such part
    is taken. Brackets may stand in brackets."""

    title: str
    text: str


_PARCEL_ZH = "快递[（{carrier}[ 尾号 {tail}]）|（尾号 {tail}）]"
_PARCEL_EN = "parcel[ ({carrier}[, ending {tail}])| (ending {tail})]"
_PLACE_ZH = "[{locker}[ {compartment} 格]|{post}[ {shelf} 号架]]"
_PLACE_EN = "[{locker}[, compartment {compartment}]|{post}[, shelf {shelf}]]"
_CODE_ZH = "[，取件码 {code}]"
_CODE_EN = "[ Pickup code: {code}.]"
_ASK_ZH = "[如有疑问请致电 {phone}。]"
_ASK_EN = "[ Questions: {phone}.]"

#: By template and language. `until`, `at` and `from` are moments in RFC 3339, `severity` and `kind` the hub's words.
#:
#: pickup…          site, carrier, tail (last four of the tracking number), locker and compartment or post and shelf,
#:                  code, until, phone (the desk's)
#: visitor_arrived  site, visitor, door, at, phone
#: visitor_code     site, code, from, until, phone
#: alert            site, severity, kind or what, place, label, shown (what the panel's display calls it), at, todo
TEXTS: Mapping[str, Mapping[str, Words]] = {
    "pickup": {
        "zh": Words(
            "快递待领取",
            f"[【{{site}}】]您有一件{_PARCEL_ZH}已存入{_PLACE_ZH}{_CODE_ZH}[，请于 {{until}} 前领取]。{_ASK_ZH}",
        ),
        "en": Words(
            "A parcel is waiting for you",
            f"[{{site}}: ]Your {_PARCEL_EN} is in {_PLACE_EN}.{_CODE_EN}[ Please collect it by {{until}}.]{_ASK_EN}",
        ),
    },
    "pickup_code": {
        "zh": Words("取件码", f"[【{{site}}】]您在{_PLACE_ZH}的{_PARCEL_ZH}，取件码 {{code}}。请勿转发他人。{_ASK_ZH}"),
        "en": Words(
            "Pickup code",
            f"[{{site}}: ]Pickup code {{code}} for your {_PARCEL_EN} in {_PLACE_EN}."
            f" Please keep it to yourself.{_ASK_EN}",
        ),
    },
    "pickup_reminder_24h": {
        "zh": Words(
            "快递待领取提醒",
            f"[【{{site}}】]您的{_PARCEL_ZH}已在{_PLACE_ZH}存放 24 小时{_CODE_ZH}，请及时领取。{_ASK_ZH}",
        ),
        "en": Words(
            "Your parcel is still waiting",
            f"[{{site}}: ]Your {_PARCEL_EN} has been in {_PLACE_EN} for 24 hours.{_CODE_EN}"
            f" Please collect it.{_ASK_EN}",
        ),
    },
    "pickup_reminder_72h": {
        "zh": Words(
            "快递已存放 3 天",
            f"[【{{site}}】]您的{_PARCEL_ZH}已在{_PLACE_ZH}存放 3 天{_CODE_ZH}，请尽快领取。{_ASK_ZH}",
        ),
        "en": Words(
            "Your parcel has waited for 3 days",
            f"[{{site}}: ]Your {_PARCEL_EN} has been in {_PLACE_EN} for 3 days.{_CODE_EN}"
            f" Please collect it soon.{_ASK_EN}",
        ),
    },
    "pickup_overdue_7d": {
        "zh": Words(
            "快递超期未领",
            f"[【{{site}}】]您的{_PARCEL_ZH}已在{_PLACE_ZH}存放 7 天，超期未领{_CODE_ZH}。"
            f"请尽快领取，或联系前台代为处理。{_ASK_ZH}",
        ),
        "en": Words(
            "Your parcel is overdue",
            f"[{{site}}: ]Your {_PARCEL_EN} has been in {_PLACE_EN} for 7 days and is overdue.{_CODE_EN}"
            f" Please collect it, or let the desk know what to do with it.{_ASK_EN}",
        ),
    },
    "visitor_arrived": {
        "zh": Words(
            "访客已到",
            "[【{site}】]您的访客[ {visitor} ]已[于 {at} ]到达[{door}]。[如不是您的访客，请致电前台 {phone}。]",
        ),
        "en": Words(
            "Your visitor has arrived",
            "[{site}: ]Your visitor[ {visitor}] has arrived[ at {door}][, {at}]."
            "[ Not your visitor? Call the desk: {phone}.]",
        ),
    },
    "visitor_code": {
        "zh": Words(
            "访客码", f"[【{{site}}】]您的访客码是 {{code}}[，有效期 {{from}} 至 {{until}}]。请勿转发他人。{_ASK_ZH}"
        ),
        "en": Words(
            "Visitor pass",
            f"[{{site}}: ]Your visitor code is {{code}}[, valid from {{from}} to {{until}}]."
            f" Please keep it to yourself.{_ASK_EN}",
        ),
    },
    "alert": {
        "zh": Words(
            "[{severity} ][{what}|{kind}|提醒][ {place}]",
            "[【{site}】][{what}|{kind}|提醒][，{place}][，{label}][，主机显示 {shown}][，{at}]。[{todo}]",
        ),
        "en": Words(
            "[{severity}: ][{what}|{kind}|Alert][, {place}]",
            "[{site}: ][{what}|{kind}|Alert][, {place}][, {label}][, shown by the panel as {shown}][, {at}].[ {todo}]",
        ),
    },
}

_SEVERITY = {
    "critical": ("特急", "Urgent"),
    "high": ("紧急", "High"),
    "medium": ("重要", "Medium"),
    "low": ("一般", "Low"),
}
_KIND = {
    "fire": ("火警", "Fire alarm"),
    "evacuation": ("疏散", "Evacuation"),
    "help": ("求助", "Call for help"),
    "duress": ("请核查", "Please check"),
    "emergency": ("突发事件", "Emergency"),
    "door_held_open": ("门超时未关", "Door held open"),
    "door_forced": ("门被强行打开", "Door forced"),
    "door_tailgated": ("尾随", "Tailgating"),
    "device_offline": ("设备失联", "Device not heard of"),
    "panel_offline": ("消防主机失联", "Fire panel not heard of"),
}
_MOMENTS = ("until", "at", "from")
_PART = re.compile(r"\[([^\[\]]*)\]")
_PARAMETER = re.compile(r"\{(\w+)\}")


def render(
    template: str,
    params: Mapping[str, str],
    language: str,
    *,
    time_zone: tzinfo = UTC,
    drill: bool = False,
) -> tuple[str, str]:
    """The notice's title and text. A language other than "en" is Chinese. Raises KeyError for an unknown template."""
    english = language == "en"
    words = TEXTS[template]["en" if english else "zh"]
    values = {name: clean(_shown(name, value, english, time_zone), 200) for name, value in params.items() if value}
    mark = ("[DRILL] " if english else "【演练】") if drill else ""
    return mark + _fill(words.title, values), mark + _fill(words.text, values)


def _fill(words: str, values: Mapping[str, str]) -> str:
    """Parts are chosen before any value is put in, so that a value can hold brackets and braces."""

    def choose(part: re.Match[str]) -> str:
        choices = part[1].split("|")
        return next((choice for choice in choices if all(map(values.get, _PARAMETER.findall(choice)))), "")

    parts = 1
    while parts:
        words, parts = _PART.subn(choose, words)
    return _PARAMETER.sub(lambda name: values.get(name[1], ""), words).strip()


def _shown(name: str, value: str, english: bool, time_zone: tzinfo) -> str:
    if name in _MOMENTS:
        return _moment(value, english, time_zone)
    if name == "severity" and value in _SEVERITY:
        return _SEVERITY[value][english]
    if name == "kind" and value in _KIND:
        return _KIND[value][english]
    return value


def _moment(value: str, english: bool, time_zone: tzinfo) -> str:
    """1月5日 11:04, 5 Jan 11:04. What isn't a moment with an offset is shown as it stands."""
    try:
        moment = datetime.fromisoformat(value)
        local = moment.astimezone(time_zone)
    except (ValueError, OverflowError):
        return value
    if moment.tzinfo is None:
        return value
    day = f"{local.day} {local:%b}" if english else f"{local.month}月{local.day}日"
    return f"{day} {local:%H:%M}"
