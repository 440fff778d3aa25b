"""Fire-alarm panels through their user information transmission device (用户信息传输装置): GB/T 26875.3-2011."""

from datetime import timedelta

from hub.adapters.gbt26875.codec import Options, address, decode, encode
from hub.adapters.gbt26875.framing import refuse, split
from hub.core.adapter import Adapter, Tcp

ADAPTER = Adapter(
    name="gbt26875",
    transport=Tcp(split=split, default_port=5200, refuse=refuse),
    address=address,
    decode=decode,
    encode=encode,
    commands=frozenset({"panel.duty_check", "device.set_clock"}),
    lane="life",
    options=Options,
    keeps="window",
    heartbeat=timedelta(seconds=30),
)
