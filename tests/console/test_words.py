"""Both catalogues have the same keys, and every key that code or pages use is there."""

import re
import string
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.pofile import read_po

import hub.console
import hub.rules
from hub.console.render import VISIT_KINDS
from hub.console.words import LOCALE, Words
from hub.core.access_events import DeniedReason, Method
from hub.core.events import EVENT_CLASSES
from hub.core.fire_events import Detector, EmergencyKind, PanelOperation, TroublePart
from hub.core.records import FalseCause, IncidentKind, IncidentState, NoticeState, ParcelState, PersonKind, Verdict

CONSOLE = Path(hub.console.__file__).parent
RULES = Path(hub.rules.__file__).parent


def catalogue(language: str) -> dict[str, str]:
    with (LOCALE / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


ZH, EN = catalogue("zh"), catalogue("en")


def test_both_languages_say_everything() -> None:
    assert ZH.keys() == EN.keys()
    assert not [key for key in ZH if not ZH[key].strip() or not EN[key].strip()]


def test_both_languages_take_the_same_parameters() -> None:
    def parameters(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    assert [key for key in ZH if parameters(ZH[key]) != parameters(EN[key])] == []


def test_every_key_that_pages_and_code_name_is_there() -> None:
    used: set[str] = set()
    for template in (CONSOLE / "templates").rglob("*.html"):
        used |= set(re.findall(r"""\bt\('([a-z0-9_.]+)'[,)]""", template.read_text("utf-8")))
    for source in CONSOLE.rglob("*.py"):
        text = source.read_text("utf-8")
        used |= set(re.findall(r"""\bt\(\s*"([a-z0-9_.]+)"[,)]""", text))
        used |= set(re.findall(r"""(?:_Bad|acted)\((?:request, )?"([a-z0-9_.]+)"[,)]""", text))
    assert len(used) > 200
    assert sorted(used - ZH.keys()) == []


def test_every_reason_why_an_act_is_refused_has_words() -> None:
    reasons = set()
    for source in (*RULES.rglob("*.py"), *CONSOLE.rglob("*.py")):
        reasons |= set(re.findall(r"""Refused\(\s*"([a-z0-9_.]+)"[,)]""", source.read_text("utf-8")))
    assert sorted(reason for reason in reasons if reason not in ZH and f"refused.{reason}" not in ZH) == []


LISTS = {
    "event": EVENT_CLASSES,
    "method": get_args(Method),
    "denied": get_args(DeniedReason),
    "detector": get_args(Detector),
    "emergency": get_args(EmergencyKind),
    "operation": get_args(PanelOperation),
    "part": get_args(TroublePart),
    "cause": get_args(FalseCause),
    "verdict": get_args(Verdict),
    "incident.kind": get_args(IncidentKind),
    "incident.state": get_args(IncidentState),
    "notice.state": get_args(NoticeState),
    "parcel.state": get_args(ParcelState),
    "person.kind": get_args(PersonKind),
    "visit_kind": VISIT_KINDS,
}


@pytest.mark.parametrize("group", LISTS)
def test_every_value_of_a_closed_list_has_a_word(group: str) -> None:
    assert [value for value in LISTS[group] if f"{group}.{value}" not in ZH] == []


def test_every_kind_of_alert_that_a_rule_raises_has_a_word() -> None:
    kinds = set()
    for source in RULES.rglob("*.py"):
        text = source.read_text("utf-8")
        kinds |= set(re.findall(r"""raise_\w+\(\s*event,\s*facts,\s*"([a-z_]+)\"""", text))
        kinds |= set(re.findall(r"""alert_kind="([a-z_]+)\"""", text))
        kinds |= set(re.findall(r"""\("(fire_[a-z_]+)", "(?:high|medium|low)"\)""", text))
    assert len(kinds) > 10
    assert sorted(kind for kind in kinds if f"alert.{kind}" not in ZH) == []


@pytest.mark.parametrize("wrong", ["确认", "告警", "包裹", "储物柜", "居民", "保安", "凭证", "事件"])
def test_the_desks_own_words_are_used(wrong: str) -> None:
    allowed = {"突发事件"}
    said = [sentence for sentence in ZH.values() if wrong in sentence]
    assert [s for s in said if not any(word in s for word in allowed) and "主机已确认" not in s] == []


HUB = CONSOLE.parent


@pytest.mark.parametrize(
    ("group", "pattern", "files"),
    [
        ("act", r"""tx\.now, "command line", "", "([a-z_.]+)\"""", ("cli", "store")),
        ("act", r"""signed\.post, "([a-z]+\.[a-z_.]+)\"""", ("console",)),
        ("act", r"""note\([^)]*name="([a-z_.]+)\"""", ("console",)),
        ("not_sent", r"""NotSent\([^)]*reason="([a-z_]+)\"""", ("dispatch.py", "notifiers")),
        ("deadline", r"""case "([a-z]+)":\n            return""", ("rules/__init__.py",)),
        ("command_result", r"""_close\([a-z]+, False, "([a-z_]+)\"""", ("host",)),
    ],
)
def test_what_other_parts_name_has_words(group: str, pattern: str, files: tuple[str, ...]) -> None:
    sources = [s for name in files for s in ((HUB / name).rglob("*.py") if (HUB / name).is_dir() else [HUB / name])]
    named = {word for source in sources for word in re.findall(pattern, source.read_text("utf-8"))}
    assert named
    assert sorted(word for word in named if f"{group}.{word}" not in ZH) == []


def test_a_key_without_words_is_shown_as_it_is() -> None:
    assert Words("zh")("no.such.key") == "no.such.key"
