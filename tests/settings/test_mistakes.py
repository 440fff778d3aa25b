"""Every mistake is told at its line, with the nearest right name, and one mistake makes no others."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settings.conftest import CONFIG, Estate

CASES = """
building.toml: into = "b3" => into = "b33"
    door.b3-lobby: into: unknown zone "b33", nearest: b3
building.toml: near = ["b3/B1", "b3/B2"] => near = ["b3/B7"]
    zone.garage: near: unknown fire zone "b3/B7", nearest: b3/
building.toml: at = ["estate", 472, 176] => at = ["estat", 472, 176]
    door.east-1: at: unknown plan "estat", nearest: estate
building.toml: at = ["estate", 472, 176] => at = ["estate", 4720, 176]
    door.east-1: at: 4720, 176 is outside the plan
building.toml: behind = "sw-east" => behind = "sw-eats"
    like.gate: behind: unknown link "sw-eats", nearest: sw-east
building.toml: serves = ["b3", "garage"] => serves = ["b3", "garge"]
    serves: unknown zone "garge", nearest: garage
building.toml: {1 = {door = "north-1" => {1 = {door = "nort-1"
    doors: unknown door "nort-1", nearest: north-1
building.toml: between = ["east-1", "north-1"] => between = ["east-1", "n-1"]
    path.0: between: unknown door "n-1"
building.toml: like = "panel" => like = "pannel"
    device.fire-b3: unknown like "pannel", nearest: panel
building.toml: adapter = "face_mqtt" => adapter = "face-mqtt"
    like.gate: unknown adapter "face-mqtt", nearest: face_mqtt
building.toml: compartments = { => compartment = {
    device.locker-2: unknown key "compartment", nearest: compartments
building.toml: dialect = "acc" => dialect = "ac"
    like.reader: dialect: "ac" is none of acc, att, nearest: acc
building.toml: dialect = "acc" => dialekt = "acc"
    like.reader: unknown key "dialekt", nearest: dialect
building.toml: closing = => closes =
    site: unknown key "closes", nearest: closing
building.toml: [keep] => [keeps]
    unknown table "keeps", nearest: keep
building.toml: [zone.b5] => [zone."5号楼"]
    zone.5号楼: id: "5号楼" may only have ASCII letters, digits
building.toml: first_for = ["door"] => first_for = ["door", "fire"]
    "fire" is first for fire-room already
building.toml: first_for = ["door"] => first_for = ["dor"]
    first_for.0: "dor" is none of fire, emergency
building.toml: time_zone = "Asia/Shanghai" => time_zone = "Asia/Shangai"
    unknown time zone "Asia/Shangai", nearest: Asia/Shanghai
building.toml: time_zone = "Asia/Shanghai" => time_zone = "Asia"
    site: unknown time zone "Asia"
building.toml: skip = [4, 14, 24] => skip = [4, 14, 94]
    zone.b3: skip: there is no floor 94, nearest: 9
building.toml: refuge = [12] => refuge = [14]
    zone.b3: refuge: there is no floor 14
building.toml: floors = "B2..B1,1..26" => floors = "B1..B2,1..26"
    floors: "B1..B2" must begin with the lowest floor
building.toml: ways = ["face", "card", "qr"] => ways = ["face"]
    door.east-1: ways: face may not be the only way
building.toml: held = "60s" => held = "60"
    door.north-1: held: "60" is not a duration such as 30s
building.toml: heartbeat = "5s" => heartbeat = "0s"
    like.reader: heartbeat: "0s" must be longer than nothing
building.toml: heartbeat = "5s" => heartbeat = "2d"
    like.reader: heartbeat: longer than a day
building.toml: silence = "90s" => silence = "20s"
    like.panel: silence of 20s must be longer than the heartbeat of 30s
building.toml: silence = "90s" => silence = "2m"
    like.panel: silence: of a fire panel at most 95s
building.toml: duty_check = false => busy = "06:30-22:00 every 2h"
    like.panel: busy: a fire panel is quiet
building.toml: silence = "90s" => silence = "30s"
    like.panel: silence of 30s must be longer than the heartbeat of 30s
building.toml: {1 = {door = "north-1", direction => {1 = {door = "north-1", directoin
    device.reader-n1: unknown key "directoin", nearest: direction
building.toml: fire = "5y" => fire = "30d"
    keep: fire: 30d is less than the 365 days that must be kept
building.toml: audit = "3y" => audit = "1y6m"
    keep: audit: "1y6m" is not a duration
building.toml: L = "21-24" => L = "20-24"
    compartments: 20 stands under M and L
building.toml: address = "1026802" => address = "1026801"
    "1026801" is the address of device gate-e1 already
building.toml: address = "1026802" => address = 1026802
    device.gate-e2: address: 1026802 must be text in quotes
building.toml: peer = "127.0.0.1"                          # a => peer = "10.0.0"  # a
    peer: "10.0.0" is not a network address
building.toml: codes = "hub" => peer = "10.0.0.9"
    locker-2: peer: a device on MQTT is known by its user name
building.toml: port = 5200 => port = 8081
    port 8081 of device fire-b3 is the port of readers already
building.toml: points = "points-b3.csv" => points = "points-b4.csv"
    file "points-b4.csv" is not there, nearest: points-b3.csv
building.toml: points = "points-b3.csv" => points = "../../x.csv"
    "../../x.csv" is not in the folder of the configuration
building.toml: file = "plans/b3.svg" => file = "plans/b3-{floor}.svg"
    plan.b3: file: no drawing of floors B2, B1, 1
building.toml: "中班" = "15:30-23:30" => "中班" = "15:30-25:30"
    shifts: "25:30" is not a time of day
building.toml: unit = "{building}-{entrance}-{room}" => unit = "{bulding}-{room}"
    unit: "{bulding}-{room}" is not such as
hub.toml: readers = 8081 => reader = 8081
    listen: unknown key "reader", nearest: readers
hub.toml: readers = 8081 => readers = 808100
    listen: readers: 808100 must be a whole number from 1 to 65535
hub.toml: mqtt = 1883 => mqtt = 8081
    port 8081 of mqtt is the port of readers already
hub.toml: address = "127.0.0.1:8080" => address = "0.0.0.0:8080"
    without tls = {certificate = …, key = …} the console
hub.toml: address = "127.0.0.1:8080" => address = "127.0.0.1:8081"
    port 8081 of readers is the port of the console
hub.toml: mqtt = 1883 => mqtt_plain = 1883
    listen: mqtt_plain: without tls = {certificate = …, key = …} the port mqtt
hub.toml: devices = "127.0.0.1" => devices = "0.0.0.0"
    listen: devices: MQTT without TLS may be on the device network alone
building.toml: address = "1026802" => address = "+"
    device.gate-e2: address: stands in topics
hub.toml: devices = "127.0.0.1" => devices = "here"
    devices: "here" is not a network address
hub.toml: chatter = "3 in 1m" => chatter = "3 per 1m"
    alerts: chatter: "3 per 1m" is not a rate
hub.toml: host = "hub-1" => host = "中枢"
    host: "中枢" may only have ASCII letters, digits
points-b3.csv: 217/7,1-2-038,smoke => 217/7,1-2-038,smok
    column kind: unknown kind "smok", nearest: smoke
points-b3.csv: 217/7, => 217/6,
    column address: "217/6" stands in line 2 already
points-b3.csv: 217/7, => 9月7日,
    (a spreadsheet made a date of it: set that column to text)
points-b3.csv: 走廊东,7 => 走廊东,77
    column floor: there is no floor "77" in b3, garage, nearest: 7
points-b3.csv: garage/B,24.0 => garage/D,24.0
    column fire_zone: unknown fire zone "garage/D", nearest: garage/
points-b3.csv: 31.0,9.5 => 31.0m,9.5
    column x: "31.0m" is not a number of metres
points-b3.csv: 31.0,9.5 => 310,9.5
    column x: 310 is outside the plan of 42 metres
points-b3.csv: 31.0,9.5 => 31.0,9.5,1
    has 9 columns, the header 8
points-b3.csv: kind,label => kinds,label
    unknown column "kinds", nearest: kind
"""


def cases() -> Iterator[tuple[str, str, str, str]]:
    lines = iter(CASES.strip().splitlines())
    for change, said in zip(lines, lines, strict=True):
        file, _, old_and_new = change.partition(": ")
        old, _, new = old_and_new.partition(" => ")
        yield file, old, new, said.strip()


@pytest.mark.parametrize(("file", "old", "new", "said"), list(cases()))
def test_a_mistake_is_told_at_its_line_and_alone(estate: Estate, file: str, old: str, new: str, said: str) -> None:
    line = estate.change(file, old, new)
    mistakes = estate.load().mistakes
    assert len({mistake.line for mistake in mistakes}) == 1, estate.said()
    assert (mistakes[0].file, mistakes[0].line) in {(file, line), ("hub.toml", 6)}, estate.said()
    assert said in str(mistakes[0])


def test_every_mistake_is_told_at_once(estate: Estate) -> None:
    estate.change("building.toml", 'into = "b3"', 'into = "b33"')
    estate.change("hub.toml", "readers = 8081", "reader = 8081")
    estate.change("points-b3.csv", "217/7,", "217/6,")
    assert {mistake.file for mistake in estate.load().mistakes} == {"hub.toml", "building.toml", "points-b3.csv"}


BESIDE = r"""
building.toml: {1 = {door = "north-1", direction = "entry" => {1 = {door = "nort-1", direction = "in"
    direction: "in" is none of
    unknown door "nort-1", nearest: north-1
building.toml: behind = "sw-east" => behind = "sw-eats"\ncodes = "hubb"
    codes: "hubb" is none of
    unknown link "sw-eats"
building.toml: near = ["b3/B1", "b3/B2"] => near = ["b3/B7", 5]
    near.1: 5 must be text
    near: unknown fire zone "b3/B7"
building.toml: between = ["east-1", "north-1"] => between = ["east-1", "n-1"]\nmeters = 5
    unknown key "meters"
    unknown door "n-1"
building.toml: at = ["estate", 472, 176] => at = ["estat", "472", 176]
    at: must be a plan and two numbers
    at: unknown plan "estat"
building.toml: serves = ["b3", "garage"] => serves = ["b3", "garge", 7]
    must be text in quotes
    unknown zone "garge"
building.toml: into = "b3" => into = "b33"\nway = ["card"]
    unknown key "way"
    unknown zone "b33"
points-b3.csv: 217/7,1-2-038,smoke,走廊东,7 => 9月7日,1-2-038,smok,走廊东,77
    column address
    column kind: unknown kind "smok"
    there is no floor "77"
"""


def beside() -> Iterator[tuple[str, str, str, list[str]]]:
    for case in re.split(r"\n(?=\S)", BESIDE.strip()):
        change, *said = case.splitlines()
        file, _, old_and_new = change.partition(": ")
        old, _, new = old_and_new.partition(" => ")
        yield file, old, new.replace("\\n", "\n"), [each.strip() for each in said]


@pytest.mark.parametrize(("file", "old", "new", "said"), list(beside()))
def test_a_mistake_does_not_hide_the_one_beside_it(
    estate: Estate, file: str, old: str, new: str, said: list[str]
) -> None:
    estate.change(file, old, new)
    told = estate.said()
    assert [any(words in each for each in told) for words in said] == [True] * len(said), told


def test_an_escape_door_needs_what_frees_it(estate: Estate) -> None:
    estate.change("building.toml", 'ways = ["card", "pin"]\nescape = true\nrelease = "fire-b3"', "escape = true")
    assert len(estate.said()) == 1
    assert 'door.b3-lobby: an escape door needs release = "…"' in estate.said()[0]


def test_only_a_fire_panel_frees_a_door(estate: Estate) -> None:
    estate.change("building.toml", 'escape = true\nrelease = "fire-b3"\n[[path]]', 'release = "locker-2"\n[[path]]')
    assert ['release: "locker-2" is not a fire panel' in said for said in estate.said()] == [True]


def test_a_kind_that_no_post_hears_is_told(estate: Estate) -> None:
    estate.change("building.toml", '"duress", "help", ', "")
    assert [said.partition(" ")[2] for said in estate.said()] == [
        "no post hears these first: duress, help (first_for of some [post.X])"
    ]


def test_a_reader_without_a_peer_is_refused(estate: Estate) -> None:
    estate.change("building.toml", 'peer = "127.0.0.1"                          # a serial', "# a serial")
    said = estate.said()
    assert len(said) == 2
    assert 'building.toml:116 device.reader-n1: "peer" is missing' in said[0]


def test_one_port_carries_one_protocol(estate: Estate) -> None:
    estate.change("building.toml", "[keep]", '[device.p2]\nadapter = "other_panel"\nname = "P"\naddress = "1"\n'
                  'peer = "127.0.0.1"\nport = 5200\nserves = ["b5"]\n[keep]')  # fmt: skip
    assert ["port: 5200 is the port of gbt26875 already (device fire-b3)" in said for said in estate.said()] == [True]


def test_one_protocol_has_one_port(estate: Estate) -> None:
    second = (
        '[device.p2]\nlike = "panel"\nname = "P"\naddress = "1"\npeer = "127.0.0.1"\nport = 5201\nserves = ["b5"]\n'
    )
    line = estate.change("building.toml", "[keep]", f"{second}[keep]")
    said = "port: gbt26875 listens on 5200 already (device fire-b3), for all of its devices"
    assert estate.said() == [f"building.toml:{line + 5} device.p2: {said}"]


def test_the_address_of_a_webhook_is_in_no_mistake(estate: Estate) -> None:
    estate.change("hub.toml", "# [webhook]", '[webhook]\nurl = "hooks.example/?key=geheim"')
    assert ["url: is not an address" in said for said in estate.said()] == [True]
    assert "geheim" not in estate.said()[0]
    assert "geheim" not in repr(estate.load())


def test_a_mistake_in_defaults_is_told_once_however_many_use_them(estate: Estate) -> None:
    estate.change("building.toml", 'heartbeat = "30s"                           # silent', 'heartbeat = "30"  # silent')
    assert len(estate.said()) == 1


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('[site\nid = "x"', 1),
        ('[site]\nid = "yunhe\n', 2),
        ('[site]\nid = "a"\nid = "b"\n', 3),
        ("[site]\nx = [1,\n", 3),
    ],
)
def test_broken_toml_is_told_with_its_line(estate: Estate, broken: str, line: int) -> None:
    (estate.folder / "building.toml").write_text(broken, "utf-8")
    assert [(m.file, m.line, m.what[:13]) for m in estate.load().mistakes] == [("building.toml", line, "can't be read")]


def test_text_that_is_not_utf8_is_told_with_its_line(estate: Estate) -> None:
    (estate.folder / "hub.toml").write_bytes('host = "hub-1"\n# 中枢\n'.encode("gb18030"))
    assert estate.said() == ["hub.toml:2 is not UTF-8 text here"]


def test_a_folder_without_configuration_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = Estate(tmp_path_factory.mktemp("empty"))
    assert empty.said() == ["hub.toml is not there", "building.toml is not there"]
    assert not empty.load().runnable


@pytest.mark.parametrize(
    "wrong",
    [
        "site = 1",
        'zone = "x"',
        "zone = {b3 = 1}",
        "path = 1",
        "keep = []",
        "device = 5",
        "devices = 5",
        "[[site]]",
        "like = {x = 3}",
        "post = [1]",
        "[plan.x]\nmetres = [0]",
    ],
)
def test_a_table_of_the_wrong_shape_is_a_mistake_not_a_crash(estate: Estate, wrong: str) -> None:
    (estate.folder / "building.toml").write_text(wrong, "utf-8")
    assert any(mistake.file == "building.toml" and mistake.line == 1 for mistake in estate.load().mistakes)


ODD = r"""
1 -1 1.5 nan inf 99999999999999999999 true 1979-05-27 "x" "" "\u0000" [] [1] [[1]] ["a","a"] {} {a=1} = '
"""


def values_of(file: str) -> list[tuple[str, int]]:
    lines = (CONFIG / file).read_text("utf-8").splitlines()
    return [(file, number) for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.sampled_from(values_of("building.toml") + values_of("hub.toml")),
    value=st.sampled_from(ODD.split()),
)
def test_whatever_stands_for_a_value_is_meant_or_told_never_a_crash(
    estate: Estate, at: tuple[str, int], value: str
) -> None:
    file, number = at
    lines = (CONFIG / file).read_text("utf-8").splitlines()
    lines[number] = f"{lines[number].partition(' = ')[0]} = {value}"
    (estate.folder / file).write_text("\n".join(lines), "utf-8")
    estate.load()
    (estate.folder / file).write_bytes((CONFIG / file).read_bytes())


def test_a_note_tells_what_is_kept_longer_than_needed(estate: Estate) -> None:
    line = estate.change("building.toml", 'visits = "30d"', 'visits = "2y"')
    loaded = estate.load()
    assert loaded.mistakes == ()
    assert f"building.toml:{line} keep: visits: 2y is more than the 90 days that are needed" in map(
        str, loaded.notes.remarks
    )
