"""How many events a second go from MQTT into committed records: the floor's, the intake's, the whole path's."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench import database, load, mix
from bench.broker import broker
from bench.desk import desk
from bench.process import Process, python


@dataclass(frozen=True, slots=True)
class Speed:
    """`cost`: seconds of the taker's processor an event, which others on the machine change less than the rate."""

    events_s: float
    cost: float


def canonical(directory: Path, wanted: int) -> Path:
    """A file of canonical events that happen now."""
    file = directory / f"events-{wanted}"
    load.write_packets(file, mix.packets(wanted, mix.now() - wanted * mix.PACE - timedelta(seconds=1)))
    return file


def vendor(directory: Path, wanted: int) -> Path:
    """A file of as many vendor frames."""
    file = directory / f"frames-{wanted}"
    load.write_packets(file, mix.frame_packets(wanted, mix.now() - wanted * mix.PACE - timedelta(seconds=1)))
    return file


def floor(directory: Path, prefilled: Path, packets: Path, wanted: int) -> Speed:
    file = directory / "floor.db"
    database.copy_file(prefilled, file)
    with broker(directory) as port, python("bench.floor", port, file, wanted) as taker:
        taker.says("ready")
        with python("bench.load", port, packets) as loader:
            loader.says("ready")
            before = taker.processor()
            loader.begin()
            ended = taker.tells()["ended"]
            cost = (taker.processor() - before) / wanted
            return Speed(wanted / (ended - loader.tells()["begun"]), cost)


def intake(directory: Path, prefilled: Path, packets: Path, wanted: int) -> Speed:
    """Receipts included."""
    database.fresh(prefilled, directory)
    with broker(directory) as port, python("bench.intake", directory, port) as taker:
        taker.says("ready")
        with python("bench.load", port, packets, "--as", "host", "--stored", wanted) as loader:
            return _speed(loader, taker, wanted)


def path(directory: Path, prefilled: Path, packets: Path, wanted: int) -> Speed:
    """From vendor frames, through adapter, spool, broker, intake, in the one process of `hub run`."""
    with (
        desk(directory, prefilled) as running,
        python("bench.load", running.broker, packets, "--as", "devices", "--stored", wanted) as loader,
    ):
        return _speed(loader, running.process, wanted)


def _speed(loader: Process, taker: Process, wanted: int) -> Speed:
    loader.says("ready")
    before = taker.processor()
    loader.begin()
    told = loader.tells()
    return Speed(wanted / (told["ended"] - told["begun"]), (taker.processor() - before) / wanted)
