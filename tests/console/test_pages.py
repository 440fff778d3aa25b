"""Every page, for whoever may see it."""

import pytest

from tests.console.desk_side import SignIn

PAGES = ("/", "/visits", "/parcels", "/devices", "/devices/gate-e1", "/people", "/records", "/notices", "/account")


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_answers_in_both_languages(sign_in: SignIn, path: str) -> None:
    client = await sign_in("desk")
    answer = await client.get(path, headers={"Cookie": "language=en"})
    assert answer.status == 200
