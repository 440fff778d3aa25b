"""What the API is asked: filters of lists, and the bodies of acts. A field that isn't there is named, not ignored."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub.core import records as core
from hub.core.envelope import Lane
from hub.core.fire_events import EmergencyKind
from hub.core.text import Instant, clean
from hub.store.paging import MOST

Line = Annotated[str, Field(max_length=200), AfterValidator(clean)]
Needed = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(clean)]
Paragraph = Annotated[str, Field(max_length=1000), AfterValidator(lambda text: clean(text, 1000))]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class Ask(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Nothing(Ask):
    pass


# filters


class Paged(Ask):
    """`cursor` is the `next` of the page before; with the same filters."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class VisitFilter(Paged):
    """`day` is one of the site's own days: visits opened, beginning or announced on it."""

    state: tuple[core.VisitState, ...] = ()
    day: Day | None = None
    overstay: bool = False


class ParcelFilter(Paged):
    state: tuple[core.ParcelState, ...] = ()
    overdue: bool = False


class AlertFilter(Paged):
    handling: tuple[core.Handling, ...] = ()
    kind: tuple[Line, ...] = ()


class IncidentFilter(Paged):
    state: tuple[core.IncidentState, ...] = ()


class DeviceFilter(Paged):
    """By id. `declared=false` are those that knock without being declared."""

    declared: bool | None = None
    link: tuple[Literal["online", "offline", "never"], ...] = ()
    adapter: Line | None = None


class EventFilter(Paged):
    """Newest commit first; `since` and `until` (exclusive) are of the events' own times."""

    type: tuple[Line, ...] = ()
    device: Line | None = None
    lane: Lane | None = None
    since: Instant | None = None
    until: Instant | None = None


class NoticeFilter(Paged):
    state: tuple[core.NoticeState, ...] = ()
    channel: Line | None = None
    record: Line | None = None


class QuarantineFilter(Paged):
    device: Line | None = None


# acts


class NewVisit(Ask):
    """`arrived`: the visitor stands at the desk and waits for the host's answer. `happened_at`: entered later, when it
    really was."""

    name: Needed
    unit: Needed
    kind: Needed = "visit"
    phone: Line = ""
    purpose: Line = ""
    starts: Instant | None = Field(default=None, alias="from")
    ends: Instant | None = Field(default=None, alias="until")
    plate: Line = ""
    items: Line = ""
    id_seen: Line = ""
    arrived: bool = False
    happened_at: Instant | None = None


class Moment(Ask):
    """`happened_at`: entered later, when it really was."""

    happened_at: Instant | None = None


class HostsAnswer(Ask):
    """What the host said of the visitor."""

    answer: Literal["agreed", "refused", "no_answer"]


class NewParcel(Ask):
    """Taken in at the desk. The recipient is named by unit, phone or a person's id."""

    tracking: Needed
    shelf: Needed
    carrier: Line = ""
    unit: Line = ""
    phone: Line = ""
    person: Line = ""
    size: Line = ""
    happened_at: Instant | None = None


class HandOut(Ask):
    """The pickup code, or two of three: the unit, the last four of the phone, the last four of the tracking number."""

    code: Annotated[str, Field(max_length=12)] = ""
    unit: Line = ""
    phone_tail: Annotated[str, Field(max_length=4)] = ""
    tracking_tail: Annotated[str, Field(max_length=4)] = ""
    by: Literal["recipient", "proxy", "staff"] = "recipient"


class Reason(Ask):
    reason: Needed


class NewIncident(Ask):
    """人工报警: what a person says has happened. `place` is a zone, a door or plain words."""

    kind: EmergencyKind
    place: Needed
    text: Paragraph = ""
    reporter: Line = ""
    phone: Line = ""


class Judgement(Ask):
    """What a person found. A false alarm has a cause."""

    verdict: core.Verdict
    cause: core.FalseCause | Literal[""] = ""


class Remark(Ask):
    note: Annotated[str, Field(max_length=500), AfterValidator(clean)] = ""


class NewCommand(Ask):
    """`point` is the door's or compartment's number as the device knows it; an opening says why."""

    kind: Literal["door.open", "compartment.open", "device.set_clock"]
    point: Line = ""
    reason: Line = ""
