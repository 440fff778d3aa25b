"""No picture comes to rest: no byte of a face is in the data directory or in what the hub says."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hub.store.sealing import Keys
from hub.store.spool import Spool
from simulators.gate import Gate
from simulators.simulator import running
from tests.e2e.house import House, both_ways
from tests.e2e.process import eventually

PICTURES = 12
BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}")


class BadLine(Gate):
    """A gate whose messages, when asked for garbage, end early: once behind the picture and once within it."""

    spoilt: tuple[str, ...] = ()

    async def _send_garbage(self) -> None:
        assert self._link
        picture = self._picture()
        self.spoilt += (picture.partition(",")[2],)
        whole = json.dumps({"operator": "RecPush", "info": {"RecordID": "1", "pic": picture, "time": ""}}).encode()
        for cut in (9, 700):
            self._link.publish(self._own("Rec"), whole[:-cut])


def pictures_of(gate: BadLine) -> list[str]:
    """Each picture that the gate has sent, as base64."""
    bodies = [record.body for record in gate.memory.sent]
    sent = [str(body[key]).partition(",")[2] for body in bodies for key in ("pic", "scene") if key in body]
    return [*sent, *gate.spoilt]


def windows(text: bytes, length: int) -> Iterator[bytes]:
    return (text[at : at + length] for at in range(len(text) - length + 1))


class Faces:
    """What must be found nowhere: 24 characters in a row of a picture as it came, or 24 bytes of it as it is."""

    def __init__(self, pictures: Iterable[str]) -> None:
        self._text = {window for picture in pictures for window in windows(picture.encode(), 24)}
        self._raw = {base64.b64decode(picture)[at : at + 24] for picture in pictures for at in range(0, 1480, 24)}
        assert len(self._text) > 1000

    def found_in(self, content: bytes) -> bool:
        runs = BASE64.findall(content)
        return any(window in self._text for run in runs for window in windows(run, 24)) or any(
            raw in content for raw in self._raw
        )


def at_rest(data: Path) -> dict[str, bytes]:
    """Every file as it lies there, write-ahead logs too."""
    return {str(file.relative_to(data)): file.read_bytes() for file in data.rglob("*") if file.is_file()}


async def spooled(data: Path) -> bytes:
    """What the spool holds, unsealed."""
    spool = Spool(data / "spool.db", Keys.load_or_create(data))
    await spool.open()
    rows = await spool.after("routine", 0, 1000)
    await spool.close()
    return b"\n".join(row.payload for row in rows)


@both_ways
async def test_no_face_lies_anywhere(house: House) -> None:
    await house.start()
    declared = house.building.declared()
    gate = BadLine(declared.devices["gate-e1"], house.building.broker, enrolled={"R-001": "岑启明"}, speed=20)
    async with running(gate):
        await house.desk.until("devices", lambda device: device["id"] == "gate-e1" and device["link"] == "online")
        with house.held("hub.db"):
            for _ in range(PICTURES // 2):
                gate.stranger_seen()
                gate.person_passes("R-001")
            await gate.memory.emptied(within=15)
            await house.hub.kill()
        faces = Faces(pictures_of(gate))
        sealed = await spooled(house.building.data)
        assert sealed.count(b'"person.seen"') == PICTURES // 2
        assert not faces.found_in(sealed)
        assert b"\xff\xd8\xff" not in sealed
        assert b"/9j/" not in sealed

        await house.start()
        gate.misbehave(garbage=1.0)
        gate.stranger_seen()
        await gate.memory.emptied(within=20)
        await house.desk.until("events", lambda event: event["delivery"] == "live", type="person.seen")
        faces = Faces(pictures_of(gate))
        await eventually(lambda: house.rows("hub.db", "SELECT 1 FROM quarantine LIMIT 1 OFFSET 1"), 10, "not both")
        for frame in await house.desk.items("quarantine"):
            kept = bytes.fromhex((await house.desk.get(f"quarantine/{frame['id']}"))["hex"])
            assert kept.startswith(b'{"operator": "RecPush"')
            assert not faces.found_in(kept)
            assert b"\xff\xd8\xff" not in kept
            assert b"/9j/" not in kept
        files = at_rest(house.building.data)
        assert any(name.endswith("-wal") for name in files)
    await house.stop()
    for name, content in (files | at_rest(house.building.data) | {"what it said": house.written}).items():
        assert not faces.found_in(content), name
    assert b"/9j/" not in house.written
