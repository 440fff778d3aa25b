"""A scenario is refused with every mistake named, and played on the devices of a declared building."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web

from simulators.building import read_building, seconds_of
from simulators.desk import Desk
from simulators.mqtt import Broker
from simulators.player import Fleet, Player
from simulators.scenario import ScenarioError, read_scenario
from simulators.simulator import running
from tests.simulators.hub_side import listening

ROOT = Path(__file__).parents[2]
BUILDING = """
[site]
id = "yunhe"
name = {zh = "云河雅苑", en = "Yunhe Court"}
time_zone = "Asia/Shanghai"
[like.gate]
adapter = "face_mqtt"
heartbeat = "30s"
[device.gate-e1]
like = "gate"
name = {zh = "闸", en = "Gate"}
address = "1026801"
[device.locker-2]
adapter = "locker_mqtt"
name = "柜"
compartments = {S = "1-2", M = "7,9"}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "building.toml").write_text(BUILDING)
    (tmp_path / "people.csv").write_text("id,kind,name,phone,unit,cards\nR-001,resident,甲,19900001013,3-1-702,1 2\n")
    (tmp_path / "hub.toml").write_text('[listen]\ndevices = "0.0.0.0"\nreaders = 9081\nmqtt = 9883\n')
    (tmp_path / "secrets.toml").write_text('[device.gate-e1]\npassword = "geheim"\n')
    return tmp_path


def scenario_in(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text)
    return path


def test_devices_take_what_they_are_like_and_their_password(config: Path) -> None:
    building = read_building(config)
    gate = building.devices["gate-e1"]
    assert (gate.adapter, gate.address, gate.heartbeat, gate.password) == ("face_mqtt", "1026801", 30.0, "geheim")
    assert building.devices["locker-2"].compartments == {"1": "S", "2": "S", "7": "M", "9": "M"}
    assert building.people["R-001"].cards == ("1", "2")
    assert (building.listen.host, building.listen.readers, building.listen.mqtt) == ("127.0.0.1", 9081, 9883)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m30s", 90), ("2h", 7200), ("250ms", 0.25)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_every_mistake_of_a_scenario_is_named_at_once(config: Path) -> None:
    text = """
    [misbehave.gate-e1]
    explode = true
    [[step]]
    at = 1
    after = "nothing"
    device = "gate-e1"
    action = "stranger_seen"
    [[step]]
    at = "soon"
    colour = "red"
    with = "R-001"
    device = "gate-e1"
    action = "stranger_seen"
    """
    with pytest.raises(ScenarioError) as refused:
        read_scenario(scenario_in(config, text))
    for piece in ("explode", "either `at` or `after`", "'nothing'", "'soon'", "'colour'", "`with` is a table"):
        assert piece in str(refused.value)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ('device = "gate-e9"\naction = "stranger_seen"', "did you mean gate-e1"),
        ('device = "gate-e1"\naction = "stranger_sen"', "did you mean stranger_seen"),
        ('device = "gate-e1"\naction = "person_passes"\nwith = {persn = "R-001"}', "'person'"),
    ],
)
def test_a_step_that_nobody_can_do_is_refused_before_anything_begins(config: Path, step: str, said: str) -> None:
    scenario = read_scenario(scenario_in(config, f"[[step]]\nat = 1\n{step}\n"))
    fleet = Fleet(read_building(config), Broker("127.0.0.1", 1))
    with pytest.raises(ScenarioError, match=said):
        Player(scenario, fleet.all({}), Desk("http://127.0.0.1:1", None))


async def test_an_announced_visitor_comes_when_the_pass_is_put(config: Path, broker: Broker) -> None:
    text = """
    [[step]]
    name = "announced"
    at = 1
    device = "hub"
    action = "announce"
    with = {name = "客", unit = "3-1-702"}
    [[step]]
    name = "in"
    after = "announced"
    device = "gate-e1"
    action = "visitor_passes"
    [[step]]
    after = "in"
    device = "gate-e1"
    action = "person_is_refused"
    with = {person = "@in"}
    """
    token = config / "token"
    token.write_text("secret\n")
    async with listening(broker, "mqtt/face/#") as hub:

        async def announced(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer secret"
            assert set(await request.json()) == {"name", "phone", "unit", "kind", "from", "until"}
            hub.say("mqtt/face/1026801", {"operator": "EditPerson", "messageId": "1", "info": {"customId": "v-1"}})
            return web.json_response({"id": "visit-1", "pass": "123456"}, status=201)

        app = web.Application()
        app.router.add_post("/api/v1/visits", announced)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        devices = Fleet(read_building(config), broker, speed=100).all({})
        desk = Desk(f"http://127.0.0.1:{runner.addresses[0][1]}", token)
        player = Player(read_scenario(scenario_in(config, text)), devices, desk, speed=100)
        async with running(*devices.values()):
            await player.play()
        await runner.cleanup()
    said = [(r.body["customId"], r.body["VerifyStatus"]) for r in devices["gate-e1"].memory.waiting]
    assert said == [("v-1", "1"), ("v-1", "2")]


async def test_a_loop_plays_again_but_not_what_is_for_once(config: Path, broker: Broker) -> None:
    text = """
    loop = 10
    [[step]]
    at = 1
    device = "gate-e1"
    action = "stranger_seen"
    [[step]]
    at = 1
    once = true
    device = "gate-e1"
    action = "stranger_tries"
    [[step]]
    at = 1
    device = "gate-e1"
    action = "person_passes"
    with = {person = "nobody"}
    """
    devices = Fleet(read_building(config), broker, speed=100).all({})
    player = Player(read_scenario(scenario_in(config, text)), devices, Desk("", None), speed=100)
    async with running(*devices.values()):
        playing = asyncio.create_task(player.play())
        async with asyncio.timeout(10):
            while len(devices["gate-e1"].memory.waiting) < 4:
                await asyncio.sleep(0.01)
        playing.cancel()
    kinds = [record.kind for record in devices["gate-e1"].memory.waiting]
    assert (kinds.count("RecPush"), kinds.count("StrSnapPush")) == (1, 3)


def test_the_day_of_the_demo_building_can_be_played() -> None:
    building = read_building(ROOT / "config")
    scenario = read_scenario(ROOT / "simulators/scenarios/day.toml")
    devices = Fleet(building, Broker("127.0.0.1", 1)).all(scenario.misbehave)
    Player(scenario, devices, Desk("", None))
    assert set(devices) == set(building.devices)
    people = {str(step.parameters["person"]) for step in scenario.steps if "person" in step.parameters}
    assert {each for each in people if not each.startswith("@")} <= set(building.people)
    points = {step.parameters["point"] for step in scenario.steps if "point" in step.parameters}
    assert points <= set(building.devices["fire-b3"].points)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_as_a_process_it_lives_without_a_hub_and_stops_when_told(config: Path, broker: Broker, stop: int) -> None:
    path = scenario_in(config, '[[step]]\nat = 0\ndevice = "gate-e1"\naction = "stranger_tries"\n')
    async with listening(broker, "mqtt/face/#", "locker/#") as hub:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators", str(path), "--config", str(config),
            "--mqtt", f"127.0.0.1:{broker.port}", "--speed", "10", cwd=ROOT, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await hub.until(lambda topic, message: message.get("operator") == "RecPush", within=30)
        process.send_signal(stop)
        async with asyncio.timeout(10):
            assert await process.wait() == 0


async def test_a_scenario_with_a_mistake_ends_with_status_2(config: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", str(scenario_in(config, "[[step]]\nat = 1\n")), "--config", str(config),
        cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "no such device" in said.decode()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("[site]", "[site", "building.toml: Expected"), ('"30s"', '"30"', "building.toml: device.gate-e1: '30' is no")],
)
def test_a_broken_building_is_named(config: Path, old: str, new: str, said: str) -> None:
    (config / "building.toml").write_text(BUILDING.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=said):
        read_building(config)
