"""Fire, in NFPA 72's and GB 50116's categories; and emergencies without a panel."""

from typing import ClassVar, Literal

from hub.core.envelope import Data, Envelope, Lane
from hub.core.text import Text, Word

Detector = Literal[
    "smoke", "heat", "flame", "gas", "co", "multi", "manual_call_point", "hydrant_button", "flow_switch",
    "pressure_switch", "valve", "door", "damper", "fan", "pump", "shutter", "sounder", "module",
    "electrical", "broadcast", "lift", "display", "controller", "unknown",
]  # fmt: skip
TroublePart = Literal["detector", "loop", "main_power", "backup_power", "power", "bus", "link", "panel"]
PanelOperation = Literal[
    "acknowledge", "silence", "reset", "manual_alarm", "alarm_clear", "self_test", "test",
    "duty_check_answered",
]  # fmt: skip
EmergencyKind = Literal["fire", "gas", "lift", "water", "power", "medical", "security", "falling_object", "other"]
HelpPlace = Literal["resident", "desk", "toilet", "lift", "other"]


class FirePoint(Data):
    """A detector, call point or module as the panel names it: `zone` and `point` are the device's numbers."""

    zone: Word | None = None
    point: Word | None = None
    shown: Word | None = None
    panel_label: Word | None = None
    label: Word | None = None
    detector: Detector = "unknown"
    coincidence: Literal["none", "first", "met"] = "none"


class FireCondition(FirePoint):
    active: bool


class FireTroubled(FireCondition):
    part: TroublePart


class PanelOperated(Data):
    operation: PanelOperation
    operator: Word | None = None
    zone: Word | None = None


class ModeChanged(Data):
    zone: Word | None = None
    linkage: Literal["auto", "manual"]
    delayed: bool = False
    config_changed: bool = False


class Measured(Data):
    zone: Word | None = None
    point: Word | None = None
    quantity: Word
    value: float
    unit: Word


class Help(Data):
    active: bool
    by: HelpPlace = "other"
    place: Word | None = None


class Emergency(Data):
    kind: EmergencyKind
    place: Word
    reporter: Word | None = None
    text: Text = ""
    phone: Word | None = None


class InputState(Data):
    input: Word
    active: bool
    meaning: Word = ""


class _Life(Envelope):
    usual_lane: ClassVar[Lane | None] = "life"


class FireAlarm(_Life):
    type: Literal["fire.alarm"] = "fire.alarm"
    data: FireCondition


class FirePreAlarm(_Life):
    type: Literal["fire.pre_alarm"] = "fire.pre_alarm"
    data: FireCondition


class FireEvacuation(_Life):
    type: Literal["fire.evacuation"] = "fire.evacuation"
    data: FireCondition


class FireSupervisory(_Life):
    type: Literal["fire.supervisory"] = "fire.supervisory"
    data: FireCondition


class FireTrouble(_Life):
    type: Literal["fire.trouble"] = "fire.trouble"
    data: FireTroubled


class FireDisablement(_Life):
    type: Literal["fire.disablement"] = "fire.disablement"
    data: FireCondition


class FireActivation(_Life):
    type: Literal["fire.activation"] = "fire.activation"
    data: FireCondition


class FireFeedback(_Life):
    type: Literal["fire.feedback"] = "fire.feedback"
    data: FireCondition


class FireTest(_Life):
    type: Literal["fire.test"] = "fire.test"
    data: FireCondition


class FirePanelOperated(_Life):
    type: Literal["fire.panel_operated"] = "fire.panel_operated"
    data: PanelOperated


class FireNormal(_Life):
    type: Literal["fire.normal"] = "fire.normal"
    data: FirePoint


class FireModeChanged(_Life):
    type: Literal["fire.mode_changed"] = "fire.mode_changed"
    data: ModeChanged


class FireMeasured(Envelope):
    type: Literal["fire.measured"] = "fire.measured"
    data: Measured


class HelpCalled(_Life):
    type: Literal["help.called"] = "help.called"
    data: Help


class EmergencyReported(_Life):
    type: Literal["emergency.reported"] = "emergency.reported"
    data: Emergency


class InputChanged(Envelope):
    usual_lane: ClassVar[Lane | None] = None
    type: Literal["input.changed"] = "input.changed"
    data: InputState


FireEvent = (
    FireAlarm | FirePreAlarm | FireEvacuation | FireSupervisory | FireTrouble | FireDisablement
    | FireActivation | FireFeedback | FireTest | FirePanelOperated | FireNormal | FireModeChanged | FireMeasured
)  # fmt: skip
EmergencyEvent = HelpCalled | EmergencyReported | InputChanged
