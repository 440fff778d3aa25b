"""What the hub answers, in the plain text that readers ask for; an answer in JSON makes them send again for ever."""

import hashlib

from hub.adapters.zkteco_push.fields import seconds_of
from hub.adapters.zkteco_push.options import options_of
from hub.core.adapter import DeviceContext, Frame, Outgoing
from hub.core.text import clean

POLL_SECONDS = 5
PROTOCOL = "3.0.1"
"""reader and hub speak the lower of their versions: from 3.1.1 on, a reader may want to exchange keys"""


def text(body: str) -> Outgoing:
    return Outgoing(body.encode())


OK = text("OK")


def options(device: DeviceContext, query: dict[str, str], frame: Frame) -> Outgoing:
    """The answer to `GET cdata?options=all`, in the dialect that the device is declared with and asks for."""
    if options_of(device).dialect == "acc" and _asks_registration(query):
        return text("\n".join(["registry=ok", registry_code(device), *_acc_options(device)]) + "\n")
    return text("\n".join(_att_options(device, frame)) + "\n")


def registration(device: DeviceContext) -> Outgoing:
    return text(registry_code(device) + "\n")


def acc_options(device: DeviceContext) -> Outgoing:
    return text("\n".join(_acc_options(device)) + "\n")


def clock(device: DeviceContext, frame: Frame) -> Outgoing:
    """`DateTime=…,ServerTZ=+0800`: Greenwich time in ZKTeco's seconds, and the zone of the device's wall clock."""
    return text(f"DateTime={seconds_of(frame.received)},ServerTZ={frame.received.astimezone(device.time_zone):%z}")


def registry_code(device: DeviceContext) -> str:
    return f"RegistryCode={_derived('registry', device)}"


def _asks_registration(query: dict[str, str]) -> bool:
    return (
        query.get("devicetype", "").lower() == "acc"
        or "pushoptionsflag" in query
        or query.get("pushver", "").startswith("3")
    )


def _acc_options(device: DeviceContext) -> list[str]:
    return [
        f"ServerVersion={PROTOCOL}",
        "ServerName=hub",
        f"PushProtVer={PROTOCOL}",
        "ErrorDelay=30",
        f"RequestDelay={POLL_SECONDS}",
        "TransTimes=00:00;14:00",
        "TransInterval=1",
        "TransTables=User Transaction",
        "Realtime=1",
        f"SessionID={_derived('session', device)}",
        "TimeoutSec=10",
    ]


def _att_options(device: DeviceContext, frame: Frame) -> list[str]:
    # A stamp other than 0 only says "don't send all again": the reader itself knows what was answered.
    return [
        f"GET OPTION FROM: {clean(device.address, 64)}",
        "Stamp=9999",
        "OpStamp=9999",
        "ATTLOGStamp=9999",
        "OPERLOGStamp=9999",
        "ATTPHOTOStamp=9999",
        "ErrorDelay=30",
        f"Delay={POLL_SECONDS}",
        "TransTimes=00:00;14:05",
        "TransInterval=1",
        "TransFlag=TransData AttLog\tOpLog",  # no pictures, no templates
        f"TimeZone={_att_zone(device, frame)}",
        "Realtime=1",
        "Encrypt=None",
    ]


def _att_zone(device: DeviceContext, frame: Frame) -> int:
    """Hours, or minutes where the zone isn't a whole number of hours (or 12 and more, which would read as minutes)."""
    offset = frame.received.astimezone(device.time_zone).utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    return minutes // 60 if minutes % 60 == 0 and abs(minutes) < 12 * 60 else minutes


def _derived(what: str, device: DeviceContext) -> str:
    """32 characters that are the same after a restart: the reader makes its session's token of them."""
    return hashlib.sha256(f"{what}\n{device.site}\n{device.address}".encode()).hexdigest()[:32]
