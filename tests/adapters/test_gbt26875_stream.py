"""A stream of GB/T 26875.3 frames stays in step over anything: glued, cut, spoilt, oversized, noise."""

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.adapters.gbt26875.framing import refuse, split
from hub.core.events import dump_event, parse_event
from tests.adapters.gbt26875_frames import component, decode, framed, objects, yes

MANY = settings(max_examples=10_000 if os.environ.get("CI") else 500, deadline=None, derandomize=True)


def rechecked(raw: bytes) -> bytes:
    return raw[:-3] + bytes([sum(raw[2:-3]) % 256]) + b"##"


GOOD = framed(objects(2, component(2)))
BAD = {
    "wrong checksum": GOOD[:-3] + bytes([GOOD[-3] ^ 1]) + b"##",
    "no end bytes": GOOD[:-2] + b"#\n",
    "length field says": rechecked(GOOD[:24] + b"\x01\x04" + GOOD[26:]),
    "cut short": GOOD[:50],
    "cut short: 78 bytes, by its length field 79": rechecked(GOOD[:24] + bytes([GOOD[24] + 1]) + GOOD[25:]),
    "no end bytes 23 23 at byte 75": rechecked(GOOD[:24] + bytes([GOOD[24] - 1]) + GOOD[25:]),
    "no start bytes": b"GET / HTTP/1.1\r\n\r\n",
    "in its header": GOOD[:20],
}


@pytest.mark.parametrize("reason", BAD)
def test_after_broken_bytes_the_next_good_frame_is_read(reason: str) -> None:
    found = split(framed(b"") + BAD[reason] + GOOD)
    assert found.frames == (framed(b""), GOOD)
    assert [raw for raw, _ in found.junk] == [BAD[reason]]
    assert reason in found.junk[0][1]
    assert found.rest == b""


@pytest.mark.parametrize("reason", [reason for reason in BAD if reason not in ("no start bytes", "in its header")])
def test_broken_bytes_with_a_header_are_denied(reason: str) -> None:
    assert refuse(BAD[reason]) == yes(command=6)


def test_noise_and_broken_answers_are_not_answered() -> None:
    assert refuse(BAD["no start bytes"]) is None
    assert refuse(BAD["in its header"]) is None
    answer = framed(b"\x17", command=3)
    assert refuse(answer[:-3] + bytes([answer[-3] ^ 1]) + b"##") is None


def test_a_header_that_promises_too_much_holds_back_no_alarm() -> None:
    promise = framed(b"x" * 1024)[:40]
    assert split(promise + GOOD).frames == (GOOD,)


def in_parts(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes, bytes]:
    """Frames, junk and rest of a stream that arrives cut at these places."""
    frames: list[bytes] = []
    junk = rest = b""
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    for start, end in pairwise([0, *places, len(stream)]):
        found = split(rest + stream[start:end])
        frames += found.frames
        junk += b"".join(raw for raw, _ in found.junk)
        rest = found.rest
        assert len(rest) < 1054
    return frames, junk, rest


def test_the_largest_frame_passes_and_what_waits_stays_small() -> None:
    largest = framed(b"x" * 1024)
    assert split(largest).frames == (largest,)
    assert in_parts(largest, list(range(1, len(largest)))) == ([largest], b"", b"")
    assert split(b"@" * 100_000).rest == b"@" * 25
    assert len(split(largest[:-1] * 9).rest) < 1054


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_frame_inside_another_is_taken_first_and_alone(cut: int) -> None:
    outer = framed(GOOD)
    frames, junk, rest = in_parts(outer, [cut])
    assert (frames, rest) == ([GOOD], b"")
    assert junk == outer.replace(GOOD, b"")


words = st.integers(0, 0xFFFF)
data = st.binary(max_size=80) | st.binary(min_size=900, max_size=1024)
packets = st.one_of(
    st.builds(
        framed,
        st.binary(max_size=80) | st.binary(min_size=900, max_size=1024),
        command=st.integers(0, 255),
        sequence=words,
    ),
    st.builds(lambda ws: framed(objects(2, *(component(w) for w in ws))), st.lists(words, min_size=1, max_size=4)),
    st.builds(lambda kind, body: framed(objects(kind, body)), st.integers(1, 30), st.binary(max_size=60)),
)
spoilt = st.builds(
    lambda raw, at, value: raw[: at % len(raw)] + bytes([value]) + raw[at % len(raw) + 1 :],
    packets,
    st.integers(0, 2000),
    st.integers(0, 255),
)
cut_off = st.builds(lambda raw, at: raw[: at % len(raw)], packets, st.integers(0, 2000))
stretches = st.one_of(st.binary(max_size=60), st.text("@#\0\1\2", max_size=40).map(str.encode), spoilt, cut_off)
streams = st.lists(st.one_of(packets, stretches), max_size=6).map(b"".join)
cuts = st.lists(st.integers(0, 5000), max_size=8)


@MANY
@given(streams, cuts)
def test_frames_are_the_same_however_the_stream_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole = split(stream)
    frames, junk, rest = in_parts(stream, cuts)
    assert frames == list(whole.frames)
    assert rest == whole.rest
    assert len(b"".join(frames)) + len(junk) + len(rest) == len(stream), "every byte is accounted for"


@MANY
@given(st.lists(stretches, max_size=4).map(b"".join), cuts)
def test_a_good_frame_after_any_garbage_is_read(garbage: bytes, cuts: list[int]) -> None:
    frames, _, rest = in_parts(garbage + GOOD, cuts)
    assert frames[-1] == GOOD
    assert rest == b""


@MANY
@given(st.one_of(packets, stretches, st.binary(max_size=200)))
def test_any_bytes_give_events_an_answer_or_a_reason(raw: bytes) -> None:
    found = decode(raw)
    assert found == decode(raw)
    assert found.events or found.reply or found.outcomes or found.unreadable
    for event in found.events:
        assert parse_event(dump_event(event)) == event
    assert len({event.id for event in found.events}) == len(found.events)
    refuse(raw)
