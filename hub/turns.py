"""How long one thread goes on computing while another waits for the interpreter.

Python's own 5 ms cost least in all. But a fire waits a few dozen times on its way to the page, so while a matter of
life is under way, and a little longer, turns are short.
"""

import asyncio
import sys

USUAL, SHORT = 0.005, 0.0005
"""seconds a turn; with short ones an event of routine was measured to cost a sixth more"""
STAY_SHORT = 2.0
"""seconds after the last matter of life"""


class Turns:
    """Belongs to the loop that runs when it is first told."""

    def __init__(self) -> None:
        self._until = 0.0
        self._short = False

    def life_comes(self) -> None:
        """A matter of life is under way: short turns from now on."""
        loop = asyncio.get_running_loop()
        self._until = loop.time() + STAY_SHORT
        if not self._short:
            self._short = True
            sys.setswitchinterval(SHORT)
            loop.call_at(self._until, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.time() < self._until:
            loop.call_at(self._until, self._look, loop)
            return
        self._short = False
        sys.setswitchinterval(USUAL)
