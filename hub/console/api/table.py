"""Every route of the API, once. What is asked, what is taken, what is given."""

from typing import Any

from hub.console.api import asks, devices, emergencies, messages, models, parcels, visits
from hub.console.api.asks import Nothing
from hub.console.api.route import Route

ROUTES: tuple[Route[Any, Any, Any], ...] = (
    Route("GET", "/visits", visits.listing, asks.VisitFilter, Nothing, models.VisitList),
    Route("POST", "/visits", visits.announce, Nothing, asks.NewVisit, models.Visit, 201),
    Route("GET", "/visits/{id}", visits.one, Nothing, Nothing, models.Visit),
    Route("POST", "/visits/{id}/answer", visits.answer, Nothing, asks.HostsAnswer, models.Visit),
    Route("POST", "/visits/{id}/check-in", visits.check_in, Nothing, asks.Moment, models.Visit),
    Route("POST", "/visits/{id}/check-out", visits.check_out, Nothing, asks.Moment, models.Visit),
    Route("POST", "/visits/{id}/cancel", visits.cancel, Nothing, Nothing, models.Visit),
    Route("POST", "/visits/{id}/reveal", visits.reveal, Nothing, Nothing, models.VisitRevealed),
    Route("GET", "/parcels", parcels.listing, asks.ParcelFilter, Nothing, models.ParcelList),
    Route("POST", "/parcels", parcels.take_in, Nothing, asks.NewParcel, models.Parcel, 201),
    Route("GET", "/parcels/{id}", parcels.one, Nothing, Nothing, models.Parcel),
    Route("POST", "/parcels/{id}/hand-out", parcels.hand_out, Nothing, asks.HandOut, models.Parcel),
    Route("POST", "/parcels/{id}/withdraw", parcels.withdraw, Nothing, asks.Reason, models.Parcel),
    Route("POST", "/parcels/{id}/reveal", parcels.reveal, Nothing, Nothing, models.ParcelRevealed),
    Route("GET", "/alerts", emergencies.alert_listing, asks.AlertFilter, Nothing, models.AlertList),
    Route("GET", "/alerts/{id}", emergencies.alert, Nothing, Nothing, models.Alert),
    Route("POST", "/alerts/{id}/take", emergencies.take, Nothing, Nothing, models.Alert),
    Route("POST", "/alerts/{id}/finish", emergencies.finish, Nothing, asks.Remark, models.Alert),
    Route("POST", "/alerts/{id}/reveal", emergencies.reveal, Nothing, Nothing, models.AlertRevealed),
    Route("GET", "/incidents", emergencies.incident_listing, asks.IncidentFilter, Nothing, models.IncidentList),
    Route("POST", "/incidents", emergencies.report, Nothing, asks.NewIncident, models.IncidentWhole, 201),
    Route("GET", "/incidents/{id}", emergencies.incident, Nothing, Nothing, models.IncidentWhole),
    Route("POST", "/incidents/{id}/answer", emergencies.answer, Nothing, Nothing, models.IncidentWhole),
    Route("POST", "/incidents/{id}/verdict", emergencies.judge, Nothing, asks.Judgement, models.IncidentWhole),
    Route("GET", "/devices", devices.listing, asks.DeviceFilter, Nothing, models.DeviceList),
    Route("GET", "/devices/{id}", devices.one, Nothing, Nothing, models.DeviceWhole),
    Route("POST", "/devices/{id}/commands", devices.send_command, Nothing, asks.NewCommand, models.Command, 202),
    Route("GET", "/devices/{id}/commands/{command}", devices.command, Nothing, Nothing, models.Command),
    Route("GET", "/events", messages.event_listing, asks.EventFilter, Nothing, models.EventList),
    Route("GET", "/events/{id}", messages.event, Nothing, Nothing, models.EventRecord),
    Route("GET", "/notices", messages.notice_listing, asks.NoticeFilter, Nothing, models.NoticeList),
    Route("GET", "/notices/{key}", messages.notice, Nothing, Nothing, models.Notice),
    Route("POST", "/notices/{key}/send-again", messages.send_again, Nothing, Nothing, models.Notice),
    Route("POST", "/notices/{key}/reveal", messages.reveal_notice, Nothing, Nothing, models.NoticeRevealed),
    Route("GET", "/quarantine", devices.quarantine_listing, asks.QuarantineFilter, Nothing, models.KeptFrameList),
    Route("GET", "/quarantine/{id}", devices.quarantined, Nothing, Nothing, models.KeptFrameWhole),
    Route("POST", "/quarantine/{id}/send-again", devices.read_again, Nothing, Nothing, models.KeptFrameWhole),
)
