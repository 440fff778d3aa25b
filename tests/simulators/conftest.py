"""A real broker of its own for each test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.mqtt import Broker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n")
    process = await asyncio.create_subprocess_exec("/usr/sbin/mosquitto", "-c", str(settings))
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield Broker("127.0.0.1", port)
    finally:
        process.terminate()
        await process.wait()
