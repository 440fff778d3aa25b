"""What a person does at the desk, as pure functions: facts and a form in, effects out. `Refused` says why not.

`cause` names the act: the same act sent twice makes the same records.
"""

from hub.rules.acts.actor import Actor
from hub.rules.acts.devices import COMMAND_VALID, command_device
from hub.rules.acts.incidents import answer_incident, finish_alert, judge_incident, report_emergency, take_alert
from hub.rules.acts.parcels import TakeInParcel, hand_out_parcel, take_in_parcel, withdraw_parcel
from hub.rules.acts.visitors import AnnounceVisit, announce, answer_for_host, cancel_visit, check_in, check_out

__all__ = [
    "COMMAND_VALID",
    "Actor",
    "AnnounceVisit",
    "TakeInParcel",
    "announce",
    "answer_for_host",
    "answer_incident",
    "cancel_visit",
    "check_in",
    "check_out",
    "command_device",
    "finish_alert",
    "hand_out_parcel",
    "judge_incident",
    "report_emergency",
    "take_alert",
    "take_in_parcel",
    "withdraw_parcel",
]
