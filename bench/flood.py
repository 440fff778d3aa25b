"""One gate gone mad, a process of its own: `python -m bench.flood PORT SECONDS RATE`.

It publishes a passage after the other, each another record, for so many seconds, as fast as RATE a second or the broker
take it; then it waits until the broker has all of them. It prints how many it sent.
"""

import argparse
import json
import select
import time

from bench import mix, wire

AT_ONCE = 64
UNANSWERED = 20_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("rate", type=float)
    asked = parser.parse_args()
    said = mix.gate_passage(mix.now())
    before, after = said.frame.payload.split(b"%RECORD%")
    out = wire.connect(asked.port, "bench-flood")
    print("ready", flush=True)
    input()
    begun = time.monotonic()
    sent = answered = 0
    while time.monotonic() - begun < asked.seconds or answered < 4 * sent:
        due = min(asked.rate * min(time.monotonic() - begun, asked.seconds), UNANSWERED + answered / 4) - sent
        over = time.monotonic() - begun >= asked.seconds
        writing = [out] if due >= 1 and not over else []
        readable, writable, _ = select.select([out], writing, [], 0.005)
        if readable:
            answered += len(out.recv(1 << 16))
        if writable:
            some = range(sent, sent + min(int(due), AT_ONCE))
            out.sendall(b"".join(wire.publish(said.frame.topic, before + b"%d" % n + after, n) for n in some))
            sent += len(some)
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - begun}), flush=True)


if __name__ == "__main__":
    main()
