"""What fifty open pages cost an event, and how long a page of a large store takes."""

import statistics
import threading
import time
from pathlib import Path

from bench import site, throughput
from bench.desk import Desk, Page
from bench.process import python

ROUTINE = 500
"""events a second"""
ASKED = ("/", "/visits", f"/devices/{site.ENTRY}", f"/records?device={site.ENTRY}")
"""board, visit list, a device's history"""


def cost_of_an_event(running: Desk, directory: Path, pages: int, seconds: float) -> float:
    """Seconds of the hub's processor an event, with so many pages open."""
    opened = [Page(running.page) for _ in range(pages)]
    frames = throughput.vendor(directory, int(ROUTINE * (seconds + 2)))
    try:
        with python("bench.load", running.broker, frames, "--rate", ROUTINE) as loader:
            loader.says("ready")
            loader.begin()
            time.sleep(1)
            before = running.process.processor()
            time.sleep(seconds)
            return (running.process.processor() - before) / (ROUTINE * seconds)
    finally:
        for closing in [threading.Thread(target=page.close) for page in opened]:
            closing.start()


def slowest(running: Desk, times: int) -> float:
    """Milliseconds: the page's that takes longest, each the median of as many."""
    for path in ASKED:
        running.get(path)
    return max(statistics.median(running.get(path) for _ in range(times)) for path in ASKED)
