"""An event in plain words: what happened, where, to whom. Names are masked."""

from collections.abc import Mapping

from hub.console.text import Text, mask_name
from hub.store.events import StoredEvent


def sentence(stored: StoredEvent, text: Text) -> str:
    """One line, such as 东门 1 号通道 岑* 通过 人脸. Nothing that visitors can see tells of duress."""
    event = stored.event
    data = event.data.model_dump()
    if text.public and (event.type == "access.duress" or data.get("kind") == "duress"):
        return f"{text.t('incident.please_check')} {_where(stored, data, text)}"
    key = f"event.{event.type}"
    if data.get("active") is False and text.t.has(f"{key}.quiet"):
        key = f"{key}.quiet"
    if event.lane == "life" and text.t.has(f"{key}.life"):
        key = f"{key}.life"
    return text.t(key, where=_where(stored, data, text), who=_who(data), what=_what(data, text)).strip()


def type_named(type_name: str, text: Text) -> str:
    """What an event of this type would say, without its particulars: 通过, 火警, 门已开."""
    return text.t(f"event.{type_name}", where="", who="", what="").strip(" :：,，()")


def _where(stored: StoredEvent, data: Mapping[str, object], text: Text) -> str:
    if stored.door:
        return text.door(stored.door)
    if stored.fire_zone:
        place = " · ".join(part for part in (text.place(stored.fire_zone), stored.label) if part)
        shown = data.get("shown")
        return f"{place} ({shown})" if shown else place
    compartment = data.get("compartment")
    if stored.event.device:
        device = text.device(stored.event.device)
        return f"{device} {compartment}" if compartment else device
    named = data.get("fire_zone") or data.get("door") or data.get("place") or data.get("device") or data.get("shelf")
    return text.place(named) if isinstance(named, str) else ""


def _who(data: Mapping[str, object]) -> str:
    person = data.get("person")
    if isinstance(person, dict) and person.get("name"):
        return mask_name(person["name"])
    by = data.get("by")
    return by if isinstance(by, str) else ""


_WORDS: Mapping[str, str] = {
    "method": "method",
    "reason": "denied",
    "detector": "detector",
    "part": "part",
    "operation": "operation",
    "linkage": "linkage",
    "severity": "severity",
    "verdict": "verdict",
    "answer": "visit.answered",
    "cause": "cause",
    "what": "reported",
}


def _what(data: Mapping[str, object], text: Text) -> str:
    """The first detail that has a word: how someone passed, why not, which kind of detector."""
    if isinstance(kind := data.get("kind"), str):
        for group in ("alert", "emergency", "visit_kind", "incident.kind"):
            if text.t.has(f"{group}.{kind}"):
                return text.t(f"{group}.{kind}")
    for field in ("reason", "operation", "linkage", "part", "verdict", "answer", "detector", "method", "what"):
        value = data.get(field)
        if isinstance(value, str) and value and text.t.has(f"{_WORDS[field]}.{value}"):
            return text.t(f"{_WORDS[field]}.{value}")
    match data:
        case {"quantity": str(quantity), "value": value, "unit": str(unit)}:
            return f"{quantity} {value} {unit}"
        case {"parcel": {"tracking": str(tracking)}}:
            return text.t("parcel.tail", carrier="", tail=tracking[-4:]).strip()
        case {"skew": float(skew)}:
            return text.skew(skew)
        case {"command": str(), "result": str(result)}:
            return text.command_result(result)
        case {"reason": str(reason)}:
            return text.unreadable(reason)
        case {"text": str(said)}:
            return said
        case {"deadline": str(deadline)}:
            return text.t.named("deadline", deadline.partition("/")[0])
        case _:
            return ""
