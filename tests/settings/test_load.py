"""The building and this machine, as declared."""

from datetime import timedelta

import pytest

from hub.adapters import load_adapters
from hub.core.building import Name
from hub.settings import load
from tests.settings.conftest import CONFIG, Estate


def test_our_own_configuration_has_no_mistakes() -> None:
    loaded = load(CONFIG, load_adapters())
    assert [str(mistake) for mistake in loaded.mistakes] == []
    assert loaded.runnable
    assert loaded.notes.points_listed >= 30


def test_the_building_is_what_was_declared(estate: Estate) -> None:
    building = estate.load().building
    assert building.site.id == "yunhe"
    assert building.site.name == Name(zh="云河雅苑", en="Yunhe Court")
    assert building.zones["b3"].floors[:3] == ("B2", "B1", "1")
    assert "4" not in building.zones["b3"].floors
    assert {"b3/07", "b3/B1"} <= set(building.zones["b3"].fire_zones)
    assert building.zones["garage"].fire_zones == ("garage/A", "garage/B", "garage/C")
    assert building.zones["b3"].refuge == ("12",)
    assert building.doors["north-1"].held == timedelta(seconds=60)
    assert building.devices["locker-2"].compartments["13"] == "M"
    assert len(building.devices["locker-2"].compartments) == 24
    assert building.keep.fire == timedelta(days=5 * 365)
    assert building.device_at("gbt26875", "3460", "127.0.0.1") is building.devices["fire-b3"]
    assert building.device_at("gbt26875", "3460", "127.0.0.2") is None


def test_a_point_is_found_where_it_is(estate: Estate) -> None:
    building = estate.load().building
    smoke = building.place("fire-b3", zone="217", point="6")
    assert (smoke.fire_zone, smoke.label, smoke.shown, smoke.kind) == ("b3/07", "电梯厅", "1-2-037", "smoke")
    assert building.place("fire-b3", zone="251", point="3").fire_zone == "garage/A"
    assert not building.place("fire-b3", zone="9", point="9").listed


def test_a_device_gets_its_defaults_and_its_own_say_wins(estate: Estate) -> None:
    estate.change("building.toml", 'address = "1026802"', 'address = "1026802"\nheartbeat = "10s"')
    devices = estate.load().building.devices
    assert (devices["gate-e1"].heartbeat, devices["gate-e1"].silence) == (timedelta(seconds=30), timedelta(seconds=90))
    assert (devices["gate-e2"].heartbeat, devices["gate-e2"].silence) == (timedelta(seconds=10), timedelta(seconds=30))
    assert devices["gate-e2"].behind == "sw-east"
    assert devices["reader-n1"].options == {"dialect": "acc"}
    assert devices["fire-b3"].silence == timedelta(seconds=90)


def test_a_device_that_names_no_heartbeat_has_its_adapters(estate: Estate) -> None:
    estate.change("building.toml", 'heartbeat = "5s"\n', "")
    assert estate.load().building.devices["reader-n1"].heartbeat == timedelta(seconds=60)


def test_a_device_on_mqtt_is_known_by_its_id_where_it_has_no_address(estate: Estate) -> None:
    estate.change("building.toml", 'address = "locker-2"\n', "")
    assert estate.load().building.devices["locker-2"].address == "locker-2"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"前台"', Name(zh="前台", en="前台")),
        ('{zh = "前台"}', Name(zh="前台", en="前台")),
        ('{en = "Desk"}', Name(zh="Desk", en="Desk")),
        ('{zh = "前台", en = "Desk"}', Name(zh="前台", en="Desk")),
    ],
)
def test_a_name_in_one_language_serves_both(estate: Estate, written: str, name: Name) -> None:
    estate.change("building.toml", '{zh = "前台", en = "Front desk"}', written)
    assert estate.load().building.posts["desk"].name == name


def test_devices_may_stand_in_a_spreadsheet(estate: Estate) -> None:
    header = "编号,名称,模板,地址,门,方向\n"
    table = f"{header}gate-e3,东门 3 号人脸闸,gate,1026803,east-1,进\nreader-n2,北门二,reader,YH2,north-1,出\n"
    (estate.folder / "devices.csv").write_bytes(table.encode("gb18030"))
    estate.change("building.toml", "[site]", 'devices = "devices.csv"\n[site]')
    loaded = estate.load()
    assert loaded.mistakes == ()
    gate = loaded.building.devices["gate-e3"]
    assert (gate.name.zh, gate.adapter, gate.behind) == ("东门 3 号人脸闸", "face_mqtt", "sw-east")
    assert (gate.doors["1"].door, gate.doors["1"].direction) == ("east-1", "entry")
    assert loaded.building.devices["reader-n2"].peer == "127.0.0.1"


def test_mistakes_in_a_spreadsheet_of_devices_have_its_lines(estate: Estate) -> None:
    table = "id,name,like,address,door,port\ngate-e1,重复,gate,1,,\n门,门,gate,2,east-9,\ng3,g,gat,3,,x\n,x,gate,4,,\n"
    (estate.folder / "devices.csv").write_text(table, "utf-8")
    estate.change("building.toml", "[site]", 'devices = "devices.csv"\n[site]')
    assert estate.said() == [
        'devices.csv:4 device.g3: port: "x" must be a whole number',
        'devices.csv:5 column "id" is empty',
        'devices.csv:2 device.gate-e1: device "gate-e1" is declared already, in line 106',
        'devices.csv:3 device.门: id: "门" may only have ASCII letters, digits and . _ : @ -',
        'devices.csv:4 device.g3: unknown like "gat", nearest: gate',
        'devices.csv:3 device.门: doors: unknown door "east-9", nearest: east-1',
    ]


def test_this_machine_is_what_was_declared(estate: Estate) -> None:
    hub = estate.load().hub
    assert (hub.host, hub.listen.devices, hub.listen.readers, hub.listen.mqtt) == ("hub-1", "127.0.0.1", 8081, 1883)
    assert str(hub.console.address) == "127.0.0.1:8080"
    assert hub.console.address.loopback
    assert (hub.alerts.flood.count, hub.alerts.flood.within) == (10, timedelta(minutes=10))


def test_the_console_may_answer_everywhere_with_a_certificate(estate: Estate) -> None:
    line = estate.change(
        "hub.toml",
        'address = "127.0.0.1:8080"',
        'address = "0.0.0.0:8443"\ntls = {certificate = "c.pem", key = "k"}\n#',
    )
    loaded = estate.load()
    assert loaded.mistakes == ()
    assert f'hub.toml:{line + 1} console: tls.certificate: file "c.pem" is not there yet' in map(
        str, loaded.notes.remarks
    )
    assert loaded.hub.console.tls is not None
    assert loaded.hub.console.tls.certificate == estate.folder / "c.pem"


def test_devices_have_a_certificate_of_their_own_and_a_plain_port_beside_it(estate: Estate) -> None:
    assert estate.load().hub.listen.tls is None
    estate.change(
        "hub.toml",
        "mqtt = 1883",
        'mqtt = 8883\ntls = {certificate = "b.pem", key = "/etc/b.key"}\nmqtt_plain = 1883\n#',
    )
    loaded = estate.load()
    assert loaded.mistakes == ()
    assert loaded.hub.listen.tls is not None
    assert (loaded.hub.listen.mqtt, loaded.hub.listen.mqtt_plain) == (8883, 1883)
    assert loaded.hub.listen.tls.certificate == estate.folder / "b.pem"
    assert loaded.hub.listen.tls.key == estate.folder / "/etc/b.key"
    assert loaded.hub.console.tls is None


def test_the_plain_port_is_no_other_listeners(estate: Estate) -> None:
    estate.change("hub.toml", "mqtt = 1883", 'tls = {certificate = "b.pem", key = "b.key"}\nmqtt_plain = 8081\n#')
    (said,) = estate.said()
    assert "port 8081 of mqtt_plain is the port of readers already" in said


def test_over_tls_alone_devices_may_come_from_everywhere(estate: Estate) -> None:
    estate.change("hub.toml", "mqtt = 1883", 'tls = {certificate = "b.pem", key = "b.key"}\n#')
    estate.change("hub.toml", 'devices = "127.0.0.1"', 'devices = "0.0.0.0"')
    assert estate.said() == []


def test_mail_in_the_clear_is_for_this_machine_only(estate: Estate) -> None:
    estate.change("hub.toml", "# [smtp]", '[smtp]\nserver = "127.0.0.1:2525"\ntls = "off"')
    assert estate.said() == []
    estate.change("hub.toml", "127.0.0.1:2525", "mail.example:25")
    assert len(estate.said()) == 1


def test_a_webhook_without_a_key_to_sign_with_is_a_mistake(estate: Estate) -> None:
    estate.change("hub.toml", "# [webhook]", '[webhook]\nurl = "https://hooks.example/desk"')
    assert len(estate.said()) == 1
    (estate.folder / "secrets.toml").write_text('[webhook]\nsecret = "0123456789abcdef"\n')
    (estate.folder / "secrets.toml").chmod(0o600)
    assert estate.said() == []
