"""Whatever is asked wrongly is answered by a problem that says what, where, and changes nothing."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from hub.console import api, gate
from hub.console.words import Words
from hub.store import accounts
from hub.store.database import StoreAway
from tests.console.api.conftest import ProgramOf
from tests.console.api.program import ROOT, Program, operations
from tests.console.desk_side import Browser, Console, SignIn
from tests.console.made_up import fill

VISITOR = {"name": "李秋白", "unit": "3-1-702"}


def _example(path: str) -> str:
    return path.replace("{id}", "visit-1").replace("{key}", "a/b/c").replace("{command}", "c1")


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_every_route_is_closed_to_who_has_no_token(token: str, stranger: Browser, console: Console) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    paths = [*((method, path) for method, path, _ in operations()), ("GET", "/openapi.json"), ("GET", "/no/such/thing")]
    for method, path in paths:
        answer = await stranger.request(method, ROOT + _example(path), headers=headers)
        assert answer.status == 401, path
        assert (await answer.json(content_type="application/problem+json"))["reason"] == "sign_in_first"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_route_that_the_server_has_is_described_and_the_other_way_round(console: Console) -> None:
    served = set()
    for route in console.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path.startswith(f"{ROOT}/"):
            served.add((route.method, path.removeprefix(ROOT)))
    assert served - {("GET", "/openapi.json")} == {(method, path) for method, path, _ in operations()}


async def test_a_token_that_has_expired_is_none(console: Console, program_of: ProgramOf) -> None:
    token = accounts.ApiToken("t", "old", "desk", console.clock(), console.clock() + timedelta(days=1))
    await console.write(lambda tx: accounts.add_token(tx, console.desk.site, "old-secret", token))
    program = await program_of("desk")
    old = Program(program.client, "old-secret")
    assert (await old.get("/visits")).status == 200
    console.clock.ahead = timedelta(days=2)
    assert (await old.get("/visits")).status == 401


@pytest.mark.parametrize("path", ["/visits", "/parcels", "/alerts", "/incidents", "/devices", "/events", "/quarantine"])
async def test_an_unknown_id_is_not_found(path: str, program: Program) -> None:
    for identity in ("nobody", "%00", "%ff", "a" * 3000):
        said = await program.get(f"{path}/{identity}")
        assert (said.status, said.body["reason"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/visits/x/check-in", "/visits/x/check-out", "/visits/x/cancel", "/visits/x/reveal", "/parcels/x/reveal",
        "/incidents/x/answer", "/alerts/x/take", "/alerts/x/finish", "/notices/x/y/z/send-again",
        "/quarantine/x/send-again",
    ],
)  # fmt: skip
async def test_an_act_on_nothing_is_not_found(path: str, program: Program) -> None:
    assert (await program.post(path)).status == 404


@pytest.mark.parametrize("cursor", ["x", "bm90IGEgY3Vyc29y", "WzEsMl0", "é", "W10"])
@pytest.mark.parametrize(
    "path", ["/visits", "/parcels", "/alerts", "/incidents", "/devices", "/events", "/notices", "/quarantine"]
)
async def test_a_wrong_cursor_is_a_bad_request(path: str, cursor: str, program: Program) -> None:
    said = await program.get(path, cursor=cursor)
    assert (said.status, said.body["reason"], said.body["faults"][0]["field"]) == (400, "cursor.wrong", "cursor")


@pytest.mark.parametrize(
    ("path", "filters", "field"),
    [
        ("/visits", {"state": "elsewhere"}, "state.0"),
        ("/visits", {"limit": "0"}, "limit"),
        ("/visits", {"limit": "501"}, "limit"),
        ("/visits", {"limit": "ten"}, "limit"),
        ("/visits", {"day": "tomorrow"}, "day"),
        ("/visits", {"day": "9999-12-31"}, "day"),
        ("/visits", {"colour": "red"}, "colour"),
        ("/events", {"since": "2026-01-01T00:00:00"}, "since"),
        ("/events", {"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ("/events", {"lane": "fast"}, "lane"),
    ],
)
async def test_a_filter_that_cannot_be_taken_is_named(
    path: str, filters: dict[str, str], field: str, program: Program
) -> None:
    said = await program.get(path, **filters)
    assert (said.status, said.body["reason"]) == (422, "query.invalid")
    assert field in [fault["field"] for fault in said.body["faults"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"unit": "3-1-702"}, "name"),
        ({**VISITOR, "name": ""}, "name"),
        ({**VISITOR, "name": "x" * 201}, "name"),
        ({**VISITOR, "name": 7}, "name"),
        ({**VISITOR, "from": "noon"}, "from"),
        ({**VISITOR, "until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({**VISITOR, "face": "…"}, "face"),
        ({**VISITOR, "arrived": "perhaps"}, "arrived"),
    ],
)
async def test_a_field_that_cannot_be_taken_is_named_and_its_value_is_not_repeated(
    body: dict[str, Any], field: str, program: Program
) -> None:
    said = await program.post("/visits", body)
    assert (said.status, said.body["reason"]) == (422, "body.invalid")
    assert field in [fault["field"] for fault in said.body["faults"]]
    assert "3-1-702" not in str(said.body)
    assert await program.all("/visits") == []


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"name=x", b"\xff\xfe", b"null", b'{"name":"\xff"}', b'{"name":"\\ud800"}', b"[" * 100_000]
)
async def test_what_is_no_json_object_is_refused(raw: bytes, program: Program) -> None:
    said = await program.post("/visits", raw=raw)
    assert (said.status, said.body["reason"]) == (422, "body.invalid")


async def test_control_characters_never_reach_the_store(program: Program) -> None:
    said = await program.post("/visits", {**VISITOR, "purpose": "a\x00b\x1b[31mc\n"})
    assert said.body["purpose"] == "ab[31mc"
    blank = await program.post("/visits", {**VISITOR, "name": "\x00 \t"})
    assert (blank.status, blank.body["reason"]) == (422, "visit.name_missing")


async def test_what_the_rules_refuse_is_said_in_the_language_asked_for(stranger: Browser, program: Program) -> None:
    body = {**VISITOR, "from": "2030-01-02T00:00:00Z", "until": "2030-01-01T00:00:00Z"}
    said = await program.post("/visits", body)
    assert (said.status, said.body["reason"]) == (422, "visit.ends_before_it_starts")
    assert said.body["detail"]


async def test_a_path_or_method_that_is_not_there(program: Program, console: Console) -> None:
    headers = {"Authorization": f"Bearer {program.token}"}
    nothing = await program.client.get(f"{ROOT}/weather", headers=headers)
    assert (nothing.status, (await nothing.json(content_type=None))["reason"]) == (404, "no_such_path")
    for method, path in (("DELETE", "/visits/visit-1"), ("PUT", "/visits"), ("POST", "/events")):
        wrong = await program.client.request(method, ROOT + path, headers=headers)
        assert (wrong.status, (await wrong.json(content_type=None))["reason"]) == (405, "no_such_method")
        assert "GET" in wrong.headers["Allow"]


async def test_with_a_session_a_change_needs_the_csrf_token(console: Console, sign_in: SignIn) -> None:
    await fill(console)
    browser = await sign_in("desk")
    assert (await browser.get(f"{ROOT}/visits")).status == 200
    bare = await browser.post(f"{ROOT}/visits/visit-1/check-in")
    assert (bare.status, (await bare.json(content_type=None))["reason"]) == (403, "form_too_old")
    page = await (await browser.get("/account")).text()
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    done = await browser.post(f"{ROOT}/visits/visit-1/check-in", headers={"X-CSRF-Token": csrf})
    assert (done.status, (await done.json())["state"]) == (200, "open")
    await browser.post("/sign-out", data={"csrf": csrf})
    assert (await browser.get(f"{ROOT}/visits")).status == 401


async def test_while_the_store_is_away_it_says_so(
    console: Console, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(work: object) -> None:
        raise StoreAway("disk I/O error")

    monkeypatch.setattr(console.desk.store, "read", away)
    said = await program.get("/visits")
    assert (said.status, said.body["reason"], said.headers["Retry-After"]) == (503, "store_away", "2")
    assert "disk" not in str(said.body)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_that_the_api_gives_has_words(language: Literal["zh", "en"]) -> None:
    sources = [*Path(api.__file__).parent.glob("*.py"), Path(gate.__file__)]
    said = {
        reason
        for file in sources
        for reason in re.findall(r"problem\(\s*request, \d+, \"([a-z_.]+)\"", file.read_text("utf-8"))
    }
    said |= {f"refused.{one}" for one in ("body.invalid", "query.invalid", "body.too_large", "header.invalid")}
    words = Words(language)
    lacking = [reason for reason in said if not words.has(reason) and not words.has(f"refused.{reason}")]
    assert len(said) > 8
    assert lacking == []
