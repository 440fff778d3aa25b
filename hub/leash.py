"""Child processes that end when the hub does, however it ends: one left behind would hold its ports and its files."""

import functools
import shutil
import subprocess


def leashed(*command: str, signal: str = "TERM") -> list[str]:
    """The command, so that the kernel sends it a signal when its parent dies; as it is where that can't be had."""
    return [*_leash(signal), *command]


@functools.cache
def _leash(signal: str) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    leash = (setpriv, "--pdeathsig", signal)
    knows = subprocess.run([*leash, "true"], capture_output=True, check=False)  # noqa: S603  # busybox's doesn't
    return leash if knows.returncode == 0 else ()
