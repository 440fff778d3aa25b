"""Notices: to a person on every configured channel that can reach them, to a post when an incident needs it.

A notice's key names its cause and channel, so a repeat of the cause is the same notice.
"""

from datetime import datetime
from typing import Literal

from hub.core.building import Post
from hub.core.effects import SendNotice
from hub.core.events import Event
from hub.core.facts import Facts
from hub.core.records import Incident, Notice, Person, Severity
from hub.core.text import rfc3339


def to_person(
    facts: Facts,
    template: str,
    record: str,
    params: dict[str, str],
    at: datetime,
    *,
    person: Person | None = None,
    phone: str = "",
    severity: Severity = "low",
) -> list[SendNotice]:
    """`phone` reaches someone who isn't a known person. Params that are "" are left out."""
    language = language_of(person)
    notices = []
    for channel in facts.channels:
        address = _address(channel, person, phone)
        if address is None:
            continue
        notices.append(
            SendNotice(
                Notice(
                    key=f"{template}/{record}/{channel}",
                    site=facts.building.site.id,
                    template=template,
                    language=language,
                    channel=channel,
                    to=address,
                    person=person.id if person else "",
                    record=record,
                    severity=severity,
                    params={
                        "site": facts.building.site.name.in_language(language),
                        "phone": desk_phone(facts),
                        **{name: value for name, value in params.items() if value},
                    },
                    next_at=at,
                    created_at=at,
                )
            )
        )
    return notices


def language_of(person: Person | None) -> Literal["zh", "en"]:
    """What a notice to them is written in, and names things in."""
    return person.language if person else "zh"


def to_post(facts: Facts, event: Event, post: Post, incident: Incident, rung: int) -> list[SendNotice]:
    """An alert to a post, once a rung of the ladder, and again when it is asked anew."""
    again = f"/{rfc3339(incident.asked_again_at)}" if incident.asked_again_at else ""
    params = {
        "site": facts.building.site.name.zh,
        "severity": "critical",
        "kind": incident.kind,
        "place": place_name(facts, incident.place, "zh"),
        "label": incident.first_label,
        "shown": incident.first_shown,
        "at": rfc3339(incident.first_at),
    }
    return [
        SendNotice(
            Notice(
                key=f"alert/{incident.id}{again}/{rung}/{post.id}/{channel}",
                site=event.site,
                template="alert",
                channel=channel,
                to="" if channel == "desk" else post.phone,
                record=incident.id,
                severity="critical",
                params={name: value for name, value in params.items() if value},
                next_at=event.received,
                created_at=event.received,
            )
        )
        for channel in facts.channels
        if channel != "smtp" and (channel == "desk" or post.phone)
    ]


def desk_phone(facts: Facts) -> str:
    post = facts.building.post_for("visitor")
    return post.phone if post else ""


def place_name(facts: Facts, place: str, language: str) -> str:
    return facts.building.fire_zone_name(place, language) if "/" in place or place in facts.building.zones else place


def _address(channel: str, person: Person | None, phone: str) -> str | None:
    """Where a channel reaches them; None where it can't."""
    match channel:
        case "desk":
            return ""
        case "smtp":
            return (person.email if person else "") or None
        case _:
            return (person.phone if person else "") or phone or None
