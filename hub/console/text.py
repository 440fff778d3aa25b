"""Times, names and places as the desk reads them: in the site's time zone, masked, in the page's language."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from hub.console.words import Language, Words
from hub.core.building import Building
from hub.core.records import Alert, Incident, Parcel, Severity
from hub.rules.silence import silent_ones

SEVERITY_NUMBER: Mapping[Severity, int] = {"critical": 1, "high": 2, "medium": 3, "low": 4}

_NAMED = 8
"""devices behind a dead switch that its line names"""
_UNDECLARED = "unknown."
"""before the ids of devices that knock without being declared"""


def mask_name(name: str) -> str:
    """李*: the first character stays."""
    return f"{name[:1]}*" if name else ""


def mask_phone(phone: str) -> str:
    """199****0012; a short one has only its last two figures."""
    if len(phone) >= 8:
        return f"{phone[:3]}****{phone[-4:]}"
    return f"****{phone[-2:]}" if phone else ""


def mask_email(email: str) -> str:
    name, at, host = email.partition("@")
    return f"{name[:1]}***{at}{host}" if email else ""


class Text:
    """What a template needs to put records into words, for one language at one moment."""

    def __init__(
        self,
        language: Language,
        building: Building,
        now: datetime,
        *,
        public: bool = False,
        users: Mapping[str, str] | None = None,
        undeclared: Mapping[str, str] | None = None,
    ) -> None:
        """`undeclared`: the addresses of devices that knock without being declared, by the ids that they go by."""
        self.language = language
        self.t = Words(language)
        self.building = building
        self.now = now
        self.public = public
        self._users = users or {}
        self._undeclared = undeclared or {}
        self.zone = ZoneInfo(building.site.time_zone)

    # times

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def clock(self, moment: datetime | None) -> str:
        """To the second: 14:02:40, with the date when it isn't today."""
        return self._dated(moment, "%H:%M:%S")

    def short(self, moment: datetime | None) -> str:
        """To the minute: 14:10, with the date when it isn't today."""
        return self._dated(moment, "%H:%M")

    def full(self, moment: datetime | None) -> str:
        return self.local(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""

    def _dated(self, moment: datetime | None, pattern: str) -> str:
        if moment is None:
            return ""
        there, here = self.local(moment), self.local(self.now)
        if there.date() == here.date():
            return there.strftime(pattern)
        day = "%m-%d " if there.year == here.year else "%Y-%m-%d "
        return there.strftime(day + pattern)

    def age(self, moment: datetime | None) -> Markup:
        """A running clock: 00:42, with the exact time as its title."""
        if moment is None:
            return Markup("")
        return Markup('<time datetime="{0}" data-since="{0}" title="{1}">{2}</time>').format(
            _iso(moment), self.full(moment), self.lasted(self.now - moment)
        )

    def left(self, moment: datetime, seconds: int) -> Markup:
        """A clock that runs down: 02:18 of the three minutes from `moment`."""
        rest = max(timedelta(0), timedelta(seconds=seconds) - (self.now - moment))
        return Markup('<span data-since="{}" data-left="{}">{}</span>').format(_iso(moment), seconds, self.lasted(rest))

    def lasted(self, span: timedelta) -> str:
        seconds = max(0, int(span.total_seconds()))
        minutes = seconds // 60
        if minutes < 60:
            return f"{minutes:02}:{seconds % 60:02}"
        hours = minutes // 60
        if hours < 48:
            return self.t("time.hours", hours=hours, minutes=minutes % 60)
        return self.t("time.days", days=hours // 24)

    def skew(self, seconds: float) -> str:
        """What a device's clock reads more or less than ours."""
        if round(seconds) == 0:
            return self.t("device.clock_right")
        which = "device.clock_fast" if seconds > 0 else "device.clock_slow"
        return self.t(which, time=self.lasted(timedelta(seconds=abs(round(seconds)))))

    def iso(self, moment: datetime) -> str:
        return _iso(moment)

    # people and parcels

    def user(self, name: str) -> str:
        """A colleague, by the name that stands on screen."""
        return self._users.get(name, name)

    def name(self, name: str) -> Markup:
        return Markup('<span class="person">{}</span>').format(mask_name(name))

    def phone(self, phone: str) -> Markup:
        return Markup('<span class="person number">{}</span>').format(mask_phone(phone))

    def email(self, email: str) -> Markup:
        return Markup('<span class="person">{}</span>').format(mask_email(email))

    def parcel(self, parcel: Parcel) -> str:
        return self.t("parcel.tail", carrier=parcel.carrier, tail=parcel.tracking[-4:]).strip()

    def kept_at(self, parcel: Parcel) -> str:
        """Where it lies: a shelf at the desk, or a compartment of a locker."""
        if parcel.shelf:
            return parcel.shelf
        return f"{self.device(parcel.device)} {parcel.compartment}".strip()

    # places

    def device(self, device: str) -> str:
        if declared := self.building.devices.get(device):
            return declared.name.in_language(self.language)
        if device.startswith(_UNDECLARED):
            address = self._undeclared.get(device) or device.split(".", 2)[-1].rpartition(".")[0]
            return self.t("place.undeclared", address=address)
        return device

    def unreadable(self, reason: str) -> str:
        """What is wrong with a frame, in the desk's words; the adapter's own words stand behind it."""
        kind, _, details = reason.partition(": ")
        if not self.t.has(f"unreadable.{kind}"):
            return reason
        words = self.t(f"unreadable.{kind}")
        return f"{words}: {details}" if details else words

    def door(self, door: str) -> str:
        if declared := self.building.doors.get(door):
            return declared.name.in_language(self.language)
        device, _, number = door.partition("/")
        return f"{self.device(device)} {number}".strip()

    def place(self, place: str) -> str:
        """A fire zone, a zone, a door or a device by its name; a place that a person typed as typed."""
        if place in self.building.doors:
            return self.door(place)
        if place in self.building.devices or place.startswith(_UNDECLARED):
            return self.device(place)
        if place.startswith("late/"):
            return self.t("place.late", device=self.device(place.removeprefix("late/")))
        if place.partition("/")[0] in self.building.devices:
            return self.door(place)
        return self.building.fire_zone_name(place, self.language)

    def command_result(self, result: str) -> str:
        """What a device answered to a command; an answer that only its maker knows, as the device gave it."""
        if not result or self.t.has(f"command_result.{result}"):
            return self.t(f"command_result.{result}") if result else ""
        return self.t("command_result.other", result=result)

    # incidents and alerts

    def incident_kind(self, incident: Incident) -> str:
        if incident.kind == "duress" and self.public:
            return self.t("incident.please_check")
        if incident.kind == "emergency" and (kind := incident.details.get("kind")):
            return self.t.named("emergency", kind)
        if self.is_undeclared(incident):
            return self.t("alert.unregistered_fire")
        return self.t(f"incident.kind.{incident.kind}")

    def is_undeclared(self, incident: Incident) -> bool:
        """A fire told by a device that nobody declared: where it hangs is not known."""
        undeclared = incident.first_device and incident.first_device not in self.building.devices
        return bool(undeclared) and incident.kind in ("fire", "evacuation")

    def incident_place(self, incident: Incident) -> str:
        place = self.place(incident.place) if incident.place else self.device(incident.first_device)
        return " · ".join(dict.fromkeys(part for part in (place, incident.first_label) if part))

    def first_point(self, incident: Incident) -> str:
        """烟感 1-2-037 (主机显示)"""
        if not incident.first_shown:
            return self.device(incident.first_device) if incident.first_device else ""
        detector = self.t.named("detector", incident.first_detector or "unknown")
        return self.t("incident.shown", detector=detector, shown=incident.first_shown)

    def counts(self, incident: Incident) -> str:
        """烟感 2 · 手报 1 · 启动 3 · 反馈 2"""
        parts = [f"{self.t.named('detector', kind)} {number}" for kind, number in incident.counts.items() if number]
        if incident.activations:
            parts.append(self.t("incident.activations", number=incident.activations))
        if incident.feedbacks:
            parts.append(self.t("incident.feedbacks", number=incident.feedbacks))
        return " · ".join(parts)

    def incident_sentence(self, incident: Incident) -> str:
        """The one sentence that is read out, and again only when the state or the number of points changes."""
        return self.t(
            "incident.sentence",
            kind=self.incident_kind(incident),
            place=self.incident_place(incident),
            state=self.incident_state(incident),
            counts=self.counts(incident),
        )

    def incident_state(self, incident: Incident) -> str:
        if incident.state == "judged" and incident.verdict:
            return self.t(f"verdict.{incident.verdict}")
        return self.t(f"incident.state.{incident.state}")

    def alert_title(self, alert: Alert) -> str:
        return self.t.named("alert", alert.kind)

    def alert_place(self, alert: Alert) -> str:
        if link := alert.details.get("link"):
            known = self.building.links.get(link)
            return known.name.in_language(self.language) if known else link
        if alert.door:
            return self.door(alert.door)
        declared = self.building.devices.get(alert.device)
        if declared and alert.label == declared.name.zh:
            return self.device(alert.device)
        parts = [self.place(alert.fire_zone or alert.zone) if alert.fire_zone or alert.zone else "", alert.label]
        place = " · ".join(part for part in parts if part)
        if alert.shown:
            place = self.t("alert.shown", place=place, shown=alert.shown).strip()
        return place or self.device(alert.device)

    def taken_away(self, alert: Alert) -> str:
        """Which devices are silent behind a switch, the first few by name; "" for any other alert."""
        silent = silent_ones(alert)
        if not silent:
            return ""
        named = self.t("list.comma").join(self.device(device) for device in silent[:_NAMED])
        devices = self.t("queue.and_more", devices=named) if len(silent) > _NAMED else named
        return self.t("queue.takes_away", number=len(silent), of=alert.details.get("of", "?"), devices=devices)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
