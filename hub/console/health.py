"""For who watches the hub: whether it lives, whether all it needs is there, and its numbers."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from hub.console.desk import DESK, Desk
from hub.console.gate import public
from hub.console.problem import problem
from hub.console.sessions import signed_in
from hub.core.records import NoticeState
from hub.store import devices, outbox
from hub.store.database import StoreAway, Transaction

_ANSWER_WITHIN = 5.0
"""seconds; a store that takes longer to read is away"""


def add_routes(app: web.Application) -> None:
    """/healthz, /readyz and /metrics. The app has its DESK."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


@public
async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: this process answers."""
    return web.json_response({"alive": True})


@public
async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: each part with what it says of itself; 503 when something that a part needs is away. A mistake in
    the configuration is told, and stops nothing."""
    desk = request.app[DESK]
    store_away = await _read_store(desk) is None
    told = _parts(desk)
    parts = {
        "store": {"readable": not store_away},
        **told,
        "configuration": {"mistakes": list(desk.config_mistakes)},
        "broker": {**told.get("broker", {}), "notice": desk.broker_notice()},
    }
    ready = not any(value is False for part in parts.values() for value in part.values())
    return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)


@public
async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: Prometheus text, for a token or from this machine itself."""
    if not _from_this_machine(request) and await signed_in(request) is None:
        return problem(request, 401, "refused.sign_in_first")
    desk = request.app[DESK]
    stored = await _read_store(desk)
    registry = CollectorRegistry()
    registry.register(_Numbers(_parts(desk), stored, len(desk.config_mistakes)))
    ProcessCollector(registry=registry)
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the store counts."""

    notices: Mapping[str, int]
    devices: Mapping[str, int]


class _Numbers(Collector):
    """The numbers of one scrape. `stored` is None while the store is away."""

    def __init__(self, parts: Mapping[str, Mapping[str, object]], stored: _Stored | None, mistakes: int) -> None:
        self._intake = parts.get("intake", {})
        self._host = parts.get("host", {})
        self._broker = parts.get("broker", {})
        self._disk = parts.get("disk", {})
        self._stored = stored
        self._mistakes = mistakes

    def collect(self) -> Iterator[Metric]:
        intake = self._intake
        away = self._stored is None or intake.get("store") is False
        yield _gauge("hub_store_away", "1 while the database can't be reached or written", float(away))
        yield _gauge("hub_configuration_mistakes", "Mistakes in the configuration", self._mistakes)
        yield _gauge("hub_broker_connected", "1 while the intake has its sessions", intake.get("broker"))
        yield _gauge("hub_intake_waiting", "Events taken in and not yet committed", intake.get("waiting"))
        yield _labelled(_counter("hub_events_taken", "Events committed or known already", "lane"), intake.get("taken"))
        yield _counted("hub_batches", "Transactions of the intake", intake.get("batches"))
        yield _counted("hub_receipts", "Receipts sent to hosts", intake.get("receipts"))
        spools = GaugeMetricFamily("hub_spool_waiting", "Rows on a host's disk without a receipt", labels=["host"])
        yield _labelled(spools, intake.get("spools"))
        fallen = _counter("hub_frames_let_fall", "Frames of devices over their share, let fall without a yes", "reason")
        yield _labelled(fallen, intake.get("let_fall"))
        yield _counted(
            "hub_frames_refused_for_room",
            "Frames that got no yes because the disk is nearly full",
            self._host.get("refused_for_room"),
        )
        yield _gauge("hub_disk_room", "0 while the disk is nearly full: life alone is kept", self._disk.get("room"))
        yield _gauge(
            "hub_disk_free_percent", "Free of the data's disk, beside the reserve", self._disk.get("free_percent")
        )
        yield _counted("hub_broker_dropped", "Messages that the broker let fall", self._broker.get("dropped"))
        if self._stored is not None:
            notices = GaugeMetricFamily("hub_notices", "Notices by state", labels=["state"])
            yield _labelled(notices, self._stored.notices)
            links = GaugeMetricFamily("hub_devices", "Declared devices by link, and unknown ones", labels=["link"])
            yield _labelled(links, self._stored.devices)


def _gauge(name: str, about: str, value: object) -> Metric:
    family = GaugeMetricFamily(name, about)
    if isinstance(value, int | float):
        family.add_metric([], float(value))
    return family


def _counter(name: str, about: str, label: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, about, labels=[label])


def _counted(name: str, about: str, value: object) -> Metric:
    family = CounterMetricFamily(name, about)
    if isinstance(value, int | float):
        family.add_metric([], float(value))
    return family


def _labelled(family: CounterMetricFamily | GaugeMetricFamily, values: object) -> Metric:
    for label, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, int | float):
            family.add_metric([str(label)], float(value))
    return family


def _parts(desk: Desk) -> dict[str, Mapping[str, object]]:
    return {name: part for name, part in desk.health().items() if isinstance(part, Mapping)}


async def _read_store(desk: Desk) -> _Stored | None:
    """None while it is away, or takes too long."""

    def read(tx: Transaction) -> _Stored:
        notices = {
            state: outbox.notice_listing(tx, desk.site, state=(state,), limit=1).total or 0
            for state in get_args(NoticeState)
        }
        links = {status.device: status.link for status in devices.listing(tx, desk.site) if status.declared}
        counted = Counter(links.get(device, "never") for device in desk.building.devices)
        unknown = len(devices.unknown(tx, desk.site))
        known = {link: counted[link] for link in ("online", "offline", "never")}
        return _Stored(notices, {**known, "unknown": unknown})

    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            return await desk.store.read(read)
    except (StoreAway, TimeoutError):
        return None


def _from_this_machine(request: web.Request) -> bool:
    """A proxy on this machine passes on what others ask."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
