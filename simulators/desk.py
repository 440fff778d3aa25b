"""Somebody at the desk, for scenarios: what a person would do there, done through the hub's JSON API."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import aiohttp


class Desk:
    """`hub` is the console's address, `token_file` holds an API token; it may appear only after the hub's start."""

    actions: ClassVar[frozenset[str]] = frozenset({"announce"})

    def __init__(self, hub: str, token_file: Path | None) -> None:
        self._hub = hub.rstrip("/")
        self._token_file = token_file

    async def announce(
        self, name: str, unit: str, phone: str = "", kind: str = "visit", stay: float = 7200.0, within: float = 60.0
    ) -> str:
        """Announce a visit from now on for `stay` seconds. Returns the visit's id. Raises OSError where there is no
        token, or where the hub takes no visit `within` seconds."""
        if self._token_file is None:
            raise OSError("no --token-file, so no visit can be announced")
        now = datetime.now(UTC)
        visit = {
            "name": name,
            "phone": phone,
            "unit": unit,
            "kind": kind,
            "from": (now - timedelta(minutes=1)).isoformat(timespec="seconds"),
            "until": (now + timedelta(seconds=stay)).isoformat(timespec="seconds"),
        }
        refused = "no answer"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            deadline = asyncio.get_running_loop().time() + within
            while asyncio.get_running_loop().time() < deadline:
                try:
                    headers = {"Authorization": f"Bearer {self._token_file.read_text().strip()}"}
                    async with http.post(f"{self._hub}/api/v1/visits", json=visit, headers=headers) as response:
                        if response.status == 201:
                            return str((await response.json())["id"])
                        refused = f"{response.status} {(await response.text())[:200]}"
                except (aiohttp.ClientError, OSError) as error:
                    refused = str(error)
                await asyncio.sleep(2)
        raise OSError(f"the hub takes no visit: {refused}")
