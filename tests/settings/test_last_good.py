"""A mistake in the configuration never stops a building; only a first start is refused."""

from pathlib import Path

import pytest

from hub.settings import ConfigurationRefused, keep_last_good, load_or_last_good
from tests.settings.conftest import ADAPTERS, Estate


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_first_start_with_mistakes_is_refused_with_all_of_them(estate: Estate, data: Path) -> None:
    estate.change("building.toml", 'into = "b3"', 'into = "b33"')
    estate.change("hub.toml", "readers = 8081", "reader = 8081")
    with pytest.raises(ConfigurationRefused) as refused:
        load_or_last_good(estate.folder, data, ADAPTERS)
    assert len(refused.value.mistakes) == 2
    assert str(refused.value).splitlines() == [str(mistake) for mistake in refused.value.mistakes]


def test_a_good_configuration_is_the_one_that_runs(estate: Estate, data: Path) -> None:
    keep_last_good(data, estate.folder)
    estate.change("building.toml", "云河雅苑", "新名")
    loaded, mistakes = load_or_last_good(estate.folder, data, ADAPTERS)
    assert (loaded.building.site.name.zh, mistakes) == ("新名", ())


@pytest.mark.parametrize("broken", ["[site", "", 'site = 1\n[zone."x'])
def test_with_a_mistake_the_last_good_one_runs_and_the_mistake_is_told(estate: Estate, data: Path, broken: str) -> None:
    good = estate.load()
    keep_last_good(data, estate.folder)
    (estate.folder / "building.toml").write_text(broken)
    (estate.folder / "points-b3.csv").unlink()
    loaded, mistakes = load_or_last_good(estate.folder, data, ADAPTERS)
    assert loaded.building == good.building
    assert loaded.mistakes == ()
    assert mistakes == estate.load().mistakes
    assert mistakes


def test_drawings_of_each_floor_and_rules_are_kept_too(estate: Estate, data: Path) -> None:
    estate.change("building.toml", 'file = "plans/b3.svg"', 'file = "plans/b3-{floor}.svg"')
    for floor in estate.load().building.zones["b3"].floors:
        (estate.folder / f"plans/b3-{floor}.svg").write_text("<svg/>")
    (estate.folder / "rules").mkdir()
    (estate.folder / "rules/door.yaml").write_text("[]")
    assert estate.said() == []
    keep_last_good(data, estate.folder)
    assert (data / "last-good-config/rules/door.yaml").read_text() == "[]"
    (estate.folder / "hub.toml").write_text("")
    loaded, _ = load_or_last_good(estate.folder, data, ADAPTERS)
    assert loaded.mistakes == ()


def test_secrets_keys_and_lists_of_people_are_never_copied(estate: Estate, data: Path) -> None:
    for name in ("secrets.toml", "hub.key", "hub.pem"):
        (estate.folder / name).write_text("")
    (estate.folder / "secrets.toml").chmod(0o600)
    keep_last_good(data, estate.folder)
    copied = {path.name for path in data.rglob("*") if path.is_file()}
    assert {"hub.toml", "building.toml", "points-b3.csv", "call-sheet.md", "estate.svg"} <= copied
    assert not copied & {"secrets.toml", "hub.key", "hub.pem", "people.csv"}


def test_the_secrets_of_now_go_with_the_configuration_of_before(estate: Estate, data: Path) -> None:
    keep_last_good(data, estate.folder)
    (estate.folder / "secrets.toml").write_text('[device.gate-e1]\npassword = "p"\n')
    (estate.folder / "secrets.toml").chmod(0o644)
    loaded, mistakes = load_or_last_good(estate.folder, data, ADAPTERS)
    assert "gate-e1" in loaded.secrets.devices
    assert [mistake.file for mistake in mistakes] == ["secrets.toml"]


def test_a_copy_that_died_half_way_leaves_the_one_before(
    estate: Estate, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_last_good(data, estate.folder)
    real = Path.rename

    def dies(self: Path, target: Path) -> Path:
        if target.name == "last-good-config":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", dies)
    with pytest.raises(KeyboardInterrupt):
        keep_last_good(data, estate.folder)
    monkeypatch.undo()
    (estate.folder / "hub.toml").write_text("")
    loaded, mistakes = load_or_last_good(estate.folder, data, ADAPTERS)
    assert loaded.building.site.id == "yunhe"
    assert mistakes
    (data / ".last-good-config.killed").mkdir()
    keep_last_good(data, loaded_folder(data))
    assert [path.name for path in data.iterdir()] == ["last-good-config"]


def loaded_folder(data: Path) -> Path:
    return data / "last-good-config.before"


def test_a_newer_hub_that_finds_fault_with_the_last_good_one_still_runs_it(estate: Estate, data: Path) -> None:
    keep_last_good(data, estate.folder)
    fewer = {name: adapter for name, adapter in ADAPTERS.items() if name != "locker_mqtt"}
    loaded, mistakes = load_or_last_good(estate.folder, data, fewer)
    assert "fire-b3" in loaded.building.devices
    assert ['unknown adapter "locker_mqtt"' in str(mistake) for mistake in mistakes] == [True]
