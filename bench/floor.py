"""The floor: the smallest intake by hand that keeps what it was told and stores each event once.

paho with manual ack and its own thread, pydantic, one SQLite transaction (WAL, FULL) for what waits, at most 256:
one event row under a unique id, one derived row; the acks after the commit. No facts, rules, sealing or receipts.
`python -m bench.floor PORT FILE COUNT` ends when COUNT events are stored, and prints when that was.
"""

import json
import queue
import sqlite3
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import BaseModel

BATCH = 256
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, type TEXT NOT NULL, source TEXT NOT NULL, time TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lines (n INTEGER PRIMARY KEY, event BLOB NOT NULL, device TEXT NOT NULL, at TEXT NOT NULL);
"""


class Event(BaseModel):
    id: UUID
    host: str
    sequence: int
    source: str
    type: str
    subject: str | None = None
    time: datetime
    received: datetime
    lane: str
    data: dict[str, Any]


def open_database(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(SCHEMA)
    return database


def store(database: sqlite3.Connection, events: list[Event]) -> int:
    """How many of them are new."""
    database.execute("BEGIN IMMEDIATE")
    before = database.total_changes
    database.executemany(
        "INSERT OR IGNORE INTO events (id, type, source, time, data) VALUES (?, ?, ?, ?, ?)",
        [(e.id.bytes, e.type, e.source, e.time.isoformat(), json.dumps(e.data)) for e in events],
    )
    new = database.total_changes - before
    database.executemany(
        "INSERT INTO lines (event, device, at) VALUES (?, ?, ?)",
        [(e.id.bytes, e.source.rpartition("/")[2], e.received.isoformat()) for e in events],
    )
    database.execute("COMMIT")
    return new


def main(port: int, file: Path, count: int) -> None:
    database = open_database(file)
    arrived: queue.SimpleQueue[paho.MQTTMessage] = queue.SimpleQueue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="floor", manual_ack=True)
    client.on_connect = lambda *_: client.subscribe("hub/v1/+/events/#", qos=1) and None
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = lambda _client, _data, message: arrived.put(message)
    client.connect("127.0.0.1", port)
    client.loop_start()
    stored = 0
    while stored < count:
        batch = [arrived.get(timeout=20)]
        while len(batch) < BATCH and not arrived.empty():
            batch.append(arrived.get())
        stored += store(database, [Event.model_validate_json(message.payload) for message in batch])
        for message in batch:
            client.ack(message.mid, message.qos)
    print(json.dumps({"ended": time.monotonic()}), flush=True)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
