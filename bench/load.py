"""The publisher, a process of its own: `python -m bench.load PORT FILE [--as host|devices] [--stored N] [--rate N]`.

FILE holds whole PUBLISH packets, each after its length in four bytes. As a host it never has more than HOST_WINDOW
events without a receipt, as devices never more than DEVICES_WINDOW frames without their answer; else it sends what the
broker takes. It ends when everything is sent and N events have a receipt. It prints when it began and when it ended,
in seconds of the machine's monotonic clock.
"""

import argparse
import json
import select
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from bench import wire

HOST_WINDOW = 4096
"""as of eight hosts: what an intake that takes from several keeps in memory"""
DEVICES_WINDOW = 1500
AT_ONCE = 64
RECEIPTS = "hub/v1/+/receipts/+"
ANSWERS = ("mqtt/face/+", "locker/v1/+/+/down")


def write_packets(file: Path, packets: Sequence[bytes]) -> None:
    file.write_bytes(b"".join(struct.pack(">I", len(packet)) + packet for packet in packets))


def read_packets(file: Path) -> list[bytes]:
    raw, packets, at = file.read_bytes(), [], 0
    while at < len(raw):
        length = struct.unpack_from(">I", raw, at)[0]
        packets.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return packets


class Told:
    """What the hub has said: how many frames it answered, which events it stored."""

    def __init__(self, port: int) -> None:
        self.socket = wire.connect(port, "bench-told", RECEIPTS, *ANSWERS)
        self._stream = bytearray()
        self.answers = 0
        self.stored: set[int] = set()

    def read(self) -> None:
        self._stream += self.socket.recv(1 << 16)
        for packet in wire.take(self._stream):
            if not packet.topic.startswith("hub/"):
                self.answers += 1
                continue
            for first, last in json.loads(packet.payload).get("sequences", ()):
                self.stored.update(range(first, last + 1))


def send(
    out: socket.socket, told: Told, packets: Sequence[bytes], kind: str, stored: int, rate: float
) -> tuple[float, float]:
    """When the first was sent, and when all was sent and stored."""
    begun = time.monotonic()
    sent = taken = 0
    """packets, and bytes of the broker's PUBACKs, four each"""
    while taken < 4 * len(packets) or len(told.stored) < stored:
        room = len(packets) - sent
        if kind == "host":
            room = min(room, HOST_WINDOW - (sent - len(told.stored)))
        elif kind == "devices":
            room = min(room, DEVICES_WINDOW - (sent - told.answers))
        if rate:
            room = min(room, int((time.monotonic() - begun) * rate) - sent)
        writing = [out] if room > 0 else []
        readable, writable, _ = select.select([out, told.socket], writing, [], 0.005 if rate else 20.0)
        if not readable and not writable and not rate:
            raise TimeoutError(f"{sent} sent, {told.answers} answered, {len(told.stored)} stored, then 20 s of silence")
        if out in readable:
            taken += len(out.recv(1 << 16))
        if told.socket in readable:
            told.read()
        if writable:
            some = packets[sent : sent + min(room, AT_ONCE)]
            out.sendall(b"".join(some))
            sent += len(some)
    return begun, time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--as", dest="kind", choices=("host", "devices", "anyone"), default="anyone")
    parser.add_argument("--stored", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    asked = parser.parse_args()
    packets = read_packets(asked.file)
    told = Told(asked.port)
    out = wire.connect(asked.port, "bench-load")
    print("ready", flush=True)
    input()
    begun, ended = send(out, told, packets, asked.kind, asked.stored, asked.rate)
    print(json.dumps({"begun": begun, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
