"""What a restore has held is on the notices page, and goes or doesn't by a person's word there."""

from dataclasses import replace
from datetime import timedelta

from hub.core.records import Deadline
from hub.store import deadlines, held, outbox
from hub.store.backup import SpoolLeft, hold_outbox
from hub.store.database import Priority, Transaction
from tests.console import made_up
from tests.console.desk_side import Console, SignIn
from tests.console.made_up import SITE
from tests.console.test_acts import act, acts_of


async def restored(console: Console) -> None:
    """Two notices and two overdue deadlines of before."""
    await made_up.fill(console)

    def work(tx: Transaction) -> None:
        known = outbox.get_notice(tx, SITE, "pickup/parcel-2/smtp")
        assert known
        outbox.add_notices(tx, [replace(known, key=key, state="queued", error="") for key in ("one", "two")])
        before = tx.now - timedelta(hours=1)
        deadlines.put(tx, [
            Deadline(site=SITE, key=key, kind="overstay", lane="routine", due=before, record="visit-1", set_at=before)
            for key in ("overstay/1", "overstay/2")
        ])  # fmt: skip
        hold_outbox(tx, SpoolLeft())

    await console.desk.store.write(Priority.PERSON, work)


async def test_each_is_listed_and_released_or_dropped_once_by_name(console: Console, sign_in: SignIn) -> None:
    await restored(console)
    client = await sign_in("desk")
    page = await (await client.get("/notices")).text()
    assert page.count("/notices/held") >= 8  # two acts for each of four
    assert "访客超时" in page
    for key, decision in (("one", "release"), ("two", "drop"), ("overstay/1", "release"), ("overstay/2", "drop")):
        status, told = await act(client, "/notices/held", key=key, decision=decision)
        assert (status, told["acted"]["say"]) == (204, "已放行。" if decision == "release" else "已作废。")
        status, _ = await act(client, "/notices/held", key=key, decision=decision)
        assert status == 422  # it isn't held any more

    def states(tx: Transaction) -> list[str]:
        found = [outbox.get_notice(tx, SITE, key) for key in ("one", "two")]
        return [notice.state for notice in found if notice]

    assert (await console.desk.store.read(states)) == ["queued", "failed"]
    due = await console.desk.store.read(lambda tx: [deadline.key for deadline in deadlines.due(tx, tx.now)])
    assert "overstay/1" in due
    assert "overstay/2" not in due
    assert (await console.desk.store.read(held.listing)).keys == set()
    assert sorted(await acts_of(console))[-4:] == [
        ("desk", "deadline.drop"),
        ("desk", "deadline.release"),
        ("desk", "notice.drop"),
        ("desk", "notice.release"),
    ]
    assert "/notices/held" not in await (await client.get("/notices")).text()
