"""What systemd is told where it runs us (sd_notify(3)): READY=1, WATCHDOG=1, STOPPING=1. Elsewhere nothing happens."""

import contextlib
import os
import socket

ENVIRONMENT = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""for the process that systemd started, and none of its children"""


def runs_us() -> bool:
    return "NOTIFY_SOCKET" in os.environ


def notify(state: str) -> None:
    """Raises nothing: a socket that isn't there is systemd's affair."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract one
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to, contextlib.suppress(OSError):
        to.sendto(state.encode(), address)
