"""The words of ZKTeco's PUSH: event codes, tables, times, as a device writes and reads them."""

import re
from dataclasses import dataclass
from datetime import datetime

CARD, FACE, PASSWORD, NONE = 4, 15, 0, 200
"""verifytype"""
IN, OUT, NEITHER = 0, 1, 2
"""inoutstatus"""
GRANTED, REMOTE_OPEN, UNKNOWN_CARD, HELD_OPEN, TAMPERED, DURESS, FORCED, EXIT_BUTTON, STARTED = (
    0, 8, 27, 28, 100, 101, 102, 202, 206,
)  # fmt: skip
"""event codes"""
CAPABILITIES = (
    "DeviceType=acc,~DeviceName=YH-Reader,FirmVer=YH10-Ver1.2.3,PushVersion=Ver 3.1.2S,CommType=ethernet,"
    "MaxPackageSize=2048000,LockCount=1,ReaderCount=2,AuxInCount=1,AuxOutCount=0,MachineType=101,~MaxUserCount=60,"
    "NetMask=255.255.255.0,IclockSvrFun=1,SimpleEventType=1,LogIDFunOn=1,DateFmtFunOn=0"
)
OPTIONS = "~DeviceName=YH-Reader,TransactionCount=0,UserCount=0,FWVersion=YH10-Ver1.2.3,PushVersion=Ver 3.1.2S"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str

    @property
    def is_yes(self) -> bool:
        """JSON, a page, anything but OK is a failure to the device, whatever the status."""
        return self.status == 200 and re.fullmatch(r"OK(:\s*\d+)?", self.text.strip()) is not None


@dataclass
class Door:
    """`alarm` has bit 0 for forced open, bit 1 for tampered."""

    open: bool = False
    relay: bool = False
    alarm: int = 0


@dataclass
class User:
    name: str = ""
    card: str = ""


def pin_of(person: str) -> str:
    """A person's id as a reader can hold it: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", person)


def fields_of(line: str) -> dict[str, str]:
    """`user Pin=7⇥Name=…` as a dictionary; the table's name may stand before a tab or a space."""
    _, _, rest = line.replace("\t", " ", 1).partition(" ")
    return dict(part.split("=", 1) for part in rest.split("\t") if "=" in part)


def transaction(rtlog: str) -> str:
    """A record as the table `transaction` has it: other names for the same, and the time as a count."""
    of = dict(part.split("=", 1) for part in rtlog.split("\t"))
    wall = datetime.fromisoformat(of["time"])
    days = ((wall.year - 2000) * 12 + wall.month - 1) * 31 + wall.day - 1
    count = ((days * 24 + wall.hour) * 60 + wall.minute) * 60 + wall.second
    return (
        f"cardno={of['cardno']}\tpin={of['pin']}\tverified={of['verifytype']}\tdoorid={of['eventaddr']}"
        f"\teventtype={of['event']}\tinoutstate={of['inoutstatus']}\ttime_second={count}\tindex={of['index']}"
    )


def time_of_count(seconds: int) -> datetime:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    months, day = divmod(days, 31)
    year, month = divmod(months, 12)
    return datetime(2000 + year, month + 1, day + 1, hour, minute, second)  # noqa: DTZ001  # the wire has no zone
