"""A notice as its reader gets it, and as a list shows it."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from hub.console.text import mask_name
from hub.core.building import Building
from hub.core.records import Notice
from hub.notifiers.texts import render


def letter(notice: Notice, building: Building) -> tuple[str, str]:
    """Its title and text. One whose template this version doesn't have shows its name."""
    try:
        return render(notice.template, notice.params, notice.language, time_zone=ZoneInfo(building.site.time_zone))
    except KeyError:
        return notice.template, ""


def masked_letter(notice: Notice, building: Building) -> tuple[str, str]:
    """The same without names, and without codes that open something."""
    return letter(
        replace(notice, params={name: _masked(name, value) for name, value in notice.params.items()}), building
    )


def _masked(name: str, value: str) -> str:
    if name == "code":
        return "••••••" if value else ""
    return mask_name(value) if name in ("visitor", "name", "person") else value
