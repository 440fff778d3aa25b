"""Whatever arrives: events, an answer, or one reason; never an exception."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.adapters.locker_mqtt import ADAPTER
from hub.core.adapter import DeviceContext, Frame
from hub.core.events import dump_event, parse_event

EXAMPLES = 10_000 if os.environ.get("CI") else 500
LOCKER = DeviceContext(site="site", id="locker-2", address="locker-2", time_zone=ZoneInfo("Asia/Shanghai"))
SAMPLES = Path(__file__).parents[2] / "hub/adapters/locker_mqtt/samples"
MESSAGES: list[dict[str, Any]] = [json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("*.in"))]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
)
fields = st.sampled_from(sorted({name for message in MESSAGES for name in message}))


@st.composite
def bent_messages(draw: st.DrawFn) -> bytes:
    """A good message with some fields replaced by anything, then perhaps some bytes too."""
    message = draw(st.sampled_from(MESSAGES)) | draw(st.dictionaries(fields, json_values, max_size=3))
    payload = bytearray(json.dumps(message, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    for place in draw(st.lists(st.integers(0, len(payload) - 1), max_size=2)):
        payload[place] = draw(st.integers(0, 255))
    return bytes(payload[: draw(st.integers(0, len(payload)) | st.just(len(payload)))])


def check(payload: bytes) -> None:
    decoded = ADAPTER.decode(Frame(payload, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)), LOCKER)
    for event in decoded.events:
        assert parse_event(dump_event(event)).id == event.id
    assert len({event.id for event in decoded.events}) == len(decoded.events)
    if decoded.unreadable:
        assert decoded.unreadable.reason.isprintable()
        assert len(decoded.unreadable.reason) < 1000
    if decoded.reply:
        answer = json.loads(decoded.reply.payload)
        assert answer["type"] == "kept"
        assert answer.keys() == {"type", "boot", "number"}


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_never_raise(payload: bytes) -> None:
    check(payload)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(bent_messages())
def test_bent_messages_never_raise(payload: bytes) -> None:
    check(payload)
