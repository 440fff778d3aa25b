"""A face-recognition gate that speaks `mqtt/face/…` (OEM protocol V1.25 and its access-terminal sister)."""

import asyncio
import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.building import Device
from simulators.memory import Record
from simulators.mqtt import Broker, Link, Message, connect
from simulators.simulator import Misbehaviour, Simulator

BASIC, HEARTBEAT = "mqtt/face/basic", "mqtt/face/heartbeat"
ACK_KINDS = {"1": ("StrSnapPush",), "2": ("RecPush",), "3": ("RecPush", "StrSnapPush")}
"""what a PushAckType answers"""
REPLAYABLE = 1000


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person in the gate's own list. The window is local time as the wire writes it; "" is open."""

    name: str
    personal_id: str
    block: bool = False
    begin: str = ""
    end: str = ""


class Gate(Simulator[dict[str, Any]]):
    """A record's body is the `info` of its message, without what depends on when it is sent."""

    actions = frozenset(
        {
            "person_passes",
            "somebody_passes",
            "visitor_passes",
            "person_is_refused",
            "stranger_tries",
            "stranger_seen",
            "qr_shown",
            "refuse_people",
        }
    )

    def __init__(
        self,
        device: Device,
        broker: Broker,
        *,
        enrolled: Mapping[str, str] | None = None,
        old_firmware: bool = False,
        seed: int = 0,
        speed: float = 1.0,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        """`enrolled` are the people whose faces it knows from the start: platform id → name. `old_firmware` writes
        numbers as numbers and spells the name's key persionName."""
        super().__init__(device, seed=seed, speed=speed, misbehaviour=misbehaviour)
        names = (enrolled or {}).items()
        self.people = {ref: Enrolled(name, str(place)) for place, (ref, name) in enumerate(names, start=1)}
        self._residents = sorted(self.people)
        self.told: list[dict[str, Any]] = []
        """every command and answer that arrived, in order"""
        self.opened_remotely = 0
        self._broker = broker
        self._old_firmware = old_firmware
        self._numbers = {"RecPush": 0, "StrSnapPush": 0}
        self._expected: asyncio.Queue[str] = asyncio.Queue()
        self._online_heard = asyncio.Event()
        self._people_error = ""
        self._link: Link | None = None

    # What happens at the gate

    def person_passes(self, person: str) -> str:
        """Someone enrolled walks through. Returns the platform id. Raises LookupError for an unknown one."""
        known = self._enrolled(person)
        now = self._wall_clock()
        outside = bool((known.begin and now < known.begin) or (known.end and now > known.end))
        self._recognised(person, known, status=2 if known.block or outside else 1)
        return person

    def somebody_passes(self) -> str:
        """One of those enrolled from the start, drawn by lot. Returns the platform id."""
        return self.person_passes(self.random.choice(self._residents))

    async def visitor_passes(self, within: float = 60.0) -> str:
        """The person whose pass was put last, and who hasn't come yet, walks through; waited for if need be.
        Returns the platform id. Raises TimeoutError where no pass comes."""
        async with asyncio.timeout(within):
            person = await self._expected.get()
        while not self._expected.empty():
            person = self._expected.get_nowait()
        return self.person_passes(person)

    def person_is_refused(self, person: str) -> None:
        """Someone enrolled is recognised and not let through."""
        self._recognised(person, self._enrolled(person), status=2)

    def stranger_tries(self) -> None:
        """A face that isn't enrolled asks for the way: a recognition record that says "not registered"."""
        self._recognised("", Enrolled(name="", personal_id="0"), status=3)

    def stranger_seen(self) -> None:
        """A face that isn't enrolled passes by the camera: a snapshot record."""
        self._keep("StrSnapPush", "SnapID", {"scene": self._picture()})

    def qr_shown(self, text: str) -> None:
        """A code is held before the terminal's scanner: its raw text, sent once, answered by nobody."""
        if self._link:
            self._link.publish(self._own("QRCode"), text.encode())

    def refuse_people(self, code: str) -> None:
        """From now on nobody can be added: each try is answered with this error code. "" ends it."""
        self._people_error = code

    # The line

    async def _session(self) -> None:
        async with connect(
            self._broker,
            client_id=self.device.user,
            user=self.device.user,
            password=self.device.password,
            will=Message(BASIC, _message("Offline", self._name())),
            will_qos=0,
            keep_alive=60,
        ) as link:
            self._link = link
            try:
                await link.subscribe(f"mqtt/face/{self.device.address}")
                self._online_heard.clear()
                self._up()
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.keep_alive())
                    group.create_task(self._listen(link))
                    group.create_task(self._say_online(link))
                    group.create_task(self._beat(link))
                    group.create_task(self._deliver())
            finally:
                self._link = None
                link.close(goodbye=self._stopping)

    async def _say_online(self, link: Link) -> None:
        """Repeated until somebody answers."""
        while not self._online_heard.is_set():
            info = {**self._name(), "username": self.device.user, "time": self._wall_clock()}
            link.publish(BASIC, _message("Online", {**info, "ip": "127.0.0.1", "facesname": self.device.id}))
            try:
                async with asyncio.timeout(self.seconds(self.device.heartbeat)):
                    await self._online_heard.wait()
            except TimeoutError:
                continue

    async def _beat(self, link: Link) -> None:
        while True:
            await asyncio.sleep(self.seconds(self.device.heartbeat))
            link.publish(HEARTBEAT, _message("HeartBeat", {**self._name(), "time": self._wall_clock()}))

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            try:
                self._hear(link, json.loads(message.payload))
            except (ValueError, KeyError) as error:
                self._grumble(f"can't read what it was told: {error!r}")

    def _hear(self, link: Link, command: dict[str, Any]) -> None:
        self.told.append(command)
        operator, info = command["operator"], command.get("info") or {}
        if answer := self._answer(operator, info):
            about = {"operator": f"{operator}-Ack", "messageId": command.get("messageId", "")}
            code = {} if operator == "PushAck" else {"code": "200"}
            link.publish(self._own("Ack"), _json({**about, **code, "info": {**self._name(), **answer}}))
        if operator in ("ManualPushRecords", "ManualPushSnaps"):
            self._replay(operator, info)

    async def _send(self, batch: Sequence[Record[dict[str, Any]]]) -> None:
        for record in batch:
            self._push(record, PushType=0)

    async def _send_garbage(self) -> None:
        if self._link:
            whole = _message("RecPush", {"RecordID": "1", "pic": self._picture()})
            self._link.publish(self._own("Rec"), self.random.choice((whole[:-9], self.random.randbytes(40), b"[]")))

    # Answers

    def _answer(self, operator: str, info: Any) -> dict[str, Any] | None:
        """The `info` of the -Ack, or None where the gate says nothing."""
        match operator:
            case "Online-Ack":
                self._online_heard.set()
                return None
            case "PushAck":
                return self._answer_push_ack(str(info["PushAckType"]), str(info["SnapOrRecordID"]))
            case "EditPerson":
                error = self._put_person(info)
                return {
                    "customId": info.get("customId", ""),
                    **({"result": "fail", "errcode": error} if error else _OK),
                }
            case "AddPersons" | "EditPersonsNew":
                return self._put_people(info)
            case "DelPerson":
                gone = self.people.pop(str(info.get("customId")), None)
                return {"customId": info.get("customId", ""), **(_OK if gone else {"result": "fail", "errcode": "461"})}
            case "DeleteAllPerson":
                self.people.clear()
                return _OK
            case "Unlock":
                self.opened_remotely += 1
                return _OK
            case "ManualPushRecords" | "ManualPushSnaps":
                return _OK
            case "GetSysTime":
                return {**_OK, "SysTime": self._wall_clock()}
            case "SetSysTime":
                wall = re.search(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", json.dumps(info))
                if wall is None:
                    return {"result": "fail", "errcode": "414"}
                self.clock.set(datetime.fromisoformat(wall[0]))
                return _OK
            case _:
                return None

    def _answer_push_ack(self, kind: str, number: str) -> dict[str, Any] | None:
        """A gate confirms the confirmation, whether or not the record still waits."""
        for name in ACK_KINDS.get(kind, ()):
            if self._heard_yes(name, int(number)):
                break
        return {**_OK, "PushAckType": kind, "SnapOrRecordID": number}

    def _put_person(self, info: Mapping[str, Any]) -> str:
        """Add or change one. Returns the error code, "" for none."""
        ref = str(info.get("customId") or "")
        if self._people_error or not ref:
            return self._people_error or "461"
        known = self.people.get(ref)
        self.people[ref] = Enrolled(
            name=str(info.get("name") or info.get("personName") or ""),
            personal_id=known.personal_id if known else str(len(self.people) + 1),
            block=str(info.get("personType", "0")) == "1",
            begin=_moment(info.get("validBegin") or info.get("cardValidBegin")),
            end=_moment(info.get("validEnd") or info.get("cardValidEnd")),
        )
        if known is None:
            self._expected.put_nowait(ref)
        return ""

    def _put_people(self, batch: Any) -> dict[str, Any]:
        """The trap of this family: the code says 200, and who failed stands in a list."""
        people = batch if isinstance(batch, list) else batch.get("info", [])
        errors = {str(person.get("customId", "")): self._put_person(person) for person in people}
        failed = [{"customId": ref, "errcode": code} for ref, code in errors.items() if code]
        added = [{"customId": ref} for ref, code in errors.items() if not code]
        counts = {"AddErrNum": str(len(failed)), "AddSucNum": str(len(added))}
        return {**_OK, **counts, "AddErrInfo": failed, "AddSucInfo": added}

    # Records

    def _recognised(self, ref: str, person: Enrolled, *, status: int) -> None:
        similarity = f"{self.random.uniform(82, 99) if status != 3 else 0:.6f}"
        self._keep(
            "RecPush",
            "RecordID",
            {
                "customId": ref,
                "personId": person.personal_id,
                "VerifyStatus": self._number(status),
                "PersonType": self._number(int(person.block)),
                "similarity1": similarity,
                "persionName" if self._old_firmware else "personName": person.name,
                "facesluiceName": self.device.id,
                "idCard": "",
                "telnum": " ",
            },
        )

    def _keep(self, kind: str, number_key: str, own: dict[str, Any]) -> None:
        self._numbers[kind] += 1
        number, time = self._numbers[kind], self._wall_clock()
        common = {
            **self._name(),
            number_key: self._number(number),
            "time": time,
            "isNoMask": self._number(1),
            "targetPosInScene": [self.random.randrange(400), 0, self.random.randrange(800, 1600), 1080],
            "pic": self._picture(),
        }
        self.memory.keep(Record(kind, number, time, {**common, **own}))

    def _push(self, record: Record[dict[str, Any]], **how: int) -> None:
        if self._link is None:
            raise ConnectionError("no link")
        age = self.clock.now().replace(tzinfo=None) - datetime.fromisoformat(record.time)
        in_time = {"Sendintime": int(age.total_seconds() < 10)} if record.kind == "RecPush" else {}
        topic = self._own("Rec" if record.kind == "RecPush" else "Snap")
        self._link.publish(topic, _message(record.kind, {**record.body, **in_time, **how}))

    def _replay(self, operator: str, info: Mapping[str, Any]) -> None:
        """Push again by hand what was answered before: without the fields that a real one leaves out then."""
        kind = "RecPush" if operator == "ManualPushRecords" else "StrSnapPush"
        left_out = ("idCard", "scene", "targetPosInScene")
        for record in self.memory.acked[-REPLAYABLE:]:
            if record.kind == kind and str(info["TimeS"]) <= record.time <= str(info["TimeE"]):
                body = {key: value for key, value in record.body.items() if key not in left_out}
                self._push(Record(record.kind, record.number, record.time, body), PushType=2)

    def _enrolled(self, person: str) -> Enrolled:
        if person not in self.people:
            raise LookupError(f"{person} isn't in the list of {self.device.id}")
        return self.people[person]

    def _number(self, value: int) -> int | str:
        return value if self._old_firmware else str(value)

    def _name(self) -> dict[str, str]:
        return {"facesluiceId": self.device.address}

    def _own(self, branch: str) -> str:
        return f"mqtt/face/{self.device.address}/{branch}"

    def _wall_clock(self) -> str:
        return self.clock.now().strftime("%Y-%m-%d %H:%M:%S")

    def _picture(self) -> str:
        jpeg = b"\xff\xd8\xff\xe0" + self.random.randbytes(1500) + b"\xff\xd9"
        return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


_OK = {"result": "ok"}


def _moment(wire: object) -> str:
    """`2026-04-10 10:00:00` to compare with; "" for what is unset."""
    text = str(wire or "").replace("T", " ")[:19]
    return "" if text.startswith("0000") else text


def _message(operator: str, info: Mapping[str, Any]) -> bytes:
    return _json({"operator": operator, "info": info})


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
