"""A log line of a library is one of ours, and says nothing of what a stranger sent."""

import json
import subprocess
import sys

SAID = """
import logging
from hub import log
log.configure()
try:
    raise ValueError("GET /secret")
except ValueError:
    logging.getLogger("aiohttp.server").exception("Error handling request from 127.0.0.1")
"""


def test_a_librarys_error_is_one_line_without_the_strangers_bytes() -> None:
    said = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True).stderr
    assert "secret" not in said
    line = json.loads(said)
    assert (line["event"], line["library"], line["error"]) == ("library_said", "aiohttp.server", "ValueError")
