"""Bytes in and out, written once for all protocols; a transport knows no device.

Each hands frames to `Receive` in the order they came, and sends the reply, once it is due, on the connection that the
frame came on; a reply to a connection that is gone is dropped, for an ack belongs to its connection.
"""

import asyncio
from collections.abc import Awaitable, Callable

from hub.core.adapter import Adapter, Frame, Outgoing

Receive = Callable[[Adapter, Frame, int], asyncio.Future[Outgoing | None]]
"""(adapter, frame, connection) → the reply, done when everything the frame says is on disk; None where the device gets
none. Raises nothing; the future fails with SpoolAway when the frame couldn't be kept, and then the device must hear no
yes."""
Junk = Callable[[Adapter, Frame, int, str], asyncio.Future[bool]]
"""(adapter, the bytes, connection, reason): a stretch of a stream that is no frame. True once it is kept for a declared
device, which may then hear the protocol's no."""
LetsFall = Callable[[Adapter, Frame, int], bool]
"""(adapter, frame, connection): whether its device says too much, and this is to be dropped unread; counted there."""
Room = Callable[[Adapter, Frame, int], Awaitable[None]]
"""(adapter, a frame without its payload, connection): done once its sender may be read from."""


def plain_address(address: object) -> str:
    """A network address as building.toml writes it: an IPv4 one that came over an IPv6 socket without its prefix,
    a link-local one without its zone."""
    return str(address or "").removeprefix("::ffff:").partition("%")[0]
