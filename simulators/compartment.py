"""What a parcel locker is made of: doors with a parcel and a code behind them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Parcel:
    tracking: str
    carrier: str
    recipient: Mapping[str, str]

    def named(self) -> dict[str, str]:
        return {"tracking": self.tracking, "carrier": self.carrier}


class Compartment:
    """One door, and what lies behind it. `code` is "" where none was put."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.open = False
        self.fault = False
        self.jammed = False
        self.parcel: Parcel | None = None
        self.hub_parcel = ""
        self.code = ""
        self.code_put = asyncio.Event()

    def put_code(self, hub_parcel: str, code: str) -> None:
        self.hub_parcel, self.code = hub_parcel, code
        self.code_put.set()

    def erase_code(self) -> None:
        self.hub_parcel, self.code = "", ""
        self.code_put.clear()
