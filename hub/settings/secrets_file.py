"""secrets.toml: what nobody may read. Only its owner can (0600); it is in no copy and no log."""

import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hub.core.text import Identifier
from hub.settings.declare import M, declare
from hub.settings.mistakes import Mistakes, SourceLine, Where
from hub.settings.toml_file import read_toml

NAME = "secrets.toml"
_HEAD = "# What nobody may read. Keep this file at mode 0600, and out of git and of copies.\n"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DeviceSecret(_Part):
    """A device's MQTT user is its id."""

    password: SecretStr = Field(min_length=1)


class SmtpSecret(_Part):
    user: str
    password: SecretStr = Field(min_length=1)


class WebhookSecret(_Part):
    secret: SecretStr = Field(min_length=16)


class Secrets(_Part):
    """`devices` by id, also of those that aren't declared yet."""

    devices: Mapping[Identifier, DeviceSecret] = Field(default_factory=dict)
    smtp: SmtpSecret | None = None
    webhook: WebhookSecret | None = None


def read_secrets(folder: Path, mistakes: Mistakes) -> Secrets:
    """The secrets; none where there is no file. One that others can read is a mistake, and is read all the same: a
    building that runs must not lose its devices over it."""
    path = folder / NAME
    _check_mode(path, mistakes)
    file = read_toml(path, mistakes, needed=False)
    devices: dict[str, DeviceSecret] = {}
    written = file.tables.get("device", {})
    for device_id, raw in written.items() if isinstance(written, dict) else ():
        secret = declare(DeviceSecret, _table(raw), file.within("device", device_id), mistakes, secret=True)
        if secret is not None:
            devices[device_id] = secret
    smtp, webhook = file.tables.get("smtp"), file.tables.get("webhook")
    for key in file.tables:
        if key not in {"device", "smtp", "webhook"}:
            mistakes.add(file.spot((key,)), f'unknown table "{key}"', key, ("device", "smtp", "webhook"))
    return Secrets(
        devices=devices,
        smtp=_declared(SmtpSecret, smtp, file.within("smtp"), mistakes),
        webhook=_declared(WebhookSecret, webhook, file.within("webhook"), mistakes),
    )


def _declared(model: type[M], raw: object, where: Where, mistakes: Mistakes) -> M | None:
    return None if raw is None else declare(model, _table(raw), where, mistakes, secret=True)


def _table(raw: object) -> Mapping[str, object]:
    return raw if isinstance(raw, dict) else {}


def _check_mode(path: Path, mistakes: Mistakes) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & 0o077:
        said = f"can be read by others (mode {mode:04o}): only its owner may, so run chmod 600 {path}"
        mistakes.add(SourceLine(NAME, 0), said)


def put_device_passwords(folder: Path, passwords: Mapping[str, str]) -> None:
    """Writes these devices' passwords, and keeps all else that stands in the file, comments too.

    Raises ValueError where the file can't be read as TOML, OSError where it can't be written.
    """
    path = folder / NAME
    text = path.read_text("utf-8-sig") if path.exists() else _HEAD
    for device_id, password in passwords.items():
        text = _with_password(text, device_id, password)
    _write(path, text)


def _with_password(text: str, device_id: str, password: str) -> str:
    """`text` with the one line of that password replaced, or a table for it at its end."""
    before = tomllib.loads(text)
    line = f'password = "{password}"'
    key = device_id if re.fullmatch(r"[A-Za-z0-9_-]+", device_id) else f'"{device_id}"'
    if device_id in before.get("device", {}):
        header = rf"""(\[\s*device\s*\.\s*["']?{re.escape(device_id)}["']?\s*\][^\n]*\n(?:(?!\s*\[)[^\n]*\n)*?)"""
        text = re.sub(rf"{header}[ \t]*password[ \t]*=[^\n]*", lambda m: m[1] + line, text, count=1)
    else:
        text = f"{text.rstrip()}\n\n[device.{key}]\n{line}\n".lstrip("\n")
    if tomllib.loads(text).get("device", {}).get(device_id, {}).get("password") != password:
        raise ValueError(
            f'the password of "{device_id}" can\'t be replaced in {NAME}: write it as a table [device.{key}]'
        )
    return text


def _write(path: Path, text: str) -> None:
    """All or nothing, and never readable by others, not even for a moment (mkstemp makes 0600)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{NAME}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
