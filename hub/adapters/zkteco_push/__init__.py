"""ZKTeco PUSH (ADMS) over HTTP: card readers and terminals that call us, in the acc and the att dialect."""

from datetime import timedelta

from hub.adapters.zkteco_push.codec import address, decode
from hub.adapters.zkteco_push.commands import COMMANDS, encode
from hub.adapters.zkteco_push.options import Options
from hub.core.adapter import Adapter, Http

ADAPTER = Adapter(
    name="zkteco_push",
    transport=Http(prefix="/iclock"),
    address=address,
    decode=decode,
    encode=encode,
    commands=COMMANDS,
    options=Options,
    heartbeat=timedelta(seconds=10),
)
