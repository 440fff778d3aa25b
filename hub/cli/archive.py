"""The file of a backup: a tar whose first member says what it is, and behind the tar the SHA-256 of all of it.

Files that only their owner may read (secrets.toml, a certificate's key) are sealed in it with the hub's keys.
"""

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from hub.store.sealing import Keys, Unsealable

_MANIFEST = "manifest.json"
_DIGEST = hashlib.sha256().digest_size * 2
_CHUNK = 1 << 20


class Damaged(Exception):
    """Not a backup, or not all of it as it was written; the text says what is wrong."""


class Manifest(BaseModel):
    """`schema_at` is the schema of hub.db, `key` the fingerprint of the hub's keys; of the `files` some are `sealed`
    with them."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    made_at: AwareDatetime
    schema_at: str
    key: str
    files: tuple[str, ...]
    sealed: tuple[str, ...] = ()


def write_archive(file: Path, manifest: Manifest, sources: Mapping[str, Path], keys: Keys) -> None:
    """`sources` is path in the archive → file to be read. Raises OSError, also where `file` is there already."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, _MANIFEST, manifest.model_dump_json(indent=1).encode())
            for name, source in sources.items():
                _add_file(tar, name, source, keys if name in manifest.sealed else None)
        length = out.tell()
        out.seek(0)
        digest = _digest(out, length)
        out.write(digest)
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def open_archive(file: Path) -> Iterator[tuple[Manifest, tarfile.TarFile]]:
    """A whole one, its digest checked before anything else. Raises Damaged, OSError."""
    with file.open("rb") as opened:
        length = file.stat().st_size - _DIGEST
        if length <= 0 or _digest(opened, length) != opened.read(_DIGEST):
            raise Damaged(f"{file} is damaged, or no backup: it isn't what was written, by its SHA-256")
        opened.seek(0)
        try:
            with tarfile.open(fileobj=opened, mode="r:") as tar:
                yield _manifest(tar), tar
        except (tarfile.TarError, KeyError) as error:
            raise Damaged(f"{file}: {error}") from error


def unpack(tar: tarfile.TarFile, manifest: Manifest, folder: Path, keys: Keys) -> None:
    """All files of it into an empty folder, with their modes. Raises Damaged, OSError."""
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise Damaged(f"{name} would lie outside of its folder")
        member = tar.getmember(name)
        content = tar.extractfile(member)
        if content is None:
            raise Damaged(f"{name} is no file")
        if name in manifest.sealed:
            content = io.BytesIO(_unsealed(name, content.read(), keys))
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            shutil.copyfileobj(content, out, _CHUNK)
            out.flush()
            os.fchmod(out.fileno(), member.mode & 0o777)
            os.fsync(out.fileno())


def is_secret(file: Path) -> bool:
    """Only its owner may read it."""
    return not file.stat().st_mode & 0o077


def sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _add_file(tar: tarfile.TarFile, name: str, source: Path, sealing: Keys | None) -> None:
    if sealing:
        _add(tar, name, sealing.seal(source.read_bytes(), table="backup", column="file", row=name))
        return
    with source.open("rb") as content:
        info = tarfile.TarInfo(name)
        found = os.fstat(content.fileno())
        info.size, info.mode = found.st_size, stat.S_IMODE(found.st_mode)
        tar.addfile(info, content)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


def _manifest(tar: tarfile.TarFile) -> Manifest:
    content = tar.extractfile(_MANIFEST)
    try:
        return Manifest.model_validate_json(content.read() if content else b"")
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        raise Damaged(f"{_MANIFEST} isn't one that this release reads: {places}") from error


def _unsealed(name: str, content: bytes, keys: Keys) -> bytes:
    try:
        return keys.unseal(content, table="backup", column="file", row=name)
    except Unsealable as error:
        raise Damaged(f"{name} doesn't open with these keys") from error


def _digest(file: IO[bytes], length: int) -> bytes:
    """SHA-256 of so many bytes from where the file stands, as hexadecimal digits."""
    digest = hashlib.sha256()
    while length and (chunk := file.read(min(_CHUNK, length))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest().encode()
