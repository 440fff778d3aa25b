"""What couldn't be read or stored, on its page: why, and for an event of ours once more, by a person's word."""

import re

import pytest

from hub.store import quarantine
from hub.store.quarantine import QuarantinedFrame
from tests.console import made_up
from tests.console.desk_side import Console, SignIn
from tests.console.made_up import SITE
from tests.console.test_acts import act, acts_of
from tests.store.examples import granted

EVENT = granted(1)
PAGE = f"/devices/frames/{EVENT.id}"
TRACEBACK = "rules/doors.py:12: KeyError"


@pytest.fixture
async def offered(console: Console) -> list[str]:
    """A frame that couldn't be read, and an event that failed; the ids of what is offered again."""
    await made_up.fill(console)
    await console.write(lambda tx: quarantine.add_event(tx, SITE, EVENT, traceback=TRACEBACK))
    found: list[str] = []

    def again(kept: QuarantinedFrame) -> bool:
        if kept.is_event:
            found.append(kept.id)
        return kept.is_event

    object.__setattr__(console.desk, "read_again", again)
    return found


async def test_an_event_that_failed_says_why_and_is_sent_again_by_name(
    console: Console, sign_in: SignIn, offered: list[str]
) -> None:
    client = await sign_in("desk")
    page = await (await client.get(PAGE)).text()
    assert "记录处理失败" in page
    assert TRACEBACK in page
    assert f'action="{PAGE}/send-again"' in page
    assert "上次重新处理" not in page
    status, told = await act(client, f"{PAGE}/send-again")
    assert (status, told["acted"]) == (204, {"say": "已重新处理，结果见记录。", "go": PAGE})
    assert offered == [str(EVENT.id)]
    assert await acts_of(console) == [("desk", "quarantine.again")]
    assert "上次重新处理" in await (await client.get(PAGE)).text()


async def test_it_works_without_a_script_and_not_without_the_pages_own_token(
    sign_in: SignIn, offered: list[str]
) -> None:
    client = await sign_in("desk")
    assert (await client.post(f"{PAGE}/send-again")).status == 403
    assert offered == []
    found = re.search(r'name="csrf" value="([^"]+)"', await (await client.get(PAGE)).text())
    assert found
    answer = await client.post(f"{PAGE}/send-again", data={"csrf": found[1]})
    assert (answer.status, answer.url.path, offered) == (200, PAGE, [str(EVENT.id)])


async def test_who_only_reads_sends_nothing_again(sign_in: SignIn, offered: list[str]) -> None:
    client = await sign_in("auditor")
    assert (await act(client, f"{PAGE}/send-again"))[0] == 403
    assert offered == []


async def test_a_devices_frame_is_shown_and_not_offered(console: Console, sign_in: SignIn, offered: list[str]) -> None:
    client = await sign_in("desk")
    assert "send-again" not in await (await client.get("/devices/frames/q-1")).text()
    for frame in ("q-1", "nothing"):
        assert (await act(client, f"/devices/frames/{frame}/send-again"))[0] == 422
    assert offered == []
    assert await acts_of(console) == []
