"""The publisher, a process of its own: `python -m bench.load PORT FILE [--receipts TOPIC] [--rate N]`.

FILE holds whole PUBLISH packets, each after its length in four bytes. With `--receipts` it is a host: never more than
WINDOW events without a receipt, and it ends when all have one; else it sends what the broker takes. It prints when it
began and when it ended, in seconds of the machine's monotonic clock.
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

WINDOW = 4096
"""as of eight hosts: what an intake that takes from several keeps in memory"""
AT_ONCE = 64


def write_packets(file: Path, packets: Sequence[bytes]) -> None:
    file.write_bytes(b"".join(struct.pack(">I", len(packet)) + packet for packet in packets))


def read_packets(file: Path) -> list[bytes]:
    raw, packets, at = file.read_bytes(), [], 0
    while at < len(raw):
        length = struct.unpack_from(">I", raw, at)[0]
        packets.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return packets


class Receipts:
    """What the intake has said that it stored, counted."""

    def __init__(self, port: int, topic: str) -> None:
        self.socket = wire.connect(port, "bench-receipts", topic)
        self._stream = bytearray()
        self.count = 0

    def read(self) -> None:
        self._stream += self.socket.recv(1 << 16)
        for packet in wire.take(self._stream):
            if packet.payload:
                self.count += sum(last - first + 1 for first, last in json.loads(packet.payload)["sequences"])


def send(
    port: int, packets: Sequence[bytes], receipts: Receipts | None, rate: float = 0, name: str = "bench-load"
) -> tuple[float, float]:
    """When the first was sent, and when all were sent (with receipts: stored)."""
    out = wire.connect(port, name)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    begun = time.monotonic()
    sent = taken = 0
    """packets, and bytes of the broker's PUBACKs, four each"""
    while taken < 4 * len(packets) or (receipts and receipts.count < len(packets)):
        room = len(packets) - sent
        if receipts:
            room = min(room, WINDOW - (sent - receipts.count))
        if rate:
            room = min(room, int((time.monotonic() - begun) * rate) - sent)
        reading = [out, *([receipts.socket] if receipts else [])]
        readable, writable, _ = select.select(reading, [out] if room > 0 else [], [], 0.005 if rate else 20.0)
        if not readable and not writable and not rate:
            raise TimeoutError(f"{receipts.count if receipts else sent} of {len(packets)} after a silence of 20 s")
        if out in readable:
            taken += len(out.recv(1 << 16))
        if receipts and receipts.socket in readable:
            receipts.read()
        if writable:
            some = packets[sent : sent + min(room, AT_ONCE)]
            out.sendall(b"".join(some))
            sent += len(some)
    ended = time.monotonic()
    out.close()
    return begun, ended


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--receipts", default="")
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--name", default="bench-load")
    asked = parser.parse_args()
    packets = read_packets(asked.file)
    receipts = Receipts(asked.port, asked.receipts) if asked.receipts else None
    print("ready", flush=True)
    input()
    begun, ended = send(asked.port, packets, receipts, asked.rate, asked.name)
    print(json.dumps({"begun": begun, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
