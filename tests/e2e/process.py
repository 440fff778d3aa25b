"""`hub run` as a process of its own: started, watched, killed, interrupted. Whatever it leaves is ended with it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.building import Building, hub_command

KEPT: Mapping[str, str] = {"HUB_KEPT": "1"}


class HubProcess:
    def __init__(
        self, building: Building, *arguments: str, environment: Mapping[str, str] | None = None, parent: bool = False
    ) -> None:
        """Without its `parent` a test that kills it kills the hub, and it stays so."""
        self.building = building
        self.arguments = arguments
        number = len(list(building.config.parent.glob("out-*")))
        self._out = building.config.parent / f"out-{number}"
        self._log = building.config.parent / f"log-{number}"
        address = f"127.0.0.1:{building.ports.http}"
        places = ["--config", str(building.config), "--data", str(building.data), "--http", address]
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*building.inside, *hub_command("run", *places, *arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **({} if parent else KEPT), **(environment or {})},
            )

    # what it says

    @property
    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def logged(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def written(self) -> bytes:
        """Everything that it wrote to its two outputs."""
        return self._out.read_bytes() + self._log.read_bytes()

    # its life

    async def ready(self, within: float = 90.0) -> None:
        """/readyz says so, and the host has told the intake that it runs."""
        await self._told(lambda said: said["ready"] and said["parts"]["intake"]["spools"], within)

    async def answers(self, within: float = 90.0) -> None:
        """/readyz says so."""
        await self._told(lambda said: said["ready"], within)

    async def _told(self, enough: Callable[[dict[str, Any]], object], within: float) -> None:
        async with aiohttp.ClientSession() as http:

            async def all_there() -> bool:
                assert self.process.poll() is None, f"hub run ended with {self.process.returncode}:\n{self.logged}"
                try:
                    async with http.get(f"{self.building.url}/readyz") as answer:
                        return bool(enough(await answer.json()))
                except (aiohttp.ClientError, OSError):
                    return False

            await eventually(all_there, within, lambda: f"hub run isn't ready: {self.said}\n{self.logged}")

    async def interrupt(self, within: float = 5.0) -> int:
        """SIGINT, as Ctrl-C sends it. Returns the exit status; raises TimeoutExpired."""
        self.process.send_signal(signal.SIGINT)
        return await asyncio.to_thread(self.process.wait, within)

    async def ended(self, within: float = 60.0) -> int:
        return await asyncio.to_thread(self.process.wait, within)

    async def kill(self) -> None:
        """kill -9, of the host's process too; nobody is told. What else it had started is left to itself."""
        host = self.children("--only host")
        for pid in (self.process.pid, *host):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        await eventually(lambda: not self.children("--only host"), 15, "the host's process is still there")

    def children(self, having: str = "") -> list[int]:
        """Processes of this hub other than its first, alive now: broker and host's process, also orphaned ones."""
        found = processes_about(self.building.data)
        return [pid for pid, command in found.items() if pid != self.process.pid and having in command]

    @property
    def broker(self) -> int:
        (pid,) = self.children("mosquitto.conf")
        return pid

    def end(self) -> None:
        """At the end of a test, whatever became of it."""
        for pid in (self.process.pid, *self.children()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def processes_about(data: Path) -> dict[int, str]:
    """Processes that were started for this data directory: pid → command line. Zombies are none."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes() if "--only host" in command else b""
            if command and (f"{data}" in command or f"HUB_DATA={data}\0".encode() in environment):
                found[int(entry.name)] = command
    return found


async def eventually(holds: Callable[[], object], within: float, otherwise: Callable[[], str] | str) -> None:
    """Return when `holds()` is true, looked at twenty times a second. Fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        outcome = holds()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"after {within} s: {otherwise() if callable(otherwise) else otherwise}")
        await asyncio.sleep(0.05)
