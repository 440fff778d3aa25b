"""One folder a protocol, found by entry point, so that a vendor can ship one as a package of its own."""

from importlib.metadata import entry_points

from hub.core.adapter import Adapter

GROUP = "hub.adapters"


def load_adapters() -> dict[str, Adapter]:
    """Every installed adapter by its name. Raises ValueError for one that isn't an adapter of that name, or is there
    twice; an adapter that fails to import fails here, before any device is told anything."""
    found: dict[str, Adapter] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        adapter = entry.load()
        if not isinstance(adapter, Adapter) or adapter.name != entry.name:
            raise ValueError(f"entry point {entry.name} = {entry.value} isn't an adapter named {entry.name}")
        if entry.name in found:
            raise ValueError(f"two installed packages bring an adapter named {entry.name}: {entry.value} is the second")
        found[entry.name] = adapter
    return found
