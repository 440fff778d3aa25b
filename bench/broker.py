"""A mosquitto on a loopback port of its own, with nothing in its way: no log, no disk, no bound that is reached."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hub.bus.mosquitto import free_port, installed

_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 200000
max_queued_bytes 0
set_tcp_nodelay true
log_type error
connection_messages false
"""


@contextlib.contextmanager
def broker(directory: Path) -> Iterator[int]:
    """Its port, while it runs."""
    binary = installed()
    if binary is None:
        raise SystemExit("make bench needs the system package mosquitto")
    port = free_port()
    file = directory / f"mosquitto-{port}.conf"
    file.write_text(_CONFIGURATION.format(port=port))
    child = subprocess.Popen([binary, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_listening(port)
        yield port
    finally:
        child.terminate()
        child.wait(5)


def until_listening(port: int, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")
