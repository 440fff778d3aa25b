"""Lists come whole by pages, filtered as asked; nobody's name or number stands in them."""

from datetime import timedelta

import pytest

from hub.store import visits
from tests.console.api.program import Program
from tests.console.desk_side import Console
from tests.console.made_up import RESIDENT, fill, fire, passage, stored, visit


async def test_a_long_list_comes_whole_and_in_order_while_it_grows(console: Console, program: Program) -> None:
    now = console.clock()
    many = [visit(n, now - timedelta(seconds=n // 3)) for n in range(1100)]  # three share each time
    await console.write(lambda tx: visits.put(tx, many))
    first = (await program.get("/visits", limit=500)).body
    assert (len(first["items"]), first["total"]) == (500, 1100)
    await console.write(lambda tx: visits.put(tx, [visit(5000, now + timedelta(hours=1))]))
    items = first["items"]
    cursor = first["next"]
    while cursor:
        page = (await program.get("/visits", limit=500, cursor=cursor)).body
        items += page["items"]
        cursor = page["next"]
    assert len(items) == len({item["id"] for item in items}) == 1100
    assert [item["announced_at"] for item in items] == sorted((i["announced_at"] for i in items), reverse=True)


@pytest.mark.parametrize(
    ("path", "filters", "found"),
    [
        ("/visits", {"state": "open"}, {"visit-3", "visit-4"}),
        ("/visits", {"state": ["expected", "waiting"]}, {"visit-1", "visit-2"}),
        ("/visits", {"overstay": "true"}, {"visit-4"}),
        ("/visits", {"day": "2020-01-01"}, set()),
        ("/parcels", {"overdue": "true"}, {"parcel-3"}),
        ("/parcels", {"state": "collected"}, set()),
        ("/alerts", {"handling": "taken"}, {"alert-door"}),
        ("/alerts", {"kind": "parcel_overdue"}, {"left"}),
        ("/devices", {}, {"gate-e1", "locker-2", "fire-b3", "?1026899"}),
        ("/devices", {"declared": "false"}, {"?1026899"}),
        ("/devices", {"link": "never"}, {"locker-2", "fire-b3"}),
        ("/devices", {"adapter": "gbt26875"}, {"fire-b3"}),
        ("/quarantine", {"device": "fire-b3"}, {"q-1"}),
        ("/quarantine", {"device": "gate-e1"}, set()),
    ],
)
async def test_a_list_is_filtered(
    path: str, filters: dict[str, object], found: set[str], console: Console, program: Program
) -> None:
    await fill(console)
    assert {item["id"] for item in await program.all(path, **filters)} == found
    assert {item["id"] for item in await program.all(path, **filters, limit=1)} == found


async def test_events_are_filtered_by_type_device_lane_and_time(console: Console, program: Program) -> None:
    await fill(console)
    now = console.clock()
    await console.happen(stored(now), fire(now), passage(now - timedelta(days=1)))
    granted = await program.all("/events", type="access.granted")
    assert {event["door"] for event in granted} == {"east-1"}
    assert len(granted) == 2
    assert {event["type"] for event in await program.all("/events", type=["access.granted", "parcel.stored"])} == {
        "access.granted", "parcel.stored",
    }  # fmt: skip
    assert {event["source"] for event in await program.all("/events", device="fire-b3")} == {
        "/sites/yunhe/devices/fire-b3"
    }
    assert all(event["lane"] == "life" for event in await program.all("/events", lane="life"))
    since = (now - timedelta(hours=1)).isoformat()
    assert len(await program.all("/events", type="access.granted", since=since)) == 1
    assert len(await program.all("/events", type="access.granted", until=since)) == 1
    one = granted[0]
    assert (await program.get(f"/events/{one['id']}")).body == one


async def test_notices_are_filtered(console: Console, program: Program) -> None:
    await fill(console)
    assert [one["key"] for one in await program.all("/notices", state="failed")] == ["pickup/parcel-2/smtp"]
    assert [one["key"] for one in await program.all("/notices", record="parcel-1")] == ["pickup/parcel-1/desk"]
    assert [one["key"] for one in await program.all("/notices", channel="smtp")] == ["pickup/parcel-2/smtp"]


async def test_a_visit_belongs_to_the_day_of_the_site_not_of_greenwich(console: Console, program: Program) -> None:
    midnight = console.clock().astimezone(console.desk.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = visit(1, midnight), visit(2, midnight - timedelta(seconds=1))
    await console.write(lambda tx: visits.put(tx, [first, last]))
    today = await program.all("/visits", day=midnight.date().isoformat())
    assert [one["id"] for one in today] == ["visit-1"]


async def test_names_and_numbers_of_people_are_masked_everywhere(console: Console, program: Program) -> None:
    await fill(console)
    now = console.clock()
    await console.happen(stored(now), passage(now, RESIDENT.name), fire(now))
    await program.post(
        "/incidents", {"kind": "lift", "place": "b3", "reporter": RESIDENT.name, "phone": RESIDENT.phone}
    )
    personal = (
        "李秋白",
        "陈亦舟",
        RESIDENT.name,
        RESIDENT.phone,
        "19900002012",
        "SF0012341234",
        "204816",
        "cen@example",
    )
    shown = [
        str(await program.all(path)) for path in ("/visits", "/parcels", "/events", "/notices", "/alerts", "/incidents")
    ]
    shown += [str((await program.get(f"/incidents/{one['id']}")).body) for one in await program.all("/incidents")]
    assert [value for value in personal if any(value in text for text in shown)] == []
    assert "李*" in shown[0]
    assert "199****0012" not in shown[0]
    assert "199****2012" in shown[0]


async def test_an_unknown_devices_last_frames_are_shown_with_what_they_would_mean(
    console: Console, program: Program
) -> None:
    await fill(console)
    unknown = (await program.get("/devices/%3F1026899")).body
    assert (unknown["declared"], unknown["frames"][0]["meaning"]) == (False, ["access.granted"])
    kept = (await program.get("/quarantine/q-1")).body
    assert (kept["bytes"], kept["hex"]) == (14, "40400100010112000a0b0c7a2323")
