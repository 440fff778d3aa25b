"""The hub's own topics, put together and taken apart again."""

import pytest

from hub.bus import topics
from hub.bus.topics import HubTopic, matches, parse


def test_what_is_put_together_is_taken_apart() -> None:
    assert parse(topics.events("b1", "life", "panel-1")) == HubTopic("b1", "events", "panel-1", "life")
    assert parse(topics.commands("b1", "gate-1")) == HubTopic("b1", "commands", "gate-1")
    assert parse(topics.receipts("b1", "hub-1")) == HubTopic("b1", "receipts", "hub-1")
    assert parse(topics.device_status("b1", "gate-1")) == HubTopic("b1", "devices", "gate-1")
    assert parse(topics.host_status("b1", "hub-1")) == HubTopic("b1", "hosts", "hub-1")


@pytest.mark.parametrize("topic", ["", "hub/v1", "hub/v2/b1/hosts/x", "hub/v1/b1/hosts/x/y", "hub/v1/b1/other/x"])
def test_others_are_none_of_ours(topic: str) -> None:
    assert parse(topic) is None


@pytest.mark.parametrize(
    ("pattern", "topic", "falls_under"),
    [
        ("a/+/c", "a/b/c", True), ("a/+/c", "a/b/d", False), ("a/+", "a/b/c", False), ("a/#", "a/b/c", True),
        ("a/#", "a", True), ("a/+", "a", False), ("#", "a/b", True), ("a/b", "a/b", True), ("a/b/c", "a/b", False),
    ],
)  # fmt: skip
def test_a_topic_falls_under_a_subscription(pattern: str, topic: str, falls_under: bool) -> None:
    assert matches(pattern, topic) is falls_under
