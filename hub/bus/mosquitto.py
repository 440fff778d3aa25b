"""The broker of one building: mosquitto as the hub's child process, its configuration made from what is declared."""

import asyncio
import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import structlog

from hub.bus import broker_files
from hub.bus.access import BrokerUser
from hub.bus.broker_files import DeviceListener
from hub.leash import leashed

log = structlog.get_logger()

READY_WITHIN = 10.0
RESTART_AFTER = 0.5
TRY_AGAIN_AFTER = 2.0
START_WITHIN = 3.0
"""seconds in which a first failure is tried again: the broker of a hub that was just killed lets go of its port"""


def installed() -> str | None:
    """Debian keeps mosquitto in /usr/sbin, which isn't on every user's path."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class BrokerNotStarted(OSError):
    """The child process ended or never listened; the text says where and why."""


class Mosquitto:
    """One child process: started, watched, started again when it dies, stopped. Nothing is kept in it."""

    def __init__(self, directory: Path, listener: DeviceListener, hub_port: int) -> None:
        self._directory = directory
        self._listener = listener
        self.hub_port = hub_port
        self._process: asyncio.subprocess.Process | None = None

    def write_configuration(self, users: Sequence[BrokerUser]) -> None:
        own = (f"user {getpass.getuser()}", f"pid_file {self._directory / 'mosquitto.pid'}")
        conf = broker_files.configuration(self._directory, self._listener, self.hub_port, own)
        broker_files.write(self._directory, broker_files.CONFIGURATION, conf)
        broker_files.write(self._directory, broker_files.RIGHTS, broker_files.rights(users))
        broker_files.write(self._directory, broker_files.PASSWORDS, broker_files.passwords(users))

    def reload(self, users: Sequence[BrokerUser]) -> None:
        """Take changed users and rights in without cutting anyone's connection."""
        self.write_configuration(users)
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def run(self, started: asyncio.Event) -> None:
        """Keep it running until cancelled."""
        give_up = asyncio.get_running_loop().time() + START_WITHIN
        try:
            while True:
                try:
                    await self._start()
                except BrokerNotStarted as problem:
                    goes_on = started.is_set() or self._was_killed()
                    if not goes_on and asyncio.get_running_loop().time() > give_up:
                        raise
                    log.error("broker_not_started", reason=str(problem), again_after=TRY_AGAIN_AFTER)
                    await self._stop()
                    await asyncio.sleep(TRY_AGAIN_AFTER)
                    continue
                started.set()
                assert self._process is not None  # noqa: S101  # _start made it
                code = await self._process.wait()
                log.error("broker_died", code=code, restart_after=RESTART_AFTER)
                await asyncio.sleep(RESTART_AFTER)
        finally:
            await self._stop()

    def _was_killed(self) -> bool:
        """By a signal: then nothing is wrong with its configuration."""
        return self._process is not None and (self._process.returncode or 0) < 0

    async def _start(self) -> None:
        binary = installed()
        if binary is None:
            raise FileNotFoundError("mosquitto is not installed")
        with self._fresh_log().open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *leashed(binary, "-c", str(self._directory / broker_files.CONFIGURATION)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the hub, which stops the broker last
            )
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while not await _listens(self.hub_port):
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise BrokerNotStarted(self._why())
            await asyncio.sleep(0.02)
        log.info("broker_started", kind="mosquitto", devices=f"{self._listener.address}:{self._listener.port}")

    def _fresh_log(self) -> Path:
        """A log a start, so that it says why this one failed; the one before is kept beside it."""
        log_file = self._directory / "mosquitto.log"
        if log_file.exists():
            log_file.replace(log_file.with_suffix(".log.before"))
        return log_file

    def _why(self) -> str:
        log_file = self._directory / "mosquitto.log"
        errors = [line for line in log_file.read_text(errors="replace").splitlines() if "Error: " in line]
        said = errors[-1].partition("Error: ")[2] if errors else "no answer"
        where = f"{self._listener.address} port {self._listener.port}"
        return f"mosquitto did not start for devices at {where}: {said} (all of it in {log_file})"

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            with contextlib.suppress(ProcessLookupError):
                await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
