"""A failure told without what it was about: for logs, where an exception's message may quote a person's data."""

import traceback


def blame(error: BaseException) -> str:
    """`TypeName at file:line in function`: where it came from and what kind, never its message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return type(error).__name__ + where
