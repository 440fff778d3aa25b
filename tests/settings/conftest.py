"""A copy of the repository's own configuration to break, one thing at a time. The example that isn't ours is read
only where it is: beside the folder that HUB_CAPTURED_SAMPLES names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from hub.core.adapter import (
    Adapter,
    Decoded,
    DeviceContext,
    Frame,
    Http,
    Mqtt,
    NoOptions,
    Split,
    Tcp,
    Unsupported,
)
from hub.core.commands import Command
from hub.settings import Loaded, load

collect_ignore_glob = [] if os.environ.get("HUB_CAPTURED_SAMPLES") else ["*_captured.py"]

CONFIG = Path(__file__).parents[2] / "config"


class ReaderOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    dialect: Literal["acc", "att"]


def _adapter(name: str, transport: Tcp | Http | Mqtt, options: type[BaseModel] = NoOptions) -> Adapter:
    def address(frame: Frame, site: str) -> str | None:
        return None

    def decode(frame: Frame, device: DeviceContext) -> Decoded:
        return Decoded()

    def encode(command: Command, device: DeviceContext, number: int, now: datetime) -> Unsupported:
        return Unsupported("nothing")

    return Adapter(
        name=name,
        transport=transport,
        address=address,
        decode=decode,
        encode=encode,
        commands=frozenset(),
        lane="life" if isinstance(transport, Tcp) else "routine",
        options=options,
    )


ADAPTERS: Mapping[str, Adapter] = {
    "face_mqtt": _adapter("face_mqtt", Mqtt(up=("face/{address}",), down=())),
    "locker_mqtt": _adapter("locker_mqtt", Mqtt(up=("locker/{device}",), down=())),
    "zkteco_push": _adapter("zkteco_push", Http("/iclock/"), ReaderOptions),
    "gbt26875": _adapter("gbt26875", Tcp(split=lambda raw: Split(), default_port=5200)),
    "other_panel": _adapter("other_panel", Tcp(split=lambda raw: Split(), default_port=5300)),
}


@dataclass(frozen=True, slots=True)
class Estate:
    folder: Path

    def change(self, file: str, old: str, new: str) -> int:
        """Replaces the one place where `old` stands; returns its line."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), "utf-8")
        return text.count("\n", 0, text.index(old)) + 1

    def load(self) -> Loaded:
        return load(self.folder, ADAPTERS)

    def said(self) -> list[str]:
        return [str(mistake) for mistake in self.load().mistakes]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(Path(copytree(CONFIG, tmp_path / "config", ignore=ignore_patterns("secrets.toml"))))
