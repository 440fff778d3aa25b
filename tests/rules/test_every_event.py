"""Whatever an adapter says, the rules take it: no event of any type, from any device, raises."""

from collections.abc import Mapping
from datetime import timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from hub.core.events import EVENT, EVENT_CLASSES
from hub.core.fire_events import Detector
from tests.rules.made import BUILDING, Estate, T

DEVICES = [*BUILDING.devices, "unknown.gbt26875.9.panel", "unknown.face_mqtt.x"]
Plain = Mapping[Any, st.SearchStrategy[Any]]
_PLAIN: Plain = {
    str: st.sampled_from(["", "1", "12", "1/1", "7", "p1", "SF1", "b3", "东门"]),
    bool: st.booleans(),
    int: st.integers(0, 100),
    float: st.floats(0, 100),
    AwareDatetime: st.just(T),
    NoneType: st.none(),
}


def _value(kind: Any, plain: Plain = _PLAIN) -> st.SearchStrategy[Any]:
    """Any value of a field's type; the words are few, so that events meet."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _value(get_args(kind)[0], plain)
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin in (Union, UnionType):
        return st.one_of([_value(part, plain) for part in get_args(kind)])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return data_of(kind, plain)
    return plain[kind]


def data_of(model: type[BaseModel], plain: Plain = _PLAIN) -> st.SearchStrategy[Mapping[str, Any]]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    needed = {name: _value(field.annotation, plain) for name, field in fields.items() if field.is_required()}
    return st.fixed_dictionaries(
        needed, optional={name: _value(field.annotation, plain) for name, field in fields.items() if name not in needed}
    )


EVENTS = st.one_of([
    st.fixed_dictionaries({
        "type": st.just(name),
        "id": st.uuids(version=4),
        "host": st.sampled_from([None, "hub-1", "hub-2"]),
        "sequence": st.sampled_from([None, 0, 1, 2, 3, 50]),
        "source": st.sampled_from([f"/sites/cedar/devices/{device}" for device in DEVICES] + ["/sites/cedar/hub"]),
        "subject": st.sampled_from([None, "door/1", "zone/1/point/1", "system/1/1"]),
        "time": st.integers(-9, 0).map(lambda hours: T + timedelta(hours=hours)),
        "received": st.just(T),
        "lane": st.sampled_from(["life", "routine"]),
        "delivery": st.sampled_from(["live", "backlog", "snapshot"]),
        "clock": st.sampled_from(["device", "hub", "suspect"]),
        "data": data_of(member.model_fields["data"].annotation),
    })
    for name, member in EVENT_CLASSES.items()
])  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=600)
@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_any_events_one_after_the_other_are_taken(said: list[dict[str, Any]]) -> None:
    estate = Estate()
    estate.announce()
    for event in said:
        estate.takes(EVENT.validate_python(event))
    for alert in estate.facts.alerts.values():
        assert alert.incident == "" or alert.incident in estate.facts.incidents


@pytest.mark.parametrize("detector", get_args(Detector))
def test_an_alarm_of_any_kind_of_point_is_raised(estate: Estate, detector: str) -> None:
    estate.fire(detector=detector)
    assert estate.alert("fire").severity == "critical"
