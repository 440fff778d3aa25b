"""Values that several tables share: names in two languages, places on a plan."""

from typing import Any

from hub.core.building import Name


def both_languages(written: object) -> Name:
    """`"前台"` is the name in both languages; `{zh = "前台", en = "Front desk"}` has each, and one alone does."""
    if isinstance(written, str):
        return _name(written, written)
    if not isinstance(written, dict) or not written or set(written) - {"zh", "en"}:
        raise ValueError('must be text in quotes, or {zh = "…", en = "…"}')
    zh, en = written.get("zh"), written.get("en")
    return _name(en if zh is None else zh, zh if en is None else en)


def _name(zh: object, en: object) -> Name:
    if not isinstance(zh, str) or not isinstance(en, str):
        raise ValueError("must be text in quotes")
    if not zh.strip() or not en.strip():
        raise ValueError("is empty")
    if len(zh) > 200 or len(en) > 200 or not (zh + en).isprintable():
        raise ValueError("must be at most 200 characters of text in one line")
    return Name(zh=zh, en=en)


def spot_on_plan(written: object) -> dict[str, Any]:
    """`["estate", 612, 240]`: metres from the top left of that plan."""
    match written:
        case [str(plan), int() | float() as x, int() | float() as y]:
            return {"plan": plan, "x": x, "y": y}
        case _:
            raise ValueError('must be a plan and two numbers of metres such as ["estate", 612, 240]')
