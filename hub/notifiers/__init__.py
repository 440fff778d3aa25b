"""One file a channel, found by entry point, so that a vendor can ship one as a package of its own."""

from importlib.metadata import entry_points
from typing import Any

from hub.core.notifier import Notifier

GROUP = "hub.notifiers"


def load_notifiers() -> dict[str, Notifier[Any]]:  # each has settings of its own, checked by `Notifier.channel`
    """Every installed notifier by its name. Raises ValueError for one that isn't a notifier of that name, or is there
    twice."""
    found: dict[str, Notifier[Any]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        notifier = entry.load()
        if not isinstance(notifier, Notifier) or notifier.name != entry.name:
            raise ValueError(f"entry point {entry.name} = {entry.value} isn't a notifier named {entry.name}")
        if entry.name in found:
            raise ValueError(f"two installed packages bring a notifier named {entry.name}: {entry.value} is the second")
        found[entry.name] = notifier
    return found
