"""Notifiers are found by name; the desk needs nothing sent."""

from collections.abc import Callable

from hub.core.notifier import Message, Sent
from hub.notifiers import load_notifiers


def test_the_three_channels_are_found_by_their_names() -> None:
    found = load_notifiers()
    assert {"desk", "smtp", "webhook"} <= found.keys()
    assert all(name == notifier.name for name, notifier in found.items())


async def test_the_desk_shows_a_notice_itself(notice: Callable[..., Message]) -> None:
    assert await load_notifiers()["desk"].channel({})(notice(to="")) == Sent("desk")
