"""Child processes that end when the hub does, however it ends: one left behind would hold its ports and its files."""

import functools
import shutil
import subprocess


def leashed(*command: str) -> list[str]:
    """The command, so that the kernel ends it (SIGTERM) when its parent dies; as it is where that can't be had."""
    return [*_leash(), *command]


@functools.cache
def _leash() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    leash = (setpriv, "--pdeathsig", "TERM")
    knows = subprocess.run([*leash, "true"], capture_output=True, check=False)  # noqa: S603  # busybox's doesn't
    return leash if knows.returncode == 0 else ()
