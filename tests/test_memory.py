"""What the hub asks of Python's collector of reference cycles."""

import subprocess
import sys

PROGRAM = """
import gc
from hub import memory
memory.put_off()
assert not gc.isenabled()
memory.calm()
assert gc.isenabled() and gc.get_freeze_count()
"""


def test_what_was_put_off_for_the_start_is_done_again_once_the_hub_stands() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
