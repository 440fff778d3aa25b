"""Pictures are cut out of payloads before anything is written: no face lies in a spool, a quarantine or a backup."""

import hashlib
import re
from base64 import b64decode

SHORTEST_RUN = 512
"""characters of base64 that are taken for a picture (or a biometric template) where no `data:` says so"""

MARKER = re.compile(r"cut:([0-9]+):([0-9a-f]{64})")
"""what stands in a picture's place: its size in bytes and its SHA-256"""

_LETTER = rb"[A-Za-z0-9+/_-]"
# A slash, a plus or a line's end as JSON (once or twice encoded) and forms write them.
_ESCAPED = rb"\\{1,4}[/nr]|\\{1,4}u00(?:2[bBfF]|0[aAdD])|%(?:2[bBfF]|0[aAdD])"
# A bare line's end joins two lines of one picture only where the next line is long, or nothing but a picture's tail.
_WRAPPED = rb"\r?\n[ \t]*(?!--)(?=" + _LETTER + rb'{32}|[A-Za-z0-9+/]{1,31}={0,2}(?:["\r\n]|\Z))'
_PADDING = rb"(?:=|\\{1,4}u003[dD]|%3[dD]){0,3}"
_RUN = (
    rb"(?:" + _LETTER + rb"++|" + _ESCAPED + rb")"
    rb"(?:" + _LETTER + rb"++|" + _ESCAPED + rb"|" + _WRAPPED + rb")*+" + _PADDING
)  # fmt: skip
_INLINE = re.compile(
    # a data: URI in base64; one in percent-encoding (dots are a sample's stub); a bare run;
    rb'(?P<base64>(?i:data:[^,;"\s]{0,80}(?:;[^,;"\s]{1,80}){0,4};base64),(?P<letters>' + _RUN + rb"))"
    rb'|(?P<percent>(?i:data:image)[^,"\s]{0,160},(?!\.)[^"\s\\]+)'
    rb"|(?P<run>" + _RUN + rb")"
    # or an escape, stepped over whole so that no run begins inside it and leaves half of it behind
    rb"|\\(?:u[0-9a-fA-F]{4}|.)|%[0-9a-fA-F]{2}",
    re.DOTALL,
)
_LETTERS = bytes(
    0x61 if chr(byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_\\%-" else 0x20
    for byte in range(256)
)
_SHORTEST_PART = b"a" * 32
"""what any letter of a picture becomes, so often in a row"""

_FRAYED = re.compile(rb'(cut:[0-9]+:[0-9a-f]{64})(?:[^\t\r\n",:{}\\]{0,4}?' + _LETTER + rb"{16,}+=*)+")
"""a picture that a broken byte tore near its end: the shorter piece goes with the longer"""

_SPELLED = re.compile(rb"\\+u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|\\+([/nr])")
_BARE = re.compile(rb"[^A-Za-z0-9+/]")

_BEGINNINGS = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n")
_JPEG_END = b"\xff\xd9"
_NEXT_PART = re.compile(rb"\r\n--[A-Za-z0-9'()+_,./:=?-]{4,70}(?:\r?\n|\Z)")
_PNG_END = re.compile(b"IEND\xaeB`\x82|(?P<part>" + _NEXT_PART.pattern + b")")


def cut_pictures(payload: bytes) -> bytes:
    """The payload with each inline picture replaced by `cut:{bytes}:{sha256}`.

    Cut are `data:` URIs, base64 runs of 512 characters or more (escaped or wrapped ones too), and raw JPEG and PNG;
    whole, also where the rest is truncated or broken. The marker is valid inside JSON strings and TSV fields.
    """
    without_raw = _cut_raw(payload)
    if _SHORTEST_PART not in without_raw.translate(_LETTERS) and b"data:" not in without_raw.lower():
        return without_raw  # most payloads of a few hundred bytes
    return _FRAYED.sub(rb"\1", _INLINE.sub(_cut_inline, without_raw))


def _cut_raw(payload: bytes) -> bytes:
    if b"\xff\xd8\xff" not in payload and b"\x89PNG" not in payload:
        return payload
    kept = []
    position = 0
    while begun := _BEGINNINGS.search(payload, position):
        end = _end_of_raw(payload, begun)
        kept += [payload[position : begun.start()], _marker(payload[begun.start() : end])]
        position = end
    return b"".join([*kept, payload[position:]]) if kept else payload


def _end_of_raw(payload: bytes, begun: re.Match[bytes]) -> int:
    """Where a raw picture ends: at its end mark, else with its part of a multipart body, else with the payload."""
    if begun.group().startswith(b"\x89"):
        found = _PNG_END.search(payload, begun.end())
        return (found.start() if found["part"] else found.end()) if found else len(payload)
    part = _NEXT_PART.search(payload, begun.end())
    limit = part.start() if part else len(payload)
    # a thumbnail inside has an end mark of its own, so the last one counts
    mark = payload.rfind(_JPEG_END, begun.end(), limit)
    return mark + len(_JPEG_END) if mark >= 0 else limit


def _cut_inline(found: re.Match[bytes]) -> bytes:
    if found["base64"]:
        return _marker(_picture(found["letters"]))
    if found["percent"]:
        return _marker(found["percent"])
    if found["run"] and len(found["run"]) >= SHORTEST_RUN:
        return _marker(_picture(found["run"]))
    return found.group()


def _picture(letters: bytes) -> bytes:
    """The picture's own bytes, so that the hash is the same however a firmware escapes and wraps it."""
    plain = _BARE.sub(b"", _SPELLED.sub(_unescape, letters).translate(bytes.maketrans(b"-_", b"+/")))
    return b64decode(plain[: len(plain) // 4 * 4] + _tail(plain[len(plain) // 4 * 4 :]))


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[3]:
        return b"/" if found[3] == b"/" else b""
    return bytes([int(found[1] or found[2], 16)])


def _tail(letters: bytes) -> bytes:
    """One letter alone holds no whole byte; two or three hold one or two."""
    return letters.ljust(4, b"=") if len(letters) > 1 else b""


def _marker(picture: bytes) -> bytes:
    return f"cut:{len(picture)}:{hashlib.sha256(picture).hexdigest()}".encode()
