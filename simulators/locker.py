"""A parcel locker that speaks version 1 of the locker protocol (docs/locker-protocol.md) over MQTT."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.building import Device, Person
from simulators.compartment import Compartment, Parcel
from simulators.memory import Record
from simulators.mqtt import Broker, Link, Message, connect
from simulators.simulator import Misbehaviour, Simulator

WAITS = (5.0, 10.0, 20.0, 40.0, 60.0)
"""seconds without `kept` before a record is sent again; the last for ever"""
CARRIERS = ("云速达", "青鸟快运", "望江速递")
WRONG_CODES = 5


@dataclass(frozen=True, slots=True)
class Said:
    """A record's message, and the connection it happened on (0: none) at this time of the event loop."""

    message: Mapping[str, Any]
    connection: int
    at: float


class Locker(Simulator[Said]):
    """A record's kind is `boot N`; its number is the locker's own."""

    actions = frozenset(
        {
            "courier_stores", "recipient_collects", "courier_withdraws", "wrong_code", "left_open", "forced", "fault",
            "jam", "trouble", "tampered", "low_battery",
        }
    )  # fmt: skip
    under_way = 16

    def __init__(
        self,
        device: Device,
        broker: Broker,
        *,
        people: Mapping[str, Person] | None = None,
        boot: int = 0,
        seed: int = 0,
        speed: float = 1.0,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        """`people` are whom a courier may have a parcel for. `boot` rises by itself where it isn't given."""
        super().__init__(device, seed=seed, speed=speed, misbehaviour=misbehaviour)
        self.boot = boot or int((datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
        self.compartments = {number: Compartment(size) for number, size in device.compartments.items()}
        self.told: list[dict[str, Any]] = []
        """every command that arrived, repeats too"""
        self._broker = broker
        self._people = people or {}
        self._number = 0
        self._booted = self._time()
        self._outcomes: dict[str, Record[Said] | None] = {}
        """command id → its outcome; None while it is being done"""
        self._wrong_codes = 0
        self._doing: set[asyncio.Task[None]] = set()
        self._link: Link | None = None

    # What happens at the locker

    async def courier_stores(self, person: str, size: str = "S", tracking: str = "", carrier: str = "") -> str:
        """A courier opens a free compartment, puts a parcel for this person in, and shuts it. Returns the
        compartment. Raises LookupError where nobody has that id or nothing is free."""
        whom = self._people[person]
        number = self._free(size)
        compartment = self.compartments[number]
        compartment.parcel = parcel = Parcel(
            tracking=tracking or f"YH{self.random.randrange(10**10):010}",
            carrier=carrier or self.random.choice(CARRIERS),
            recipient={key: value for key, value in (("phone", whom.phone), ("unit", whom.unit)) if value},
        )
        await self._open_and_shut(number, "courier", occupied=(False, True))
        self._record(
            "parcel.stored",
            compartment=number,
            parcel=parcel.named(),
            recipient=dict(parcel.recipient),
            size=compartment.size,
            expires=self._written(self.clock.now() + timedelta(hours=72)),
        )
        return number

    async def recipient_collects(self, compartment: str, within: float = 120.0) -> None:
        """The recipient types the code that the hub put (waited for if need be) and takes the parcel. Raises
        TimeoutError where no code comes, LookupError where nothing lies there."""
        if self.device.codes == "hub":
            async with asyncio.timeout(within):
                await self.compartments[compartment].code_put.wait()
        self._wrong_codes = 0
        await self._take_out(compartment, "recipient", "parcel.collected")

    async def courier_withdraws(self, compartment: str) -> None:
        """The courier takes back what nobody came for."""
        await self._take_out(compartment, "courier", "parcel.withdrawn")

    def wrong_code(self) -> None:
        """Somebody types a code that is none."""
        self._wrong_codes += 1
        locked_out = {"locked_out": True} if self._wrong_codes >= WRONG_CODES else {}
        self._record("pickup.refused", attempts=self._wrong_codes, **locked_out)

    async def left_open(self, compartment: str, seconds: float = 30.0) -> None:
        """A door stands open until somebody shuts it after `seconds`."""
        self._door(compartment, "recipient", opened=True, occupied=False)
        self._record("compartment.left_open", compartment=compartment, active=True)
        await asyncio.sleep(self.seconds(seconds))
        self._door(compartment, "recipient", opened=False, occupied=False)
        self._record("compartment.left_open", compartment=compartment, active=False)

    def forced(self, compartment: str) -> None:
        self.compartments[compartment].open = True
        self._record("compartment.forced", compartment=compartment, active=True)

    def fault(self, compartment: str, *, active: bool = True) -> None:
        self.compartments[compartment].fault = active
        self._record("compartment.faulted", compartment=compartment, active=active)

    def jam(self, compartment: str, *, active: bool = True) -> None:
        """From now on the lock is driven in vain; nobody notices until somebody tries."""
        self.compartments[compartment].jammed = active

    def trouble(self, part: str, *, active: bool = True) -> None:
        """`part`: main_power, lock_board, screen, scanner, network, memory, clock or the maker's own word."""
        self._record("device.trouble", part=part, active=active)

    def tampered(self, *, active: bool = True) -> None:
        self._record("device.tampered", active=active)

    def low_battery(self, *, active: bool = True) -> None:
        self._record("device.low_battery", active=active)

    # The line

    async def _session(self) -> None:
        connection = self.connections + 1
        offline = {"type": "offline", "boot": self.boot, "connection": connection}
        async with connect(
            self._broker,
            client_id=self.device.user,
            user=self.device.user,
            password=self.device.password,
            will=Message(self._topic("up"), _json(offline)),
            will_qos=1,
            keep_alive=60,
        ) as link:
            await link.subscribe(self._topic("down"), 1)
            self._link = link
            try:
                self._say({"type": "hello", "boot": self.boot, "connection": connection, "firmware": "2.4.1-sim",
                           "model": "YH-24", "time": self._time(), "booted": self._booted})  # fmt: skip
                self._up()
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.keep_alive())
                    group.create_task(self._listen(link))
                    group.create_task(self._beat())
                    group.create_task(self._deliver())
            finally:
                if self._stopping:
                    self._say_if_possible(offline)
                self._link = None
                link.close(goodbye=self._stopping)

    async def _beat(self) -> None:
        """The first one on a connection has the whole picture."""
        state = {"state": self._state()}
        while True:
            self._say({"type": "heartbeat", "boot": self.boot, "time": self._time(), **state})
            await asyncio.sleep(self.seconds(self.device.heartbeat))
            state = {}

    def _state(self) -> dict[str, Any]:
        doors = {
            number: {
                "door": "open" if each.open else "closed",
                "occupied": each.parcel is not None,
                "fault": each.fault,
            }
            for number, each in self.compartments.items()
        }
        return {"compartments": doors, "unkept": len(self.memory.waiting)}

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            try:
                self._hear(json.loads(message.payload))
            except (ValueError, KeyError) as error:
                self._grumble(f"can't read what it was told: {error!r}")

    def _hear(self, content: dict[str, Any]) -> None:
        if content["type"] == "kept":
            self._heard_yes(f"boot {content['boot']}", content["number"])
        elif "command" in content:
            self.told.append(content)
            self._obey(content)

    async def _send(self, batch: Sequence[Record[Said]]) -> None:
        now = asyncio.get_running_loop().time()
        for record in batch:
            late = record.body.connection != self.connections or now - record.body.at > 60
            self._say({**record.body.message, **({"backlog": True} if late else {})})

    async def _send_garbage(self) -> None:
        if self._link:
            noise = self.random.choice((b'{"type": "parcel.stored"', b"[]", self.random.randbytes(40)))
            self._link.publish(self._topic("up"), noise, 1)

    def _silence(self, times_sent: int) -> float:
        return WAITS[min(times_sent, len(WAITS)) - 1]

    def _say(self, message: Mapping[str, Any]) -> None:
        if self._link is None:
            raise ConnectionError("no link")
        self._link.publish(self._topic("up"), _json(message), 1)

    def _say_if_possible(self, message: Mapping[str, Any]) -> None:
        try:
            self._say(message)
        except ConnectionError:
            return

    # Commands

    def _obey(self, command: Mapping[str, Any]) -> None:
        """At most once: the id is written down first; the same id again gets its outcome again, or nothing yet."""
        command_id = command["command"]
        if command_id in self._outcomes:
            if outcome := self._outcomes[command_id]:
                self._say(outcome.body.message)
            return
        self._outcomes[command_id] = None
        if self._has_expired(command):
            self._outcome(command_id, "command.failed", "expired")
            return
        task = asyncio.create_task(self._carry_out(command), name=f"{self.device.id} {command['type']}")
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _carry_out(self, command: Mapping[str, Any]) -> None:
        number = str(command.get("compartment", ""))
        compartment = self.compartments.get(number)
        failed, result = "", ""
        match command["type"]:
            case "compartment.open" | "pickup.put" | "pickup.remove" if compartment is None:
                failed = "unknown"
            case "compartment.open" if compartment and compartment.fault:
                failed = "refused"
            case "compartment.open" if compartment and compartment.jammed:
                self._record("compartment.open_failed", compartment=number, active=True)
                failed = "failed"
            case "compartment.open":
                await self._open_remotely(number)
                result = "opened"
            case "pickup.put" if compartment:
                compartment.put_code(command["parcel"], command["code"])
                result = "put"
            case "pickup.remove" if compartment:
                if compartment.hub_parcel == command["parcel"]:
                    compartment.erase_code()
                result = "removed"
            case "device.set_clock":
                set_to = datetime.fromisoformat(command["time"]).astimezone(self.device.time_zone)
                self.clock.set(set_to)
                result = "set"
            case "device.replay":
                self._replay(command["since"], command.get("until"))
                result = "replayed"
            case _:
                failed = "unsupported"
        self._outcome(command["command"], "command.failed" if failed else "command.done", failed or result)

    async def _open_remotely(self, number: str) -> None:
        await asyncio.sleep(self.seconds(0.5))
        occupied = self.compartments[number].parcel is not None
        self._door(number, "staff", opened=True, occupied=occupied)
        task = asyncio.create_task(self._shut_later(number), name=f"{self.device.id} shuts {number}")
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _shut_later(self, number: str) -> None:
        await asyncio.sleep(self.seconds(8))
        self._door(number, "staff", opened=False, occupied=self.compartments[number].parcel is not None)

    def _replay(self, since: str, until: str | None) -> None:
        first = datetime.fromisoformat(since)
        last = datetime.fromisoformat(until) if until else datetime.max.replace(tzinfo=UTC)
        for record in self.memory.acked:
            if first <= datetime.fromisoformat(record.time) <= last:
                self._say_if_possible({**record.body.message, "backlog": True})

    def _has_expired(self, command: Mapping[str, Any]) -> bool:
        """By our own clock, unless that is more than five minutes from the hub's."""
        expires, theirs = (datetime.fromisoformat(command[key]) for key in ("expires", "now"))
        ours = self.clock.now()
        return expires <= (theirs if abs(ours - theirs) > timedelta(minutes=5) else ours)

    def _outcome(self, command_id: str, kind: str, result: str) -> None:
        self._outcomes[command_id] = self._record(kind, command=command_id, result=result)

    # Records

    async def _take_out(self, number: str, by: str, kind: str) -> None:
        compartment = self.compartments[number]
        if compartment.parcel is None:
            raise LookupError(f"nothing lies in {number} of {self.device.id}")
        taken = compartment.parcel.named()
        await self._open_and_shut(number, by, occupied=(True, False))
        compartment.parcel = None
        compartment.erase_code()
        self._record(kind, compartment=number, parcel=taken, by=by)

    async def _open_and_shut(self, number: str, cause: str, *, occupied: tuple[bool, bool]) -> None:
        before, after = occupied
        self._door(number, cause, opened=True, occupied=before)
        await asyncio.sleep(self.seconds(3))
        self._door(number, cause, opened=False, occupied=after)

    def _door(self, number: str, cause: str, *, opened: bool, occupied: bool) -> None:
        self.compartments[number].open = opened
        kind = "compartment.opened" if opened else "compartment.closed"
        self._record(kind, compartment=number, cause=cause, occupied=occupied)

    def _record(self, kind: str, **fields: Any) -> Record[Said]:
        self._number += 1
        time = self._time()
        name = {"type": kind, "boot": self.boot, "number": self._number, "time": time, "booted": self._booted}
        connection = self.connections if self.connected.is_set() else 0
        said = Said({**name, **fields}, connection, asyncio.get_running_loop().time())
        record = Record(f"boot {self.boot}", self._number, time, said)
        self.memory.keep(record)
        return record

    def _free(self, size: str) -> str:
        for number, compartment in self.compartments.items():
            if compartment.size == size and not (compartment.parcel or compartment.fault or compartment.open):
                return number
        raise LookupError(f"{self.device.id} has no free compartment of size {size}")

    def _time(self) -> str:
        return self._written(self.clock.now())

    def _written(self, at: datetime) -> str:
        return at.isoformat(timespec="seconds")

    def _topic(self, way: str) -> str:
        return f"locker/v1/{self.device.site}/{self.device.address}/{way}"


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
