"""No page without sign-in, no change without the form's token, nothing changed by someone who only reads."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.console.gate import is_public
from tests.console.desk_side import Browser, Console, SignIn

OPEN = {
    ("GET", "/static/{path}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/language"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}


async def test_every_route_is_closed_unless_it_is_one_of_the_few_that_are_open(
    console: Console, stranger: Browser
) -> None:
    walked = 0
    for route in console.app.router.routes():
        resource = route.resource
        assert resource is not None
        path = resource.canonical
        if route.method == "HEAD" or (route.method, path) in OPEN or path.startswith("/api/"):
            continue
        assert not is_public(route.handler), path
        asked = re.sub(r"\{[^}]+\}", "x", path)
        method = "GET" if route.method == "*" else route.method
        answer = await stranger.request(method, asked, allow_redirects=False)
        assert answer.status == 401, path
        page = await stranger.request(method, asked, allow_redirects=False, headers={"Accept": "text/html"})
        assert page.status == (303 if method == "GET" else 401), path
        walked += 1
    assert walked > 30


async def test_a_path_that_does_not_exist_tells_a_stranger_nothing(stranger: Browser) -> None:
    assert (await stranger.get("/nothing-here")).status == 401


async def test_after_signing_in_one_is_where_one_wanted_to_go(stranger: Browser) -> None:
    answer = await stranger.get("/visits?state=open", headers={"Accept": "text/html"}, allow_redirects=False)
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == ["/visits?state=open"]


@pytest.mark.parametrize("path", ["/visits", "/parcels", "/emergencies", "/incidents/x/answer", "/people/x/reveal"])
async def test_a_form_without_its_token_changes_nothing(sign_in: SignIn, path: str) -> None:
    client = await sign_in("desk")
    form = {"name": "李秋白", "unit": "3-1-702", "purpose": "x"}
    assert (await client.post(path, data=form)).status == 403
    assert (await client.post(path, data={**form, "csrf": "guess"})).status == 403


async def test_a_form_of_another_site_is_refused_even_before_sign_in(stranger: Browser) -> None:
    answer = await stranger.post("/sign-in", data={"name": "desk"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


async def test_an_auditor_reads_and_changes_nothing(sign_in: SignIn) -> None:
    client = await sign_in("auditor")
    page = await (await client.get("/")).text()
    token = re.search(r'name="csrf" content="([^"]+)"', page)
    assert token
    form = {"name": "李秋白", "unit": "3-1-702", "purpose": "x", "csrf": token[1]}
    assert (await client.post("/visits", data=form)).status == 403
    assert (await client.get("/audit")).status == 200
    assert (await client.post("/language", data={"language": "en", "csrf": token[1]})).status == 200
    assert (await client.post("/sign-out", data={"csrf": token[1]})).status == 200


async def test_the_audit_log_and_the_import_are_not_for_everyone(sign_in: SignIn) -> None:
    client = await sign_in("desk")
    assert (await client.get("/audit")).status == 403


@pytest.mark.parametrize("path", ["/sign-in", "/static/desk.js", "/nothing-here"])
async def test_every_answer_forbids_foreign_code_and_frames(stranger: Browser, path: str) -> None:
    policy = (await stranger.get(path)).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/vendor/package-lock.json/x"]
)
async def test_only_the_consoles_own_files_are_served(stranger: Browser, path: str) -> None:
    assert (await stranger.get(path)).status in (401, 404)
