"""The keys of one hub, and what they do: seal personal values, index them blindly, key pickup codes.

A sealed value is AES-256-GCM (NIST SP 800-38D): one byte version, one byte key id, 12 bytes nonce, then ciphertext
and tag. It is bound to its table, column and row, so that a value moved elsewhere doesn't open.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_NONCE = 12
_DRAWN = 256
_KEY = 32


class KeysUnreadable(Exception):
    """The key file is there but is not one; the text says which file and why."""


class Unsealable(Exception):
    """A sealed value that these keys don't open in this place: another hub's, moved, or damaged."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """`secret` keys pickup codes and passes (Facts.secret). `fingerprint` names these keys and gives nothing of them
    away. Safe to share between threads."""

    _ciphers: dict[int, AESGCM]
    _newest: int
    _blind: bytes
    secret: bytes
    fingerprint: str

    @classmethod
    def load_or_create(cls, data_dir: Path) -> "Keys":
        """The keys in `data_dir`/keys, made at first start, readable by their owner only.

        Two processes that start at once agree on one set. Raises KeysUnreadable, OSError.
        """
        path = data_dir / "keys"
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """The keys in a file that is there. Raises KeysUnreadable, OSError."""
        try:
            content = json.loads(path.read_text("ascii"))
            sealing = {int(number): _decode(key) for number, key in content["sealing"].items()}
            ciphers = {number: AESGCM(key) for number, key in sealing.items()}
            blind, secret = _decode(content["blind"]), _decode(content["secret"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeysUnreadable(f"{path}: not a key file ({type(error).__name__})") from error
        if not ciphers or not all(0 <= number <= 255 for number in ciphers):
            raise KeysUnreadable(f"{path}: sealing keys are numbered 0 to 255, at least one")
        return cls(ciphers, max(ciphers), blind, secret, _fingerprint(sealing, blind, secret))

    def seal(self, plain: bytes, *, table: str, column: str, row: str) -> bytes:
        """`plain` sealed for one place. Each call gives other bytes."""
        return self.sealer(table, column)(plain, row)

    def sealer(self, table: str, column: str) -> Callable[[bytes, str], bytes]:
        """`seal` for many rows of one column: (plain, row) to sealed."""
        head = bytes((_VERSION, self._newest))
        before_row = _place(head, table, column, "")
        encrypt = self._ciphers[self._newest].encrypt

        def seal(plain: bytes, row: str) -> bytes:
            nonce = _fresh_nonce()
            return head + nonce + encrypt(nonce, plain, before_row + row.encode())

        return seal

    def unseal(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """What was sealed for this place. Raises Unsealable."""
        head, nonce, body = sealed[:2], sealed[2 : 2 + _NONCE], sealed[2 + _NONCE :]
        cipher = self._ciphers.get(head[1]) if len(head) == 2 and head[0] == _VERSION else None
        if cipher is None:
            raise Unsealable(f"{table}.{column}: sealed with a key that this hub doesn't have")
        try:
            return cipher.decrypt(nonce, body, _place(head, table, column, row))
        except (InvalidTag, ValueError) as error:
            raise Unsealable(f"{table}.{column}: doesn't open in this place") from error

    def blind(self, value: str) -> bytes:
        """32 bytes that are equal for equal values and say nothing of them: for look-ups by a sealed value."""
        return hmac.digest(self._blind, value.encode(), hashlib.sha256)


_nonces: list[bytes] = []


def _fresh_nonce() -> bytes:
    """Random, each given out once. Drawn many at a time: each call to the system gives Python's lock away."""
    while True:
        try:
            return _nonces.pop()
        except IndexError:
            drawn = os.urandom(_NONCE * _DRAWN)
            _nonces.extend(drawn[at : at + _NONCE] for at in range(0, len(drawn), _NONCE))


def _place(head: bytes, table: str, column: str, row: str) -> bytes:
    return head + "\x1f".join((table, column, row)).encode()


def _fingerprint(sealing: Mapping[int, bytes], blind: bytes, secret: bytes) -> str:
    """Twenty hexadecimal digits in groups of four, to be compared by eye."""
    numbered = b"".join(bytes((number,)) + key for number, key in sorted(sealing.items()))
    digits = hashlib.sha256(b"front-desk-hub keys" + numbered + blind + secret).hexdigest()
    return "-".join(digits[start : start + 4] for start in range(0, 20, 4))


def _decode(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY:
        raise ValueError("a key of another length")
    return key


def _create(path: Path) -> None:
    """Written whole beside its place and linked into it: who comes second uses what the first one made."""
    fresh = [base64.b64encode(os.urandom(_KEY)).decode() for _ in range(3)]
    content = json.dumps({"sealing": {"1": fresh[0]}, "blind": fresh[1], "secret": fresh[2]}, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"keys.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        draft.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
