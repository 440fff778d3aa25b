"""From a device's frame to the API and to an open page: a visitor at the gate, a parcel, a refused card, a fire."""

import asyncio
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import async_playwright, expect

from tests.e2e.desk import Desk, Json
from tests.e2e.house import House, both_ways

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"


async def announce(desk: Desk) -> Json:
    """A visit of two hours from now on, once its gate is known to be there."""
    await desk.until("devices", lambda device: device["id"] == "gate-e1" and device["link"] == "online")
    now = datetime.now(UTC)
    return await desk.post(
        "visits",
        {
            "name": "陆怀瑾",
            "phone": "19900007012",
            "unit": "3-1-702",
            "from": (now - timedelta(minutes=1)).isoformat(),
            "until": (now + timedelta(hours=2)).isoformat(),
        },
    )


@both_ways
async def test_a_frame_of_each_kind_reaches_the_api(house: House) -> None:
    await house.start()
    desk = house.desk
    async with house.devices() as devices:
        visit = await announce(desk)
        assert visit["state"] == "expected"
        who = await devices.gate.visitor_passes(within=10)
        opened = await desk.until("visits", lambda one: one["id"] == visit["id"] and one["state"] == "open")
        assert (opened["ref"], opened["opened_door"]) == (who, "east-1")

        compartment = await devices.locker.courier_stores("R-003")
        parcel = await desk.until("parcels", state="stored")
        assert (parcel["device"], parcel["compartment"], parcel["unit"]) == ("locker-2", compartment, "3-1-701")
        notice = await desk.until("notices", lambda one: one["template"] == "pickup", state="sent")
        assert (notice["record"], notice["person"]) == (parcel["id"], "R-003")
        await asyncio.wait_for(devices.locker.compartments[compartment].code_put.wait(), 10)
        code = devices.locker.compartments[compartment].code
        assert re.fullmatch(r"\d{4,12}", code)
        assert code in (await desk.post(f"notices/{notice['key']}/reveal"))["text"]
        await devices.locker.recipient_collects(compartment)
        await desk.until("parcels", lambda one: one["id"] == parcel["id"], state="collected")

        devices.reader.card_refused("40999001")
        refused = await desk.until("alerts", kind="access_denied")
        assert (refused["door"], refused["device"]) == ("north-1", "reader-n1")
        assert refused["details"]["reason"] == "credential_not_found"

        devices.panel.alarm("217/6")
        fire = await desk.until("incidents")
        assert (fire["kind"], fire["state"], fire["place"], fire["floor"]) == ("fire", "unanswered", "b3/07", "7")
        assert (fire["first_label"], fire["first_shown"], fire["first_detector"]) == ("电梯厅", "1-2-037", "smoke")
    await house.stop()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("house", "locale", "visitor", "refused", "alarm"),
    [
        ((), "zh-CN", "陆", "通行被拒", "火"),
        (("--split",), "en-GB", "陆", "Access refused", "Fire alarm"),
    ],
    ids=["one-process-zh", "split-en"],
    indirect=["house"],
)
async def test_an_open_page_shows_it_without_a_reload(
    house: House, locale: str, visitor: str, refused: str, alarm: str
) -> None:
    await house.start()
    async with house.devices() as devices, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await (await browser.new_context(base_url=house.building.url, locale="zh-CN")).new_page()
        await page.goto("/")
        if locale.startswith("en"):
            await page.get_by_role("button", name="English").click()
        await page.locator("[name=name]").fill("admin")
        await page.locator("[name=password]").fill(house.password)
        await page.locator("button.main-act").click()
        await expect(page.locator("#queue")).to_be_visible()
        await page.evaluate("window.stillTheSamePage = true")

        await announce(house.desk)
        await devices.gate.visitor_passes(within=10)
        await expect(page.locator("#visitors tr", has_text=visitor)).to_contain_text(["3-1-702"], timeout=10_000)
        await devices.locker.courier_stores("R-003")
        await expect(page.locator("#parcels tr")).to_contain_text(["3-1-701"], timeout=10_000)
        devices.reader.card_refused("40999001")
        await expect(page.locator("#queue li", has_text=refused)).to_have_count(1, timeout=10_000)
        devices.panel.alarm("217/6")
        incident = page.locator("article.incident")
        await expect(incident).to_contain_text(alarm, timeout=10_000)
        await expect(incident).to_contain_text("1-2-037")
        await expect(incident).to_contain_text("电梯厅")

        assert await page.evaluate("window.stillTheSamePage")
        await browser.close()
        devices.panel.alarm("217/7")  # told to a page that is gone
        await house.desk.until("incidents", lambda one: one["counts"] == {"smoke": 2})
    await house.stop()
