"""What the browser loads is small, and all of it is ours or vendored by lock file."""

import gzip
import re

from hub.console.server import STATIC


def test_all_scripts_together_stay_under_60_kb() -> None:
    scripts = list(STATIC.rglob("*.js"))
    assert {script.name for script in scripts} >= {"htmx.min.js", "desk.js", "live-worker.js"}
    assert sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts) < 60_000


def test_no_page_names_another_host_and_none_holds_a_script_or_a_style() -> None:
    for template in (STATIC.parent / "templates").rglob("*.html"):
        text = template.read_text("utf-8")
        assert not re.search(r"https?://|<style|\sstyle=|\son[a-z]+=|hx-on|js:", text), template.name
        assert not re.search(r"<script(?![^>]* src=)", text), template.name
