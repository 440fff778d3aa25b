"""No picture stays in a payload, and what stood around it still parses."""

import hashlib
import json
import os
import re
import urllib.parse
from base64 import b64encode, encodebytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.pictures import MARKER, cut_pictures

EXAMPLES = 1000 if os.environ.get("CI") else 200
PICTURES = st.binary(min_size=400, max_size=3000)
# what stands around a picture: no run of it may be taken for base64 itself
WORDS = st.text(st.characters(codec="utf-8"), max_size=60)


def marker(picture: bytes) -> str:
    return f"cut:{len(picture)}:{hashlib.sha256(picture).hexdigest()}"


def fragments(text: bytes, size: int = 24) -> list[bytes]:
    return [text[i : i + size] for i in range(0, len(text) - size, size)]


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(picture=PICTURES, before=WORDS, after=WORDS, ascii_only=st.booleans())
def test_json_around_a_picture_is_unchanged(picture: bytes, before: str, after: str, ascii_only: bool) -> None:
    uri = "data:image/jpeg;base64," + b64encode(picture).decode()
    payload = json.dumps({"before": before, "pic": uri, "after": after}, ensure_ascii=ascii_only).encode()
    assert json.loads(cut_pictures(payload)) == {"before": before, "pic": marker(picture), "after": after}


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: text.replace("/", "\\/"),
        lambda text: text.replace("=", "\\u003d").replace("+", "\\u002b").replace("/", "\\u002F"),
        lambda text: re.sub("(.{76})(?=.)", r"\1\\n", text),
        lambda text: re.sub("(.{64})(?=.)", r"\1\\r\\n", text),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: urllib.parse.quote(text, safe=""),
        lambda text: re.sub("(.{76})(?=.)", "\\1\r\n", text),
        lambda text: re.sub("(.{64})(?=.)", "\\1\n    ", text),
    ],
)
@settings(max_examples=EXAMPLES // 4, deadline=None, derandomize=True)
@given(picture=PICTURES, uri=st.booleans())
def test_every_spelling_of_one_picture_leaves_the_same_mark(spell, picture: bytes, uri: bool) -> None:  # type: ignore[no-untyped-def]
    text = ("data:image/jpeg;base64," if uri else "") + spell(b64encode(picture).decode())
    assert cut_pictures(f'{{"pic":"{text}","n":1}}'.encode()) == f'{{"pic":"{marker(picture)}","n":1}}'.encode()


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(picture=PICTURES, uri=st.booleans(), data=st.data())
def test_a_picture_cut_short_by_the_network_is_gone_too(picture: bytes, uri: bool, data: st.DataObject) -> None:
    text = b64encode(picture)
    head = b'{"operator":"RecPush","info":{"RecordID":"7","pic":"' + (b"data:image/png;base64," if uri else b"")
    shortest = 1 if uri else 512
    end = data.draw(st.integers(shortest, len(text)))
    left = cut_pictures(head + text[:end])
    assert left.startswith(b'{"operator":"RecPush","info":{"RecordID":"7","pic":"cut:')
    assert not any(part in left for part in fragments(text))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(
    picture=st.binary(min_size=1000, max_size=3000), at=st.integers(0, 10**6), what=st.sampled_from(b"\x00?*.=\xff#")
)
def test_a_picture_torn_by_a_broken_byte_leaves_no_piece(picture: bytes, at: int, what: int) -> None:
    text = bytearray(b64encode(picture))
    text[at % len(text)] = what
    left = cut_pictures(b'{"pic":"data:image/jpeg;base64,' + text + b'","name":"x"}')
    assert left.endswith(b'","name":"x"}')
    assert not any(part in left for part in fragments(bytes(text), 24))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(picture=PICTURES)
def test_fields_of_a_line_stay_apart(picture: bytes) -> None:
    line = b"PIN=12\tSize=900\tContent=" + b64encode(picture) + b"\tType=9\nPIN=13\tSize=0\tContent=\n"
    assert (
        cut_pictures(line)
        == f"PIN=12\tSize=900\tContent={marker(picture)}\tType=9\nPIN=13\tSize=0\tContent=\n".encode()
    )


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(picture=PICTURES)
def test_wrapped_lines_end_where_the_next_record_begins(picture: bytes) -> None:
    left = cut_pictures(b"Content=" + encodebytes(picture) + b"OK=1\t2\n")
    assert left == f"Content={marker(picture)}\nOK=1\t2\n".encode()


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(inside=st.binary(max_size=3000), png=st.booleans(), ended=st.booleans())
def test_raw_pictures_in_a_multipart_body(inside: bytes, png: bool, ended: bool) -> None:
    begin, end = (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82") if png else (b"\xff\xd8\xff\xe0", b"\xff\xd9")
    inside = inside.replace(end, b"")
    picture = begin + inside + (end if ended else b"")
    head = b'--gate-part\r\nContent-Type: application/json\r\n\r\n{"serialNo":5}\r\n--gate-part\r\n\r\n'
    left = cut_pictures(head + picture + b"\r\n--gate-part--\r\n")
    assert left == head + marker(picture).encode() + b"\r\n--gate-part--\r\n"


@settings(max_examples=EXAMPLES * 2, deadline=None, derandomize=True)
@given(st.binary(max_size=4000) | st.text(alphabet='Aa1/+=-_\\"%u0n \n\r\t:data,image;base64.').map(str.encode))
def test_any_bytes_are_borne_and_a_second_cut_changes_nothing(payload: bytes) -> None:
    once = cut_pictures(payload)
    assert cut_pictures(once) == once


def test_a_picture_inside_json_inside_json_is_cut() -> None:
    inner = json.dumps({"pic": encodebytes(b"\xff" * 2000).decode().strip(), "name": "王/五"})
    left = json.loads(json.loads(cut_pictures(json.dumps({"info": inner}).encode()))["info"])
    assert left == {"pic": marker(b"\xff" * 2000), "name": "王/五"}


def test_a_picture_after_another_escape_leaves_valid_json() -> None:
    for before in ("\n", "\t", '"', "\\", "中", "\u2028", "\x01"):
        payload = json.dumps({"pic": before + "A" * 600}).encode()
        assert MARKER.search(json.loads(cut_pictures(payload))["pic"]), before


def test_a_small_data_uri_and_a_percent_encoded_one_are_cut() -> None:
    assert cut_pictures(b'"data:image/gif;base64,R0lGOD"') == f'"{marker(b"GIF8")}"'.encode()
    assert cut_pictures(b'{"pic":"data:image/svg+xml,%3Csvg%3E","n":1}').startswith(b'{"pic":"cut:')


@pytest.mark.parametrize(
    "harmless",
    [
        b'{"pic":"data:image/jpeg;base64,..."}',
        b'{"pic":"data:image/jpeg;..."}',
        b'{"pic":"data:image/jpeg;base64,"}',
        b'{"id":"' + b"a" * 511 + b'"}',
        json.dumps({"name": "张" * 300}).encode(),
        b"0\t2026-01-02 03:04:05\t1\t27\n" * 60,
        b"",
    ],
)
def test_what_is_no_picture_stays(harmless: bytes) -> None:
    assert cut_pictures(harmless) == harmless
