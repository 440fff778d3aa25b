"""What nobody may read."""

import stat
from pathlib import Path

import pytest

from hub.settings import put_device_passwords
from hub.settings.mistakes import Mistakes
from hub.settings.secrets_file import Secrets, read_secrets


def secrets(folder: Path, text: str, mode: int = 0o600) -> tuple[Secrets, list[str]]:
    (folder / "secrets.toml").write_text(text, "utf-8")
    (folder / "secrets.toml").chmod(mode)
    mistakes = Mistakes()
    return read_secrets(folder, mistakes), [str(mistake) for mistake in mistakes.found]


GOOD = (
    '[device.gate-e1]\npassword = "p1"\n[smtp]\nuser = "u"\npassword = "p2"\n[webhook]\nsecret = "0123456789abcdef"\n'
)


def test_secrets_are_read_and_never_shown(tmp_path: Path) -> None:
    found, said = secrets(tmp_path, GOOD)
    assert said == []
    assert found.devices["gate-e1"].password.get_secret_value() == "p1"
    assert found.smtp is not None
    assert found.smtp.password.get_secret_value() == "p2"
    assert found.webhook is not None
    assert "p1" not in repr(found)
    assert "0123456789abcdef" not in str(found)


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    mistakes = Mistakes()
    assert read_secrets(tmp_path, mistakes) == Secrets()
    assert mistakes.found == ()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_that_others_can_reach_is_refused_in_a_sentence(tmp_path: Path, mode: int) -> None:
    found, said = secrets(tmp_path, GOOD, mode)
    assert said == [
        f"secrets.toml can be read by others (mode {mode:04o}): only its owner may, "
        f"so run chmod 600 {tmp_path / 'secrets.toml'}"
    ]
    assert "gate-e1" in found.devices, "a building that runs keeps its devices"


@pytest.mark.parametrize(
    "text",
    [
        "[device.a]\npassword = 123456789\n",
        '[device.a]\npasswort = "hunter2hunter2"\n',
        '[webhook]\nsecret = "hunter2"\n',
        '[smtp]\nuser = "u"\npassword = ["hunter2"]\n',
        '[device]\na = "hunter2"\n',
        '[device.a]\npassword = "hunter2\n',
    ],
)
def test_a_mistake_among_secrets_shows_none_of_them(tmp_path: Path, text: str) -> None:
    _, said = secrets(tmp_path, text)
    assert said
    assert "hunter2" not in " ".join(said)
    assert "123456789" not in " ".join(said)


def test_a_password_is_written_for_its_owner_only_and_keeps_all_else(tmp_path: Path) -> None:
    secrets(tmp_path, "# by hand\n" + GOOD)
    put_device_passwords(tmp_path, {"locker-2": "new1", "gate-e1": "new2", "a.b": "new3"})
    path = tmp_path / "secrets.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8").startswith("# by hand\n")
    mistakes = Mistakes()
    found = read_secrets(tmp_path, mistakes)
    assert mistakes.found == ()
    assert {name: secret.password.get_secret_value() for name, secret in found.devices.items()} == {
        "gate-e1": "new2",
        "locker-2": "new1",
        "a.b": "new3",
    }
    assert found.smtp is not None
    assert found.smtp.password.get_secret_value() == "p2"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_a_password_that_stands_in_another_form_is_not_guessed_at(tmp_path: Path) -> None:
    text = '[device]\na = {password = "old"}\n'
    secrets(tmp_path, text)
    with pytest.raises(ValueError, match=r"write it as a table \[device.a\]"):
        put_device_passwords(tmp_path, {"a": "new"})
    assert (tmp_path / "secrets.toml").read_text("utf-8") == text
