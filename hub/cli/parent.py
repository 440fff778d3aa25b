"""The small parent of `hub run`: starts the hub, passes signals on, and starts it again when it dies or ends itself.

It imports little and has no threads, so that what can go wrong in the hub can't go wrong here. Not used where something
else does this: under systemd, or with HUB_KEPT in the environment.
"""

import os
import signal
import sys
import time
from types import FrameType

from hub.leash import leashed

CLEAN, REFUSED, USAGE = 0, 1, 2
"""exit statuses of the hub: ended as asked; can't start (a mistake in the configuration, a port in use); asked wrongly.
With any other it has failed."""
KEPT = "HUB_KEPT"
"""set in the environment: something keeps this process running"""
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
LIVED_WELL = 60.0
"""seconds after which a failure is a new one, and not the same again"""
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def is_needed() -> bool:
    return KEPT not in os.environ and "NOTIFY_SOCKET" not in os.environ


def keep_running(*command: str) -> int:
    """Until it ends as asked, or can't even start. Returns its exit status, 128 + n when signal n ended it."""
    parent = _Parent()
    whole = leashed(*command, signal="KILL")  # a parent that is killed leaves no hub behind that holds its files
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # then it stays so
    passed_on = [number for number in _PASSED_ON if not (nohup and number == signal.SIGHUP)]
    for number in passed_on:
        signal.signal(number, parent.pass_on)
    began_before = False
    wait = FIRST_WAIT
    while True:
        began = time.monotonic()
        code = parent.run(whole, passed_on)
        if parent.stopping or code in (CLEAN, USAGE) or (code == REFUSED and not began_before):
            return code
        began_before = True
        wait = FIRST_WAIT if time.monotonic() - began > LIVED_WELL else wait
        print(f"hub: ended with {code}; it is started again in {wait:g} s", file=sys.stderr, flush=True)
        if not parent.waits(wait):
            return code
        wait = min(wait * 2, LONGEST_WAIT)


class _Parent:
    def __init__(self) -> None:
        self.stopping = False
        self._child = 0

    def pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.stopping = self.stopping or number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        if self._child:
            os.kill(self._child, number)  # until it is waited for its number is nobody else's

    def run(self, command: list[str], passed_on: list[signal.Signals]) -> int:
        """One life of the hub: its exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
        if self.stopping:
            return CLEAN
        environment = {**os.environ, KEPT: "1"}
        self._child = os.posix_spawnp(command[0], command, environment, setsigmask=(), setsigdef=passed_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
        os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOWAIT)
        signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def waits(self, seconds: float) -> bool:
        """False when it was asked to stop meanwhile."""
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return not self.stopping
