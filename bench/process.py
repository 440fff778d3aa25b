"""Processes of a run: started, waited for by what they print, ended."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def python(module: str, *arguments: object, **environment: str) -> Iterator["Process"]:
    """`python -m module …`, ended with the block."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HUB_KEPT": "1", **environment},
    )
    try:
        yield Process(child)
    finally:
        child.terminate()
        with contextlib.suppress(OSError):
            child.communicate(timeout=10)


class Process:
    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self.pid = child.pid

    def says(self, beginning: str) -> str:
        """The next line that begins so. Raises RuntimeError when it ends without one."""
        assert self._child.stdout
        for line in self._child.stdout:
            if line.startswith(beginning):
                return line.strip()
        raise RuntimeError(f"it ended (exit {self._child.wait()}) without saying {beginning!r}")

    def tells(self) -> dict[str, Any]:
        """The next line of JSON."""
        told: dict[str, Any] = json.loads(self.says("{"))
        return told

    def begin(self) -> None:
        assert self._child.stdin
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def processor(self) -> float:
        """Seconds of processor that all its threads have used; also of one that has just ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
