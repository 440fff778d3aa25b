"""Makes the README's picture: a hub with simulated devices, signed in, when the fire of the shortened day has come."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/board.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config, data = Path(folder, "config"), Path(folder, "data")
        shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("secrets.toml"))
        for file, port in (
            ("hub.toml", "readers = 8081"),
            ("hub.toml", "mqtt = 1883"),
            ("building.toml", "port = 5200"),
        ):
            text = (config / file).read_text("utf-8")
            (config / file).write_text(text.replace(port, f"{port.split('=')[0]}= {free_port()}"), "utf-8")
        place = ["--config", str(config), "--data", str(data)]
        hub("device", "add", "--all", "--config", str(config))
        hub("import", "people", str(config / "people.csv"), *place)
        address = f"127.0.0.1:{free_port()}"
        running = subprocess.Popen(command("run", *place, "--http", address), stdout=subprocess.PIPE, text=True)
        simulated = subprocess.Popen(command("simulate", "day", *place, "--hub", f"http://{address}"))
        try:
            take_picture(f"http://{address}", first_password(running))
        finally:
            simulated.terminate()
            running.terminate()
            simulated.wait(10)
            running.wait(10)


def take_picture(url: str, password: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN", device_scale_factor=1)
        page.goto(url)
        page.fill("input[name=name]", "admin")
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        wait_for_the_fire(page)
        page.screenshot(path=PICTURE)
        browser.close()


def wait_for_the_fire(page: Page) -> None:
    expect(page.get_by_text("火警").first).to_be_visible(timeout=90_000)
    expect(page.get_by_text("烟感 2").first).to_be_visible(timeout=60_000)


def first_password(running: "subprocess.Popen[str]") -> str:
    assert running.stdout is not None
    for line in running.stdout:
        if found := re.search(r"shown only this once: (\S+)", line):
            return found[1]
    raise SystemExit("the hub ended before it told its first password")


def hub(*words: str) -> None:
    subprocess.run(command(*words), check=True, capture_output=True)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hub", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
