"""How the parts are: each tells for itself; /readyz shows all of it."""

from collections.abc import Callable, Mapping


class Health:
    def __init__(self) -> None:
        self._parts: dict[str, Callable[[], Mapping[str, object]]] = {}

    def add(self, name: str, tell: Callable[[], Mapping[str, object]]) -> None:
        self._parts[name] = tell

    def __call__(self) -> dict[str, object]:
        return {name: dict(tell()) for name, tell in self._parts.items()}
