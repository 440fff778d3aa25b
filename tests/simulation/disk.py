"""What a crash leaves of a database: its file, and its log up to a byte after the last commit that anyone was told of.

SQLite writes a commit as frames at the end of the log (https://sqlite.org/fileformat2.html#walformat); which are in
use, and which have gone over into the database file, stands in the head of the -shm file (walformat.html#walidxfmt).
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER, _FRAME = 32, 24 + 4096


@dataclass(frozen=True, slots=True)
class Log:
    """How many frames are in use, how many of them stand in the database file too; `salt` is the log's own."""

    frames: int
    moved: int
    salt: bytes


NONE = Log(0, 0, b"")


def log_of(file: Path) -> Log:
    try:
        with file.with_name(f"{file.name}-shm").open("rb") as index:
            head = index.read(100)
    except FileNotFoundError:
        head = b""
    if len(head) == 100:
        return Log(struct.unpack_from("=I", head, 16)[0], struct.unpack_from("=I", head, 96)[0], head[32:40])
    log = file.with_name(f"{file.name}-wal")  # nobody has opened it since the crash before: all of it is to be kept
    if not log.exists() or log.stat().st_size < _HEADER:
        return NONE
    return Log((log.stat().st_size - _HEADER) // _FRAME, 0, log.read_bytes()[16:24])


def leave(file: Path, place: Path, told: Log, cut: float) -> int:
    """Copy what is there after a crash into `place`. `told`: the log when somebody last heard of a commit; `cut`
    (0 to 1) says where beyond it ends what the disk took. Returns the bytes that are lost."""
    if not file.exists():
        return 0
    now = log_of(file)
    whole = told.frames if told.salt == now.salt else 0  # begun anew: all of before stands in the file
    first = _end(max(whole, now.moved))
    last = max(first, _end(now.frames))
    kept = first + round((last - first) * cut)
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place / file.name)
    log = file.with_name(f"{file.name}-wal")
    if log.exists():
        (place / log.name).write_bytes(log.read_bytes()[:kept])
    return last - kept


def _end(frames: int) -> int:
    return _HEADER + frames * _FRAME if frames else 0
