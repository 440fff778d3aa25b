"""A card reader that calls the hub over HTTP: ZKTeco PUSH, the acc dialect (Security PUSH 3.x) and a little att."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import aiohttp

from simulators.building import Device
from simulators.memory import Record
from simulators.simulator import Misbehaviour, Simulator
from simulators.zk_push import (
    CAPABILITIES,
    CARD,
    DURESS,
    EXIT_BUTTON,
    FORCED,
    GRANTED,
    HELD_OPEN,
    IN,
    NEITHER,
    NONE,
    OPTIONS,
    PASSWORD,
    REMOTE_OPEN,
    STARTED,
    TAMPERED,
    UNKNOWN_CARD,
    Door,
    Reply,
    User,
    fields_of,
    pin_of,
    time_of_count,
    transaction,
)


class Reader(Simulator[str]):
    """A record's body is one line of the POST; its kind is the table: rtlog, rtstate or ATTLOG."""

    actions = frozenset(
        {
            "person_passes",
            "somebody_passes", "card_refused", "refused", "exit_button", "door_held_open", "door_forced", "tampered",
            "duress", "restart",
        }
    )  # fmt: skip

    def __init__(
        self,
        device: Device,
        server: str,
        *,
        users: Mapping[str, User] | None = None,
        double_path: bool = False,
        seed: int = 0,
        speed: float = 1.0,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        """`server` is what was typed into the device: http://host:port. With `double_path` somebody typed /iclock
        behind it. `users` are known from the start, by Pin."""
        super().__init__(device, seed=seed, speed=speed, misbehaviour=misbehaviour)
        self.users = dict(users or {})
        self.told: list[tuple[str, str]] = []
        """every command that a poll carried away: its id and its text"""
        self.opened_remotely = 0
        self._base = f"{server}/iclock{'/iclock' if double_path else ''}"
        self._numbers = {"rtlog": 0, "rtstate": 0, "ATTLOG": 0}
        self._registered = False
        self._settings = {"RequestDelay": 5.0, "ErrorDelay": 10.0}
        self._door = Door()
        self._moves: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    # What happens at the reader

    def person_passes(self, person: str) -> None:
        """Somebody known holds the card before the reader, walks in, and the door falls shut. Raises LookupError
        for one who isn't in the device."""
        pin = pin_of(person)
        if pin not in self.users:
            raise LookupError(f"{pin} isn't in the list of {self.device.id}")
        self._log(GRANTED, pin=pin, card=self.users[pin].card, verify=CARD, way=IN)
        self._move(self._open_and_shut(3))

    def somebody_passes(self) -> None:
        """One of those it knows, drawn by lot."""
        self.person_passes(self.random.choice(sorted(self.users)))

    def card_refused(self, card: str) -> None:
        """A card that nobody has."""
        self._log(UNKNOWN_CARD, card=card, verify=CARD, way=IN)

    def refused(self, person: str, code: int) -> None:
        """Somebody known is refused; `code` is the device's: 22 not now, 23 denied, 24 passback, 29 expired."""
        pin = pin_of(person)
        self._log(code, pin=pin, card=self.users.get(pin, User()).card, verify=CARD, way=IN)

    def exit_button(self) -> None:
        self._log(EXIT_BUTTON)
        self._move(self._open_and_shut(3))

    def door_held_open(self, seconds: float = 20.0) -> None:
        """The door doesn't fall shut; the device says so at once, and that it is shut after `seconds`."""
        self._move(self._hold_open(seconds))

    def door_forced(self) -> None:
        """Opened though nobody was let in. It stays open until the next passage."""
        self._door.open, self._door.alarm = True, 1
        self._log(FORCED)
        self._state()

    def tampered(self) -> None:
        self._door.alarm |= 2
        self._log(TAMPERED)
        self._state()

    def duress(self, person: str) -> None:
        """Somebody opens with the password that means: I am forced to."""
        self._log(DURESS, pin=pin_of(person), verify=PASSWORD, way=IN)
        self._move(self._open_and_shut(3))

    def restart(self, seconds: float = 5.0) -> None:
        """The power goes and comes back: it announces itself as on the first day, and logs the start."""
        self._registered = False
        self.outage(seconds)
        self._log(STARTED)

    # The line

    async def _session(self) -> None:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=self.device.source),
            headers={
                "User-Agent": "iClock Proxy/1.09",
                "Accept": "application/push",
                "Accept-Charset": "UTF-8",
                "Accept-Language": "zh-CN",
            },
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=15),
        ) as http:
            self._http = http
            try:
                # once known it doesn't announce itself again, though the line or the server was away
                while not self._registered:
                    self._registered = await self._register()
                    if not self._registered:
                        await asyncio.sleep(self.seconds(self.random.uniform(13, 16)))
                await self._poll()
                self._up()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._keep_polling())
                    group.create_task(self._deliver())
            finally:
                self._http = None

    def _take_settings(self, text: str) -> None:
        for name, value in re.findall(r"(\w+)=(\d+)", text):
            if name in self._settings:
                self._settings[name] = max(1.0, float(value))

    async def _register(self) -> bool:
        if self.device.dialect == "att":
            reply = await self._call("GET", "cdata", {"options": "all", "language": "83", "pushver": "2.4.1"})
            known = reply.text.startswith("GET OPTION FROM:")
        else:
            about = {"options": "all", "pushver": "3.1.2", "DeviceType": "acc", "PushOptionsFlag": "1"}
            reply = await self._call("GET", "cdata", about)
            known = "registry=ok" in reply.text
            if not known and reply.status == 200:
                reply = await self._call("POST", "registry", body=CAPABILITIES)
                known = "RegistryCode=" in reply.text
                if known:
                    reply = await self._call("POST", "push", body="")
                    await self._call("POST", "cdata", {"table": "options"}, OPTIONS)
        if known and reply.status == 200:
            self._take_settings(reply.text)
            return True
        self._grumble(f"not accepted, status {reply.status}")
        return False

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(self.seconds(self._settings["RequestDelay"]))
            await self._poll()

    async def _poll(self) -> None:
        """Ask for commands, carry out what comes, report each."""
        reply = await self._call("GET", "getrequest")
        for command_id, command in re.findall(r"^C:([^:]+):(.+?)\r?$", reply.text, flags=re.MULTILINE):
            self.told.append((command_id, command))
            result = await self._execute(command_id, command)
            name = " ".join(itertools.takewhile(lambda word: word.isupper() and word.isalpha(), command.split()))
            await self._call("POST", "devicecmd", body=f"ID={command_id}&Return={result}&CMD={name}")

    async def _send(self, batch: Sequence[Record[str]]) -> None:
        for table, group in itertools.groupby(batch, key=lambda record: record.kind):
            records = list(group)
            more = {"Stamp": "9999"} if table == "ATTLOG" else {}
            lines = "\r\n".join(record.body for record in records) + "\r\n"
            reply = await self._call("POST", "cdata", {"table": table, **more}, lines)
            if reply.is_yes:
                for record in records:
                    self._heard_yes(record.kind, record.number)

    async def _send_garbage(self) -> None:
        noise = self.random.randbytes(30).decode("latin-1")
        await self._call(
            "POST", "cdata", {"table": "rtlog"}, self.random.choice((noise, "time=yesterday\tevent=", "\t="))
        )

    def _silence(self, times_sent: int) -> float:
        return self._settings["ErrorDelay"]

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: str | None = None
    ) -> Reply:
        """Raises ConnectionError where no answer comes."""
        if self._http is None:
            raise ConnectionError("no line")
        url = f"{self._base}/{path}?{urlencode({'SN': self.device.address, **(query or {})})}"
        raw = None if body is None else body.encode()
        headers = (
            {"Content-Type": "application/push;charset=UTF-8", "Content-Length": str(len(raw))}
            if raw is not None
            else {}
        )
        try:
            async with self._http.request(method, url, headers=headers, data=self._pieces(raw)) as response:
                return Reply(response.status, await response.text(errors="replace"))
        except aiohttp.ClientError as error:
            raise ConnectionError(str(error)) from error

    def _pieces(self, raw: bytes | None) -> bytes | AsyncIterator[bytes] | None:
        return _in_pieces(raw) if raw and self.misbehaviour.split else raw

    # Commands

    async def _execute(self, command_id: str, command: str) -> int:
        """Do it; the result is what the device reports as Return: 0 for done, a count for a query."""
        match command.split(maxsplit=2):
            case ["DATA", "UPDATE", rest] if rest.startswith(("user\t", "user ", "USERINFO")):
                user = fields_of(rest)
                self.users[user.get("Pin") or user.get("PIN", "")] = User(user.get("Name", ""), user.get("CardNo", ""))
                return 0
            case ["DATA", "DELETE", rest] if rest.startswith(("user\t", "user ", "USERINFO")):
                user = fields_of(rest)
                self.users.pop(user.get("Pin") or user.get("PIN", ""), None)
                return 0
            case ["DATA", "UPDATE" | "DELETE", _]:
                return 0
            case ["DATA", "QUERY", rest] if "tablename=user," in rest:
                lines = [f"uid={n}\tcardno={u.card}\tpin={p}\tname={u.name}" for n, (p, u) in self._numbered_users()]
                return await self._answer_query(command_id, "user", lines)
            case ["DATA", "QUERY", rest] if "tablename=transaction," in rest:
                past = [record for record in self.memory.acked if record.kind == "rtlog"]
                return await self._answer_query(command_id, "transaction", [transaction(r.body) for r in past])
            case ["CONTROL", "DEVICE", operand]:
                return self._control(operand.strip())
            case ["SET", "OPTIONS", option] if option.startswith("DateTime="):
                return self._set_clock(option.removeprefix("DateTime="))
            case ["SET", "OPTIONS", _] | ["INFO" | "CHECK" | "REBOOT" | "AC_UNLOCK", *_]:
                return 0
            case _:
                return -1002

    def _numbered_users(self) -> list[tuple[int, tuple[str, User]]]:
        return list(enumerate(self.users.items(), start=1))

    async def _answer_query(self, command_id: str, table: str, lines: Sequence[str]) -> int:
        """Upload a table; the server has to answer with its name and count, or a real device would never stop."""
        about = {
            "type": "tabledata",
            "cmdid": command_id,
            "tablename": table,
            "count": str(len(lines)),
            "packcnt": "1",
            "packidx": "1",
        }
        reply = await self._call("POST", "querydata", about, "".join(f"{table} {line}\r\n" for line in lines))
        if reply.text.strip() != f"{table}={len(lines)}":
            self._grumble(f"a real device would now upload its table {table} for ever")
        return len(lines)

    def _control(self, operand: str) -> int:
        """Operand: 01, door, 01 for the lock, seconds; 02 cancels alarms; 03 restarts."""
        match [operand[at : at + 2] for at in range(0, len(operand), 2)]:
            case ["01", door, "01", seconds, *_] if int(door, 16) and int(seconds, 16):
                self.opened_remotely += 1
                self._log(REMOTE_OPEN)
                self._move(self._open_and_shut(int(seconds, 16)))
                return 0
            case ["02", *_]:
                self._door.alarm = 0
                self._state()
                return 0
            case ["03", *_]:
                self.restart()
                return 0
            case _:
                return -13

    def _set_clock(self, value: str) -> int:
        """Local time, written out or in the device's count of seconds with 31 days in every month."""
        try:
            self.clock.set(time_of_count(int(value)) if value.isdigit() else datetime.fromisoformat(value))
        except ValueError:
            return -1
        return 0

    # Records

    def _log(self, event: int, *, pin: str = "0", card: str = "0", verify: int = NONE, way: int = NEITHER) -> None:
        if self.device.dialect == "att":
            if event < 20 and pin != "0":
                self._keep("ATTLOG", lambda number, time: f"{pin}\t{time}\t{way}\t{verify}\t0\t0\t0")
            return
        self._keep(
            "rtlog",
            lambda number, time: (
                f"time={time}\tpin={pin}\tcardno={card or 0}\teventaddr=1\tevent={event}\tinoutstatus={way}"
                f"\tverifytype={verify}\tindex={number}\tsitecode=0\tlinkid=0\tmaskflag=0\ttemperature=0\tconvtemperature=0"
            ),
        )

    def _state(self) -> None:
        if self.device.dialect == "att":
            return
        sensor, relay = ("02" if self._door.open else "01"), ("01" if self._door.relay else "00")
        alarm = f"{self._door.alarm:02x}" + "00" * 7
        self._keep(
            "rtstate", lambda number, time: f"time={time}\tsensor={sensor}\trelay={relay}\talarm={alarm}\tdoor=01"
        )

    def _keep(self, table: str, line: Callable[[int, str], str]) -> None:
        self._numbers[table] += 1
        number, time = self._numbers[table], self.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        self.memory.keep(Record(table, number, time, line(number, time)))

    # The door

    def _move(self, movement: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(movement, name=f"{self.device.id} door")
        self._moves.add(task)
        task.add_done_callback(self._moves.discard)

    async def _open_and_shut(self, seconds: float) -> None:
        self._door = Door(open=True, relay=True)
        self._state()
        await asyncio.sleep(self.seconds(seconds))
        self._door = Door()
        self._state()

    async def _hold_open(self, seconds: float) -> None:
        self._door.open = True
        self._log(HELD_OPEN)
        self._state()
        await asyncio.sleep(self.seconds(seconds))
        self._door.open = False
        self._state()


async def _in_pieces(raw: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), 11):
        yield raw[at : at + 11]
        await asyncio.sleep(0.002)  # a segment of its own
