"""Who fell silent and who is back. Of devices behind one switch that fall silent together there is one alert: it says
what the switch takes away, and is over when the last of them is back.
"""

from dataclasses import replace

from hub.core.device_events import DeviceOffline, DeviceOnline
from hub.core.effects import AlertBecomes, Effect
from hub.core.envelope import Lane
from hub.core.facts import Facts
from hub.core.records import Alert, Severity
from hub.rules.alerts import clear_alert, device_place, is_late, raise_alert, raise_routine

SILENT = "silent."
"""before a device's id among an alert's details: it is among the silent ones since that row of its host"""
_WORST: tuple[Severity, ...] = ("critical", "high", "medium", "low")


def offline(event: DeviceOffline, facts: Facts) -> list[Effect]:
    """A fire panel that is silent is never late news: it is raised whatever its time says."""
    told = event.lane == "life" or not (is_late(event) or event.delivery == "snapshot")
    shared = _behind(event.device, facts)
    if told and shared in facts.alerts:
        return _joined(event, facts.alerts[shared], facts)
    if told and shared and (others := _others_silent(event.device, facts)):
        return _begun_together(event, shared, others, facts)
    key, place, details = f"offline/{event.device}", device_place(event.device, facts), {"cause": event.data.cause}
    if event.lane == "life":
        return raise_alert(event, facts, "panel_offline", "high", key, place=place, details=details)
    return raise_routine(
        event, facts, "device_offline", _severity(event.device, event.lane, facts), key, place=place, details=details
    )


def online(event: DeviceOnline, facts: Facts) -> list[Effect]:
    """Found by what the alert says, not by the configuration: a device may hang elsewhere by now. One that is heard for
    the first time since its host's start has no flood that its host knows of."""
    effects = clear_alert(event, facts, f"offline/{event.device}")
    effects += clear_alert(event, facts, f"flooding/{event.device}")
    for alert in facts.alerts.values():
        if alert.details.get(SILENT + event.device) and _newer(event, alert):
            effects += _left(event, alert)
    return effects


def silent_ones(alert: Alert) -> list[str]:
    """The devices that an alert tells of, by id."""
    return [name.removeprefix(SILENT) for name in alert.details if name.startswith(SILENT)]


def _behind(device: str, facts: Facts) -> str:
    """The key of the alert of what it hangs behind; "" where it hangs behind nothing declared."""
    declared = facts.building.devices.get(device)
    return f"link/{declared.behind}" if declared and declared.behind in facts.building.links else ""


def _others_silent(device: str, facts: Facts) -> list[Alert]:
    """The alerts of the other devices behind the same switch that are silent now."""
    shared = _behind(device, facts)
    beside = [other for other in facts.building.devices if other != device and _behind(other, facts) == shared]
    alerts = [facts.alerts.get(f"offline/{other}") for other in beside]
    return [alert for alert in alerts if alert and alert.source == "active"]


def _begun_together(event: DeviceOffline, key: str, others: list[Alert], facts: Facts) -> list[Effect]:
    """The second one: what was said of the first is part of it from now on."""
    link = key.removeprefix("link/")
    hanging = [other for other in facts.building.devices if _behind(other, facts) == key]
    silent = {f"{SILENT}{alert.device}": _row(alert.host, alert.sequence) for alert in others}
    details = {"link": link, "of": str(len(hanging)), **silent, SILENT + event.device: _row(event.host, event.sequence)}
    severities: list[Severity] = [
        "medium",
        _severity(event.device, event.lane, facts),
        *(alert.severity for alert in others),
    ]
    raised = raise_alert(event, facts, "link_offline", min(severities, key=_WORST.index), key, details=details)
    earlier = facts.alerts.get(f"offline/{event.device}")
    done = [*others, *([earlier] if earlier else [])]
    return [
        *(AlertBecomes(replace(alert, handling="done", done_at=event.at), "done") for alert in done),
        *(_of_the_link(effect, [alert.lane for alert in others]) for effect in raised),
    ]


def _of_the_link(effect: Effect, lanes: list[Lane]) -> Effect:
    """It isn't about the device whose silence happened to be the second."""
    if not isinstance(effect, AlertBecomes):
        return effect
    lane: Lane = "life" if "life" in lanes else effect.alert.lane
    return replace(effect, alert=replace(effect.alert, device="", lane=lane))


def _joined(event: DeviceOffline, alert: Alert, facts: Facts) -> list[Effect]:
    """One more. A fire panel among them asks for a hand anew, whoever has taken the rest."""
    if event.device in silent_ones(alert) and not _newer(event, alert):
        return []
    first_panel = event.lane == "life" and alert.lane != "life"
    worst = min(alert.severity, _severity(event.device, event.lane, facts), key=_WORST.index)
    joined = replace(
        alert,
        lane="life" if event.lane == "life" else alert.lane,
        severity=worst,
        handling="unanswered" if first_panel else alert.handling,
        last_at=max(alert.last_at, event.at),
        details={**alert.details, SILENT + event.device: _row(event.host, event.sequence)},
    )
    return [AlertBecomes(joined, "repeated")]


def _left(event: DeviceOnline, alert: Alert) -> list[Effect]:
    rest = {name: value for name, value in alert.details.items() if name != SILENT + event.device}
    back = replace(alert, details=rest)
    if silent_ones(back):
        return [AlertBecomes(back, "repeated")]
    over = replace(alert, source="quiet", quiet_at=event.at, handling="done", done_at=event.at)
    return [AlertBecomes(over, "cleared")]


def _severity(device: str, lane: Lane, facts: Facts) -> Severity:
    if lane == "life":
        return "high"
    declared = facts.building.devices.get(device)
    return "medium" if declared and declared.doors else "low"


def _row(host: str | None, sequence: int | None) -> str:
    return f"{host or ''}/{sequence or 0}"


def _newer(event: DeviceOffline | DeviceOnline, alert: Alert) -> bool:
    """Whether this was said after the word by which the device is among the silent ones; rows of two hosts can't be
    compared."""
    host, _, sequence = alert.details[SILENT + event.device].rpartition("/")
    return host != (event.host or "") or (event.sequence or 0) > int(sequence)
