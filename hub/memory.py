"""Python's collector of reference cycles, calmed.

As it comes it looks through everything alive again and again while a batch's thousands of short-lived objects are
made, which was measured at a fifth of the intake's throughput.
"""

import gc

_YOUNG, _MIDDLE, _OLD = 20_000, 20, 100
"""objects made, then collections of the next younger kind, before each kind of collection"""


def put_off() -> None:
    """Nothing is collected until `calm`: what is imported stays, and looking through it took a fifth of a start."""
    gc.disable()


def calm() -> None:
    """Call once, when everything that lives as long as the process is there: that is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.enable()
