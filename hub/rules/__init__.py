"""What events mean: `decide(event, facts) → effects`. Pure, and exhaustive over the event types."""

from typing import assert_never

from hub.core import access_events as access
from hub.core import device_events as device
from hub.core import fire_events as fire
from hub.core import record_events as record
from hub.core.effects import AlertBecomes, Effect
from hub.core.events import Event
from hub.core.facts import Facts
from hub.rules import devices, emergencies, incidents, panels, pickups, silence, visits


def decide(event: Event, facts: Facts) -> list[Effect]:
    """What an event changes. Looks at facts, changes nothing itself."""
    match event:
        case access.AccessGranted():
            return visits.granted(event, facts)
        case access.AccessDenied():
            return visits.denied(event, facts)
        case access.PersonSeen():
            return visits.seen(event, facts)
        case access.DoorForced() | access.DoorHeldOpen() | access.DoorTailgated():
            return visits.door_condition(event, facts)
        case access.DoorOpened() | access.DoorClosed() | access.DoorLocked() | access.DoorUnlocked():
            return visits.door_moved(event, facts)
        case access.AccessDuress():
            return emergencies.duress(event, facts)
        case fire.FireAlarm() | fire.FireEvacuation():
            return panels.fire_alarm(event, facts)
        case fire.FirePreAlarm() | fire.FireSupervisory() | fire.FireTrouble() | fire.FireDisablement():
            return panels.panel_condition(event, facts)
        case fire.FireActivation() | fire.FireFeedback():
            return panels.activation(event, facts)
        case fire.FireNormal():
            return panels.point_normal(event, facts)
        case fire.FirePanelOperated():
            return panels.panel_operated(event, facts)
        case fire.FireModeChanged():
            return panels.mode_changed(event, facts)
        case fire.HelpCalled():
            return emergencies.help_called(event, facts)
        case fire.EmergencyReported():
            return emergencies.reported(event, facts)
        case fire.InputChanged():
            return emergencies.input_changed(event, facts)
        case device.ParcelStored():
            return pickups.stored(event, facts)
        case device.ParcelCollected() | device.ParcelWithdrawn():
            return pickups.taken(event, facts)
        case device.PickupRefused():
            return pickups.refused(event, facts)
        case device.CompartmentOpened() | device.CompartmentClosed():
            return pickups.compartment_moved(event, facts)
        case (
            device.CompartmentLeftOpen()
            | device.CompartmentOpenFailed()
            | device.CompartmentForced()
            | device.CompartmentFaulted()
        ):
            return pickups.compartment_condition(event, facts)
        case device.DeviceOffline():
            return silence.offline(event, facts)
        case device.DeviceOnline():
            return silence.online(event, facts)
        case device.DeviceTrouble() | device.DeviceTampered() | device.DeviceLowBattery():
            return devices.condition(event, facts)
        case device.DeviceClockWrong():
            return devices.clock_wrong(event, facts)
        case device.DeviceFlooding():
            return devices.flooding(event, facts)
        case device.FrameQuarantined():
            return devices.quarantined(event, facts)
        case device.CommandDone() | device.CommandFailed():
            return devices.command_outcome(event, facts)
        case device.DeadlineReached():
            return _deadline_reached(event, facts)
        case fire.FireTest() | fire.FireMeasured() | access.CredentialPresented() | device.DeviceReported():
            return []  # a line in the records, nothing more
        case (
            record.VisitAnnounced()
            | record.VisitWaiting()
            | record.VisitOpened()
            | record.VisitDeparted()
            | record.VisitCancelled()
            | record.VisitAnswered()
            | record.AlertRaised()
            | record.AlertAnswered()
            | record.AlertCleared()
            | record.AlertDone()
            | record.IncidentOpened()
            | record.IncidentAnswered()
            | record.IncidentJudged()
            | record.IncidentDone()
        ):
            return []  # written by the hub itself, for rules that people write
        case _:
            assert_never(event)


def decide_again(event: Event, facts: Facts) -> list[Effect]:
    """What an event changes whose id the store has. A door's state line is known by its bytes alone, and tells whole
    seconds: a door that shuts, springs open and shuts says the first line again, and is shut. Likewise a point that
    alarms, restores and alarms within a second of its panel's clock; one that its panel restored in a later second was
    only sent twice, and stays quiet. The sequence tells what was said again from the same row told again."""
    match event:
        case access.DoorOpened() | access.DoorClosed() | access.DoorLocked() | access.DoorUnlocked():
            return visits.door_moved_again(event, facts) if event.delivery == "snapshot" else []
        case _ if event.lane == "life":
            effects = decide(event, facts)
            return effects if any(_is_active_again(effect, event, facts) for effect in effects) else []
        case _:
            return []


def _is_active_again(effect: Effect, event: Event, facts: Facts) -> bool:
    """What bears no time of its device's is known by its whole frame, and so never said anew."""
    if not isinstance(effect, AlertBecomes) or event.clock == "hub":
        return False
    known = facts.alerts.get(effect.alert.key)
    if known is None or event.time < known.told_at:
        return False
    return known.source == "quiet" and effect.alert.source == "active"


def _deadline_reached(event: device.DeadlineReached, facts: Facts) -> list[Effect]:
    deadline = facts.deadlines.get(event.data.deadline)
    if deadline is None:
        return []
    match deadline.kind:
        case "verify":
            return incidents.not_verified(event, facts, deadline)
        case "ladder":
            return incidents.climb(event, facts, deadline)
        case "linkage":
            return panels.linkage_left_manual(event, facts, deadline)
        case "overstay":
            return visits.overstayed(event, facts, deadline)
        case "fade":
            return visits.faded(event, facts, deadline)
        case "notify":
            return pickups.notify_late(event, facts, deadline)
        case "reminder":
            return pickups.remind(event, facts, deadline)
        case _:
            raise ValueError(f"no rule knows a deadline of kind {deadline.kind}")
