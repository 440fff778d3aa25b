"""Devices whose sockets stay open and say nothing more: what the desk is told, and what to do next."""

from typing import Any

from simulators.simulator import Simulator
from tests.e2e.house import House

NEVER = 1e-9
"""times the usual pace"""


def falls_silent(device: Simulator[Any]) -> None:
    """Its connection stays; its next word is due in some hundred years."""
    device.speed = NEVER


async def test_a_silent_panel_and_a_dead_switch_are_an_alert_each(house: House) -> None:
    change = house.building.change
    change("building.toml", 'heartbeat = "30s"\nsilence = "90s"', 'heartbeat = "2s"\nsilence = "6s"')
    change("building.toml", 'heartbeat = "30s"                           # silent', 'heartbeat = "2s"  # silent')
    change("building.toml", 'heartbeat = "5s"', 'heartbeat = "2s"\nbehind = "sw-east"')
    await house.start()
    desk = house.desk
    async with house.devices("fire-b3", "gate-e1", "gate-e2", "reader-n1") as devices:
        silent = ("gate-e1", "gate-e2", "reader-n1")
        for name in (*silent, "fire-b3"):
            await desk.until("devices", lambda d, name=name: d["id"] == name and d["link"] == "online", within=60)  # type: ignore[misc]
        assert await desk.items("alerts", handling="unanswered") == []

        falls_silent(devices.panel)
        told = await desk.until("alerts", kind="panel_offline", within=60)
        assert (told["severity"], told["device"], told["details"]["cause"]) == ("high", "fire-b3", "silence")
        assert "派人到消防主机旁值守" in await desk.page("/")

        for name in silent:
            falls_silent(devices.by_id[name])
        link = await desk.until(
            "alerts", lambda alert: all(f"silent.{name}" in alert["details"] for name in silent), within=60
        )
        assert (link["kind"], link["details"]["link"]) == ("link_offline", "sw-east")
        of_gates = [alert for alert in await desk.items("alerts") if alert["kind"] != "panel_offline"]
        assert [alert["kind"] for alert in of_gates if alert["handling"] != "done"] == ["link_offline"]
        page = await desk.page("/")
        assert "东门弱电箱" in page
        assert all(words in page for words in ("东门 1 号人脸闸", "东门 2 号人脸闸", "北门读卡器"))
    await house.stop()
