"""`intake_vs_floor`, `path_vs_floor`, `intake_1m_vs_200k`: how many events a second from MQTT into committed records."""

from datetime import timedelta
from pathlib import Path

from bench import load, mix, stored
from bench.broker import broker
from bench.process import python
from hub.bus import topics


def canonical(directory: Path, wanted: int) -> Path:
    """A file of canonical events that happen now."""
    file = directory / f"events-{wanted}"
    load.write_packets(file, mix.packets(wanted, mix.now() - wanted * mix.PACE - timedelta(seconds=1)))
    return file


def floor(directory: Path, prefilled: Path, packets: Path, wanted: int) -> float:
    """Events a second."""
    database = directory / "floor.db"
    _fresh(prefilled, database)
    with broker(directory) as port, python("bench.floor", port, database, wanted) as taker:
        taker.says("ready")
        with python("bench.load", port, packets) as loader:
            loader.says("ready")
            loader.begin()
            return wanted / (taker.tells()["ended"] - loader.tells()["begun"])


def intake(directory: Path, prefilled: Path, packets: Path, wanted: int) -> float:
    """Events a second, receipts included."""
    _fresh(prefilled / "hub.db", directory / "hub.db")
    (directory / "keys").write_bytes((prefilled / "keys").read_bytes())
    (directory / "keys").chmod(0o600)
    receipts = topics.receipts(mix.building().site.id, mix.HOST)
    with broker(directory) as port, python("bench.intake", directory, port) as taker:
        taker.says("ready")
        with python("bench.load", port, packets, "--receipts", receipts) as loader:
            loader.says("ready")
            loader.begin()
            told = loader.tells()
            return wanted / (told["ended"] - told["begun"])


def _fresh(source: Path, target: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    stored.copy(source, target)
