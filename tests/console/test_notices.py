"""The notices page: names and codes are masked until someone asks for one in full, which is written down."""

from tests.console import made_up
from tests.console.desk_side import Browser, Console, SignIn
from tests.console.test_acts import HTMX, act, acts_of, token

KEY = "pickup/parcel-1/desk"


async def reveal(client: Browser, key: str) -> tuple[int, str]:
    answer = await client.post(
        "/notices/reveal", data={"key": key}, headers={**HTMX, "X-CSRF-Token": await token(client)}
    )
    return answer.status, await answer.text()


async def test_a_live_code_is_masked_until_one_is_shown_in_full(console: Console, sign_in: SignIn) -> None:
    await made_up.fill(console)
    client = await sign_in("desk")
    page = await (await client.get("/notices")).text()
    assert "取件码 ••••••" in page
    assert "204816" not in page
    status, shown = await reveal(client, KEY)
    assert (status, "取件码 204816" in shown) == (200, True)
    assert ("desk", "notice.reveal") in await acts_of(console)


async def test_a_post_that_visitors_see_shows_none_in_full(console: Console, sign_in: SignIn) -> None:
    await made_up.fill(console)
    client = await sign_in("desk", "east")
    assert "/notices/reveal" not in await (await client.get("/notices")).text()
    status, shown = await reveal(client, KEY)
    assert (status, "204816" in shown) == (422, False)
    assert ("desk", "notice.reveal") not in await acts_of(console)


async def test_sending_one_again_that_is_not_there_writes_nothing_down(console: Console, sign_in: SignIn) -> None:
    client = await sign_in("desk")
    for path in ("/notices/again", "/notices/reveal"):
        assert (await act(client, path, key="no/such/one"))[0] == 422
    assert await acts_of(console) == []
