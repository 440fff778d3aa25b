"""Bytes in and out, written once for all protocols; a transport knows no device.

Each hands frames to `Receive` in the order they came, and sends the reply, once it is due, on the connection that the
frame came on; a reply to a connection that is gone is dropped, for an ack belongs to its connection.
"""

import asyncio
from collections.abc import Callable

from hub.core.adapter import Adapter, Frame, Outgoing

Receive = Callable[[Adapter, Frame, int], asyncio.Future[Outgoing | None]]
"""(adapter, frame, connection) → the reply, done when everything the frame says is on disk. Raises nothing; the future
fails when the frame couldn't be kept, and then the device must hear no yes."""
Junk = Callable[[Adapter, Frame, int, str], asyncio.Future[Outgoing | None]]
"""(adapter, the bytes, connection, reason): a stretch of a stream that is no frame"""
