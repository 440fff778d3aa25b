"""The building that is measured: the demo building of config/, on free ports."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from hub.adapters import load_adapters
from hub.bus.mosquitto import free_port
from hub.core.building import Building
from hub.settings.load import load

CONFIG = Path(__file__).parents[1] / "config"
ENTRY, EXIT, LOCKER = "gate-e1", "gate-e2", "locker-2"
PANEL = "fire-b3"


def write_config(directory: Path) -> dict[str, int]:
    """A configuration whose ports are free; returns them: `panel`, `readers`, `mqtt`."""
    shutil.copytree(CONFIG, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("secrets.toml"))
    ports = {name: free_port() for name in ("panel", "readers", "mqtt")}
    building = (directory / "building.toml").read_text().replace("port = 5200", f"port = {ports['panel']}")
    (directory / "building.toml").write_text(building)
    hub = (directory / "hub.toml").read_text()
    hub = hub.replace("readers = 8081", f"readers = {ports['readers']}").replace(
        "mqtt = 1883", f"mqtt = {ports['mqtt']}"
    )
    (directory / "hub.toml").write_text(hub)
    return ports


@cache
def building() -> Building:
    with tempfile.TemporaryDirectory(prefix="bench-config-") as directory:
        write_config(Path(directory))
        loaded = load(Path(directory), load_adapters())
        if loaded.mistakes:
            raise SystemExit("\n".join(map(str, loaded.mistakes)))
        return loaded.building
