"""The last configuration that the hub ran with: a mistake in the new one never stops a building."""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.core.adapter import Adapter
from hub.settings.load import Loaded, load
from hub.settings.mistakes import Mistake

_FOLDER = "last-good-config"
_BEFORE = "last-good-config.before"
_ALSO = ("rules/**/*.yaml", "checklists/**/*.yaml")


class ConfigurationRefused(Exception):
    """A first start with mistakes. `mistakes` are all of them."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


def load_or_last_good(
    config_dir: Path, data_dir: Path, adapters: Mapping[str, Adapter]
) -> tuple[Loaded, tuple[Mistake, ...]]:
    """The configuration if it has no mistakes, else the last good one with the new one's mistakes, which the caller
    says loudly. Secrets and the certificate are always those of `config_dir`.

    The last good set is run even where this version of the hub finds a mistake in it: those are told too. Raises
    ConfigurationRefused on a first start with mistakes.
    """
    new = load(config_dir, adapters)
    if not new.mistakes:
        return new, ()
    for kept in (data_dir / _FOLDER, data_dir / _BEFORE):
        if kept.is_dir():
            old = load(kept, adapters, secrets_dir=config_dir)
            if old.runnable:
                told = tuple(mistake for mistake in old.mistakes if mistake not in new.mistakes)
                return old, new.mistakes + told
    raise ConfigurationRefused(new.mistakes)


def keep_last_good(data_dir: Path, config_dir: Path) -> None:
    """Copies hub.toml, building.toml and the files that they name, rules and checklists; never secrets, keys or
    lists of people. All or nothing: a crash leaves the set before or this one.

    To be called right after a load without mistakes, since it reads the files again. Raises OSError where the disk
    is full or away.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    for abandoned in data_dir.glob(f".{_FOLDER}.*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(dir=data_dir, prefix=f".{_FOLDER}."))
    try:
        for file in _files(config_dir):
            copy = fresh / file.relative_to(config_dir)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
            _sync(copy)
            _sync(copy.parent)
        _sync(fresh)
        current, before = data_dir / _FOLDER, data_dir / _BEFORE
        if current.is_dir():
            shutil.rmtree(before, ignore_errors=True)
            current.rename(before)
        fresh.rename(current)
        _sync(data_dir)
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(config_dir: Path) -> Iterator[Path]:
    yield config_dir / "hub.toml"
    yield config_dir / "building.toml"
    building = tomllib.loads((config_dir / "building.toml").read_text("utf-8-sig"))
    for name in sorted(set(_named(building))):
        yield from sorted(path for path in config_dir.glob(name.replace("{floor}", "*")) if path.is_file())
    for pattern in _ALSO:
        yield from sorted(config_dir.glob(pattern))


def _named(building: Mapping[str, Any]) -> Iterator[str]:
    yield from (building[key] for key in ("devices",) if key in building)
    yield from (building["site"][key] for key in ("call_sheet",) if building["site"].get(key))
    yield from (plan["file"] for plan in building.get("plan", {}).values())
    for kind in ("device", "like"):
        yield from (table["points"] for table in building.get(kind, {}).values() if "points" in table)
