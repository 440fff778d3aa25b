"""`hub run` as a property runs it, over a store of months, seen from outside: panel's socket, broker, page."""

import contextlib
import http.client
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import database, mix, site, stored
from bench.broker import broker
from bench.process import Process, python
from hub.bus.mosquitto import free_port
from simulators import gb26875 as gb


@dataclass(frozen=True, slots=True)
class Desk:
    process: Process
    broker: int
    page: int
    panel: int
    started: float

    def memory(self) -> float:
        """MiB in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def get(self, path: str) -> float:
        """Milliseconds until the whole answer is here."""
        asked = http.client.HTTPConnection("127.0.0.1", self.page, timeout=20)
        begun = time.perf_counter()
        asked.request("GET", path, headers={"Authorization": f"Bearer {stored.TOKEN}", "Accept": "text/html"})
        answer = asked.getresponse()
        answer.read()
        taken = (time.perf_counter() - begun) * 1000
        asked.close()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return taken


@contextlib.contextmanager
def desk(directory: Path, prefilled: Path, *, spool: Path | None = None) -> Iterator[Desk]:
    """A running hub with a broker of its own, once its page answers."""
    with prepared(directory, prefilled, spool=spool) as (arguments, ports, broker_port):
        started = time.monotonic()
        with python("hub", "run", *arguments, HUB_DATABASE=database.hub_database(directory / "data")) as process:
            process.says("front desk at")
            yield Desk(process, broker_port, ports["page"], ports["panel"], started)


@contextlib.contextmanager
def prepared(
    directory: Path, prefilled: Path, *, spool: Path | None = None
) -> Iterator[tuple[list[str], dict[str, int], int]]:
    """Data, configuration and broker for `hub run`: its arguments, its ports, the broker's."""
    data, config = directory / "data", directory / "config"
    for old in (data, config):
        shutil.rmtree(old, ignore_errors=True)
    data.mkdir()
    database.fresh(prefilled, data)
    if spool:
        shutil.copy(spool, data / "spool.db")
    ports = site.write_config(config) | {"page": free_port()}
    with broker(directory) as port:
        arguments = ["--config", str(config), "--data", str(data), "--http", f"127.0.0.1:{ports['page']}"]
        yield [*arguments, "--broker", f"mqtt://127.0.0.1:{port}"], ports, port


class Page:
    """An open page's stream, read in a thread: when each frame about incidents came."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = f"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {stored.TOKEN}\r\n\r\n"
        self._socket.sendall(request.encode())
        self._first = threading.Event()
        self._some = threading.Condition()
        self._incidents: list[float] = []
        self.frames = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if not self._first.wait(20):
            raise TimeoutError("the page's stream brings nothing")

    def incident_after(self, moment: float, within: float = 20.0) -> float:
        """When the first frame about incidents after `moment` was here."""
        with self._some:
            if not self._some.wait_for(lambda: self._incidents and self._incidents[-1] > moment, within):
                raise TimeoutError("no frame about an incident")
            return next(at for at in self._incidents if at > moment)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _read(self) -> None:
        stream = b""
        with contextlib.suppress(OSError):
            while received := self._socket.recv(1 << 18):
                stream += received
                while (end := stream.find(b"\n\n")) >= 0:
                    frame, stream = stream[:end], stream[end + 2 :]
                    if b"event: board" not in frame:
                        continue
                    self.frames += 1
                    self._first.set()
                    start = frame.find(b'"topics": [')
                    if b'"incidents"' in frame[start : frame.find(b"]", start)]:
                        with self._some:
                            self._incidents.append(time.monotonic())
                            self._some.notify_all()


class Panel:
    """A fire panel's line: a frame out, its confirmation in."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sequence = 0
        self._addresses = list(site.building().devices[site.PANEL].points)[:24]
        self.points = len(self._addresses)

    def alarm(self, number: int) -> float:
        """A point alarms. When its first byte went out."""
        zone, point = map(int, self._addresses[number % self.points].split("/"))
        return self._say(2, gb.component_state((1, 1), 40, (zone, point), gb.FIRE, "烟感"))

    def reset(self) -> float:
        return self._say(4, bytes([1, 1, 1, 1]))

    def close(self) -> None:
        self._socket.close()

    def _say(self, type_flag: int, body: bytes) -> float:
        now = mix.now()
        body += gb.time_tag(mix.local(now))
        frame = mix.panel_frame(self._sequence, gb.objects(type_flag, body), now)
        self._sequence += 1
        begun = time.monotonic()
        self._socket.sendall(frame)
        self._socket.recv(4096)
        return begun
