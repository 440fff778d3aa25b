"""Somebody signed in at the desk, asking the JSON API as a browser's page would."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.process import eventually

Json = dict[str, Any]


class Desk:
    """Keeps its session over restarts of the hub: sessions are on disk."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=15)
        )
        self._csrf = ""

    async def sign_in(self, password: str, name: str = "admin") -> None:
        form = {"name": name, "password": password, "post": "desk", "next": "/account"}
        async with self._http.post(f"{self.url}/sign-in", data=form) as answer:
            page = await answer.text()
        found = re.search(r'<meta name="csrf" content="([^"]+)">', page)
        assert found, f"not signed in: {answer.status} {page[:300]}"
        self._csrf = found[1]

    async def import_people(self, file: Path) -> None:
        form = aiohttp.FormData()
        form.add_field("csrf", self._csrf)
        form.add_field("file", file.read_bytes(), filename=file.name)
        async with self._http.post(f"{self.url}/people", data=form) as answer:
            assert answer.status == 200, await answer.text()

    async def get(self, path: str, **query: str) -> Json:
        async with self._http.get(f"{self.url}/api/v1/{path}", params=query) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == 200, f"{path}: {answer.status} {told}"
        return dict(told)

    async def post(self, path: str, body: Json | None = None, *, key: str = "") -> Json:
        headers = {"X-CSRF-Token": self._csrf, **({"Idempotency-Key": key} if key else {})}
        async with self._http.post(f"{self.url}/api/v1/{path}", json=body or {}, headers=headers) as answer:
            told = await answer.json(content_type=None)
            assert answer.status < 300, f"{path}: {answer.status} {told}"
        return dict(told)

    async def items(self, path: str, **query: str) -> list[Json]:
        return list((await self.get(path, limit="200", **query))["items"])

    async def until(
        self, path: str, fits: Callable[[Json], object] = lambda item: True, *, within: float = 15.0, **query: str
    ) -> Json:
        """The first item of a list that fits, waited for."""
        found: list[Json] = []

        async def there() -> bool:
            items = await self.items(path, **query)
            found[:] = [item for item in items if fits(item)]
            return bool(found)

        await eventually(there, within, f"nothing in {path} {query} fits")
        return found[0]

    async def page(self, path: str) -> str:
        async with self._http.get(f"{self.url}{path}", headers={"Accept": "text/html"}) as answer:
            return await answer.text()

    async def tell_sound(self, *, on: bool) -> None:
        """What an open page says every 5 s while it can sound an alarm."""
        headers = {"X-CSRF-Token": self._csrf}
        form = {"page": "e2e", "sounds": "yes" if on else "no"}
        async with self._http.post(f"{self.url}/live/sounds", data=form, headers=headers) as answer:
            assert answer.status == 204, await answer.text()

    def stream(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The live board, as an open page gets it."""
        forever = aiohttp.ClientTimeout(total=None)
        return self._http.get(f"{self.url}/live", params={"lang": "zh"}, timeout=forever, read_bufsize=2**20)

    async def health(self) -> Json:
        async with self._http.get(f"{self.url}/readyz") as answer:
            return dict(await answer.json())

    async def close(self) -> None:
        await self._http.close()
