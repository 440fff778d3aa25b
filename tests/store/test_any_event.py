"""Whatever event the models accept, each database keeps it and gives it back as it was; what one can't take, the
models refuse."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from types import NoneType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, ValidationError

from hub.core.events import EVENT, EVENT_CLASSES, Event, dump_event, parse_event
from hub.store import events
from hub.store.database import Priority, Store
from hub.store.sealing import Keys
from tests.rules.test_every_event import data_of
from tests.store.examples import BUILDING, SITE

_ODD_TEXT = st.sampled_from(
    ["", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "🚪", "\u202e", "\x1b[0m", "%s'\"\\", "é" * 200]
)
_TIMES = st.one_of(
    st.sampled_from([datetime.min, datetime.max, datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999_999)]),  # noqa: DTZ901, DTZ001
    st.datetimes(),
)
_ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_ODD: dict[Any, st.SearchStrategy[Any]] = {
    str: st.one_of(_ODD_TEXT, st.text(max_size=20)),
    bool: st.booleans(),
    int: st.one_of(st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**400]), st.integers()),
    float: st.one_of(st.sampled_from([float("nan"), float("inf"), -float("inf"), 5e-324, 1.7e308, -0.0]), st.floats()),
    AwareDatetime: st.builds(lambda time, zone: time.replace(tzinfo=zone), _TIMES, _ZONES),
    NoneType: st.none(),
}
_SAID = st.one_of([
    st.fixed_dictionaries({
        "type": st.just(name),
        "id": st.uuids(),
        "host": st.just("hub-1"),
        "sequence": _ODD[int],
        "source": st.sampled_from([f"/sites/{SITE}/devices/gate-1", f"/sites/{SITE}/hub"]),
        "subject": st.one_of(st.none(), _ODD[str]),
        "time": _ODD[AwareDatetime],
        "received": _ODD[AwareDatetime],
        "lane": st.sampled_from(["life", "routine"]),
        "vendorcode": st.one_of(st.none(), _ODD[str]),
        "data": data_of(model.model_fields["data"].annotation, _ODD),
    })
    for name, model in EVENT_CLASSES.items()
])  # fmt: skip


def _accepted(said: dict[str, Any]) -> Event | None:
    try:
        event: Event = EVENT.validate_python(said)
    except ValidationError:
        return None
    return event


@given(said=st.lists(_SAID, min_size=30, max_size=60))
@settings(deadline=None, derandomize=True, max_examples=8, suppress_health_check=list(HealthCheck))
def test_what_the_models_accept_comes_back_as_it_was(url: str, keys: Keys, said: list[dict[str, Any]]) -> None:
    accepted = [event for each in said if (event := _accepted(each))]
    asyncio.run(_keep_and_compare(url, keys, {event.sequence: event for event in accepted}.values()))


async def _keep_and_compare(url: str, keys: Keys, accepted: Any) -> None:
    store = Store(url, keys)
    await store.open()
    try:
        wire = [parse_event(dump_event(event)) for event in accepted]
        fresh: Sequence[Event] = await store.write(Priority.ROUTINE, lambda tx: events.unseen(tx, wire))
        await store.write(Priority.ROUTINE, lambda tx: events.add(tx, fresh, BUILDING))
        for event in fresh:
            kept = await store.read(lambda tx: events.get(tx, SITE, event.id))  # noqa: B023  # awaited
            assert kept is not None
            assert dump_event(kept.event) == dump_event(event)
    finally:
        await store.close()


@pytest.mark.parametrize("wrong", ["a\x00b", "\ud800", 2**63, float("nan"), float("inf")], ids=repr)
def test_what_one_of_the_databases_cannot_take_is_refused(wrong: object) -> None:
    at = datetime(2026, 4, 10, tzinfo=UTC)
    data: dict[str, object] = {"quantity": "temperature", "value": 1.0, "unit": "C"}
    said: dict[str, object] = {
        "id": "019b7ca9-80d0-8ddb-9f29-4ba7961f1535", "source": f"/sites/{SITE}/devices/gate-1", "time": at,
        "received": at, "lane": "routine", "type": "fire.measured",
        "data": data,
    }  # fmt: skip
    assert _accepted(said)
    where: dict[type, dict[str, object]] = {
        str: {"subject": wrong},
        int: {"sequence": wrong},
        float: {"data": data | {"value": wrong}},
    }
    assert _accepted(said | where[type(wrong)]) is None
