"""A notice as its reader gets it."""

from zoneinfo import ZoneInfo

from hub.core.building import Building
from hub.core.records import Notice
from hub.notifiers.texts import render


def letter(notice: Notice, building: Building) -> tuple[str, str]:
    """Its title and text. One whose template this version doesn't have shows its name."""
    try:
        return render(notice.template, notice.params, notice.language, time_zone=ZoneInfo(building.site.time_zone))
    except KeyError:
        return notice.template, ""
