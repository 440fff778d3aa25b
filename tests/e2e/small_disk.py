"""A small disk for a data directory: a tmpfs that only the processes of one namespace see. It needs no root."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.e2e.building import Building

SIZE = 200 * 2**20


class SmallDisk:
    """`building` runs its hub where `data` is this disk."""

    def __init__(self, building: Building, holder: int, enter: tuple[str, ...]) -> None:
        self.building = replace(building, inside=enter)
        self._data = Path(f"/proc/{holder}/root{building.data}")
        self._filler = self._data / "filler"

    @property
    def free(self) -> int:
        """Bytes."""
        seen = os.statvfs(self._data)
        return seen.f_bavail * seen.f_frsize

    def fill(self) -> None:
        """Another program writes until it can't."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            for size in (2**20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
                        assert file.tell() <= SIZE

    def size_of(self, name: str) -> int:
        """Bytes of a file."""
        return (self._data / name).stat().st_size

    def clear(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def small_disk(building: Building) -> Iterator[SmallDisk]:
    """Gone with the block."""
    building.data.mkdir()
    root = os.geteuid() == 0
    alone = ["unshare", "--mount"] if root else ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f'mount -t tmpfs -o size={SIZE} none "$0" && echo mounted && exec sleep 600'
    holder = subprocess.Popen([*alone, "sh", "-c", mount, str(building.data)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mounted\n", "this system lets no user mount a disk of its own"
        pid = str(holder.pid)
        enter = ("nsenter", "--target", pid, *([] if root else ["--user", "--preserve-credentials"]), "--mount")
        yield SmallDisk(building, holder.pid, (*enter, f"--wd={Path.cwd()}", "--"))
    finally:
        holder.kill()
        holder.communicate()
