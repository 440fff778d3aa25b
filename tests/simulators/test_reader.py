"""A simulated card reader calls as ZKTeco's PUSH devices do; the server here answers by the book."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiohttp import web

from simulators.reader import Reader
from simulators.simulator import Misbehaviour, running
from simulators.zk_push import User
from tests.simulators.hub_side import declared


@dataclass
class Server:
    """`says_ok` decides on each POST of records; `commands` go out with the next poll, once."""

    says_ok: Callable[[str, str], bool] = lambda table, body: True
    known: bool = False
    commands: list[str] = field(default_factory=list)
    base: str = ""
    calls: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode(errors="replace")
        path = request.path.removeprefix("/iclock/")
        self.calls.append((request.method, path, dict(request.query), body))
        self.more.set()
        return web.Response(text=self.answer(request.method, path.removeprefix("iclock/"), dict(request.query), body))

    def answer(self, method: str, path: str, query: dict[str, str], body: str) -> str:
        match method, path:
            case "GET", "cdata" if query.get("pushver", "").startswith("2."):
                return f"GET OPTION FROM: {query['SN']}\nDelay=5\nErrorDelay=5\nRealtime=1\n"
            case "GET", "cdata":
                return "registry=ok\nRegistryCode=abc\nRequestDelay=5\nErrorDelay=5\n" if self.known else "OK"
            case "POST", "registry":
                return "RegistryCode=abc"
            case "POST", "push":
                return "ServerVersion=3\nRequestDelay=5\nErrorDelay=5\nSessionID=1\n"
            case "GET", "getrequest":
                out, self.commands = self.commands, []
                return "\n".join(out) or "OK"
            case "POST", "cdata":
                return "OK" if self.says_ok(query.get("table", ""), body) else '{"code": 0}'
            case "POST", "querydata":
                return f"{query['tablename']}={query['count']}"
            case _:
                return "OK"

    async def until(
        self, path: str, table: str | None = None, times: int = 1
    ) -> list[tuple[str, str, dict[str, str], str]]:
        async with asyncio.timeout(10):
            while len(found := [c for c in self.calls if c[1] == path and table in (None, c[2].get("table"))]) < times:
                self.more.clear()
                await self.more.wait()
        return found


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[Server]:
    side, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", side.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    side.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield side
    finally:
        await runner.cleanup()


def reader(
    side: Server, faults: Misbehaviour | None = None, dialect: str = "acc", *, double_path: bool = False
) -> Reader:
    device = declared("reader-x", "zkteco_push", "YHX1", peer="127.0.0.1", dialect=dialect)
    users = {"R001": User("甲", "40260037")}
    return Reader(device, side.base, users=users, speed=100, misbehaviour=faults, double_path=double_path)


def fields(body: str) -> dict[str, str]:
    return dict(part.split("=") for part in body.strip().split("\t"))


async def test_it_registers_by_the_long_way_and_then_polls() -> None:
    async with server() as hub, running(device := reader(hub)):
        await hub.until("getrequest", times=2)
        order = [(method, path) for method, path, _, _ in hub.calls][:5]
        assert order == [
            ("GET", "cdata"), ("POST", "registry"), ("POST", "push"), ("POST", "cdata"), ("GET", "getrequest"),
        ]  # fmt: skip
        assert hub.calls[0][2]["DeviceType"] == "acc"
        assert device.connections == 1


async def test_records_go_one_a_post_in_order_each_again_until_ok() -> None:
    async with server() as hub:
        hub.says_ok = lambda table, body: table != "rtlog"
        async with running(device := reader(hub)):
            device.card_refused("99887766")
            device.exit_button()
            refusals = await hub.until("cdata", "rtlog", times=3)
            assert len({body for _, _, _, body in refusals}) == 1
            sent = fields(refusals[0][3])
            assert (sent["event"], sent["cardno"], sent["pin"], sent["verifytype"]) == ("27", "99887766", "0", "4")
            assert refusals[0][3].endswith("\r\n")
            hub.says_ok = lambda table, body: True
            await device.memory.emptied(10)
    logged = [record.number for record in device.memory.acked if record.kind == "rtlog"]
    assert logged == [1, 2]


async def test_a_passage_opens_the_door_and_it_falls_shut() -> None:
    async with server() as hub, running(device := reader(hub)):
        device.person_passes("R001")
        states = await hub.until("cdata", "rtstate", times=2)
        assert [fields(body)["sensor"] for _, _, _, body in states] == ["02", "01"]
        [passage] = await hub.until("cdata", "rtlog")
        assert fields(passage[3])["pin"] == "R001"


async def test_commands_are_carried_out_and_reported() -> None:
    async with server() as hub, running(device := reader(hub)):
        hub.commands = [
            "C:10:DATA UPDATE user\tPin=V7\tName=访客\tCardNo=5551",
            "C:11:CONTROL DEVICE 01010105",
            "C:12:SET OPTIONS DateTime=2026-01-02 03:04:05",
            "C:13:DATA QUERY tablename=user,fielddesc=*,filter=*",
            "C:14:CONTROL DEVICE 00000000",
            "C:15:DATA DELETE user\tPin=V7",
        ]
        done = await hub.until("devicecmd", times=6)
        assert [body for _, _, _, body in done] == [
            "ID=10&Return=0&CMD=DATA UPDATE",
            "ID=11&Return=0&CMD=CONTROL DEVICE",
            "ID=12&Return=0&CMD=SET OPTIONS",
            "ID=13&Return=2&CMD=DATA QUERY",
            "ID=14&Return=-13&CMD=CONTROL DEVICE",
            "ID=15&Return=0&CMD=DATA DELETE",
        ]
        assert device.opened_remotely == 1
        assert set(device.users) == {"R001"}
        assert device.clock.now().strftime("%Y-%m-%d %H:%M") == "2026-01-02 03:04"


async def test_the_past_is_uploaded_as_a_table_on_request() -> None:
    async with server() as hub, running(device := reader(hub)):
        device.card_refused("5550")
        await device.memory.emptied(10)
        hub.commands = ["C:20:DATA QUERY tablename=transaction,fielddesc=*,filter=*"]
        [(_, _, query, body)] = await hub.until("querydata")
        assert (query["tablename"], query["count"]) == ("transaction", "1")
        assert "cardno=5550" in body
        assert "eventtype=27" in body
        await hub.until("devicecmd")


async def test_after_an_outage_it_goes_on_without_registering_and_after_a_power_cut_it_registers() -> None:
    async with server() as hub, running(device := reader(hub)):
        hub.known = True
        await hub.until("getrequest")
        device.outage(10)
        device.exit_button()
        await device.memory.emptied(10)
        announced = [call for call in hub.calls if call[2].get("options") == "all"]
        assert len(announced) == 1
        device.restart(10)
        logged = await hub.until("cdata", "rtlog", times=2)
        assert fields(logged[1][3])["event"] == "206"
        assert len([call for call in hub.calls if call[2].get("options") == "all"]) == 2


async def test_the_att_dialect_posts_lines_by_place() -> None:
    async with server() as hub, running(device := reader(hub, dialect="att")):
        device.person_passes("R001")
        [(_, _, query, body)] = await hub.until("cdata", "ATTLOG")
        assert body.split("\t")[0] == "R001"
        assert query["Stamp"] == "9999"
        await device.memory.emptied(10)


async def test_a_server_name_typed_with_its_path_doubles_it() -> None:
    async with server() as hub, running(reader(hub, double_path=True)):
        await hub.until("iclock/getrequest")


async def test_it_misbehaves_on_request() -> None:
    faults = Misbehaviour(duplicate=1.0, garbage=1.0, split=True, glue=True)
    async with server() as hub:
        device = reader(hub, faults)
        for _ in range(3):
            device.exit_button()
        async with running(device):
            await device.memory.emptied(10)
            posts = [body for _, _, _, body in await hub.until("cdata", "rtlog", times=3)]
        assert any(body.count("event=202") == 3 for body in posts)
        assert any("event=202" not in body for body in posts)
        assert len(device.memory.sent) > 3
