"""The desk itself: its console shows the notice, so there is nothing to send."""

from hub.core.notifier import ChannelSettings, Message, Notifier, Sent


async def send(message: Message, settings: ChannelSettings) -> Sent:
    return Sent("desk")


NOTIFIER = Notifier("desk", ChannelSettings, send)
