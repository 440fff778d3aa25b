"""How long after its start the hub has taken its first event; and what it needs at rest."""

import socket
import time
from pathlib import Path

from bench import database, load, mix
from bench.desk import Desk, Page, prepared
from bench.process import python
from simulators import gb26875 as gb


def seconds_to_first_event(directory: Path, prefilled: Path) -> float:
    """From the process's start until the store has a panel's word and its host the receipt."""
    with prepared(directory, prefilled) as (arguments, ports, broker):
        told = load.Told(broker)
        now = mix.now()
        body = gb.objects(2, gb.component_state((1, 1), 40, (217, 6), gb.FAULT, "烟感") + gb.time_tag(mix.local(now)))
        frame = mix.panel_frame(1, body, now)
        begun = time.monotonic()
        with python("hub", "run", *arguments, HUB_DATABASE=database.hub_database(directory / "data")):
            panel = _connected(ports["panel"])
            panel.sendall(frame)
            while not told.stored:
                told.read()
            taken = time.monotonic() - begun
            panel.close()
            return taken


def memory_at_rest(running: Desk) -> float:
    """MiB, with one page open and nothing going on."""
    page = Page(running.page)
    running.get("/")
    time.sleep(3)
    taken = running.memory()
    page.close()
    return taken


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
