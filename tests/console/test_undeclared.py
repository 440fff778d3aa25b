"""A fire told by a device that nobody declared: said for what it is, without the hub's own id for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.fire_events import FireAlarm
from hub.store import devices, incidents
from hub.store.database import Transaction
from hub.store.devices import DeviceStatus
from tests.console import made_up
from tests.console.desk_side import Console, SignIn

DEVICE = "unknown.gbt26875.9999-127.0.0.1.0a1b2c3d"


async def strange_fire(console: Console, *, told: bool) -> None:
    at = console.clock()
    if told:
        status = DeviceStatus(
            site=made_up.SITE, device=DEVICE, host="edge", adapter="gbt26875", address="9999", peer="127.0.0.1",
            declared=False, link="online", last_heard=at,
        )  # fmt: skip
        await console.write(lambda tx: devices.save_status(tx, status))
    known = made_up.fire(at, label="", shown="1-2-037")
    source = f"/sites/{made_up.SITE}/devices/{DEVICE}"
    await console.happen(FireAlarm.model_validate(known.model_dump() | {"source": source}))


@pytest.mark.parametrize(("told", "address"), [(True, "9999 @ 127.0.0.1"), (False, "9999-127.0.0.1")])
async def test_it_is_titled_placed_and_sent_for_as_what_it_is(
    console: Console, sign_in: SignIn, told: bool, address: str
) -> None:
    await strange_fire(console, told=told)
    client = await sign_in("desk")
    page = await (await client.get("/")).text()
    incident = page.split('<section id="incidents"')[1].split("</section>")[0]
    assert "未登记设备报火警" in incident
    assert f"未登记设备（源地址 {address}）" in incident
    assert "位置未知" in incident
    assert "报警源已恢复" not in incident
    assert "unknown." not in incident


async def test_its_119_sheet_says_that_the_place_is_being_verified(console: Console, sign_in: SignIn) -> None:
    await strange_fire(console, told=True)
    client = await sign_in("desk")
    console.clock.ahead += timedelta(minutes=4)
    assert 'class="sheet"' not in await (await client.get("/")).text(), "the record says when, not the screen's clock"

    def time_is_over(tx: Transaction) -> None:
        found = incidents.open_incidents(tx, made_up.SITE)
        incidents.put_incidents(tx, [replace(incident, treated_as_real=True) for incident in found])

    await console.write(time_is_over)
    page = await (await client.get("/")).text()
    sheet = page.split('class="sheet"')[1].split("</p>")[0]
    assert "具体位置正在核实" in sheet
    assert "unknown." not in sheet
