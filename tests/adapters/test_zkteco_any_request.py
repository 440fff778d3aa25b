"""Whatever a reader, or anyone at its address, sends: events, an answer, or one reason; never an exception."""

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.adapters.zkteco_push import ADAPTER
from hub.core.adapter import DeviceContext, Frame, RequestHead
from hub.core.events import parse_event

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
READER = DeviceContext(
    site="site", id="reader-n1", address="QLNX261300417", time_zone=ZoneInfo("Asia/Shanghai"), options=ADAPTER.options()
)
EXAMPLES = settings(max_examples=10_000 if os.environ.get("CI") else 500, deadline=None, derandomize=True)

PAGES = st.sampled_from(
    [
        "cdata",
        "cdata.aspx",
        "iclock/cdata",
        "registry",
        "push",
        "getrequest",
        "devicecmd",
        "querydata",
        "rtdata",
        "x",
        "",
    ]
)
TABLES = st.sampled_from(["rtlog", "rtstate", "tabledata", "ATTLOG", "OPERLOG", "options", "transaction", "user", "?"])
NASTY = st.sampled_from(
    ["0", "-1", "9" * 30, "2026-01-02 11:04:00", "2000-01-01 00:00:00", "2099-12-31 23:59:59", "²", ""]
)
VALUE = st.one_of(NASTY, st.integers(-1, 7000).map(str), st.text(max_size=30))
KEYS = st.sampled_from([
    "time", "pin", "cardno", "eventaddr", "event", "inoutstatus", "verifytype", "index", "sitecode", "bitcount",
    "maskflag", "temperature", "sensor", "alarm", "time_second", "doorid", "eventtype", "ID", "Return", "errcode",
])  # fmt: skip
FIELDS = st.dictionaries(KEYS, VALUE, max_size=14).map(lambda found: "\t".join(f"{k}={v}" for k, v in found.items()))
HEX = st.binary(max_size=20).map(bytes.hex)
LINE = st.one_of(
    FIELDS,
    st.builds("time=2026-01-02 11:04:00\tevent={}\t{}".format, st.integers(0, 7000), FIELDS),
    st.builds("time=2026-01-02 11:04:00\tsensor={}\talarm={}".format, HEX, HEX),
    st.lists(VALUE, max_size=8).map("\t".join),
    st.lists(VALUE, max_size=8).map(lambda fields: "OPLOG " + "\t".join(fields)),
)
BODY = st.one_of(
    st.binary(max_size=200),
    st.lists(LINE, max_size=4).map(lambda found: "\r\n".join(found).encode("utf-8", "surrogatepass")),
)
QUERY = st.dictionaries(
    st.sampled_from(["SN", "options", "type", "tablename", "count", "DeviceType", "AuthType", "datafmt", "pushver"]),
    st.one_of(VALUE, st.sampled_from(["all", "time", "user", "transaction", "errorlog", "count"]), st.just("\udc80")),
)


@given(page=PAGES, table=TABLES, body=BODY, query=QUERY, method=st.sampled_from(["GET", "POST", "PUT"]))
@EXAMPLES
def test_any_request_gives_events_an_answer_or_one_reason(
    page: str, table: str, body: bytes, query: dict[str, str], method: str
) -> None:
    head = RequestHead(method, f"/iclock/{page}", {"table": table, **query}, {})
    request = Frame(payload=body, received=RECEIVED, request=head)
    ADAPTER.address(request, "site")
    decoded = ADAPTER.decode(request, READER)
    assert decoded.reply is not None
    assert decoded.reply.payload
    for event in decoded.events:
        assert parse_event(event.model_dump_json()) == event
    if decoded.unreadable:
        assert decoded.unreadable.reason.isprintable()
