"""States told again and again are kept once; but only what stands on disk holds a repeat back."""

from datetime import UTC, datetime
from typing import Any

from hub.core.access_events import DoorClosed, DoorMoved, DoorOpened
from hub.core.adapter import DeviceContext, Frame
from hub.core.events import Event
from hub.core.fire_events import FireAlarm, FireCondition, FireNormal, FirePoint
from hub.host.news import News

AT = datetime(2026, 4, 10, tzinfo=UTC)
READER = DeviceContext("b1", "reader-1", "reader-1", UTC)


def event(event_class: Any, data: Any, *, record: str = "1", snapshot: bool = False) -> Event:
    made: Event = READER.event(
        event_class,
        data,
        frame=Frame(b"", AT),
        record=record,
        subject="door/1",
        delivery="snapshot" if snapshot else "live",
    )
    return made


def opened(*, snapshot: bool = True) -> Event:
    return event(DoorOpened, DoorMoved(door="1"), snapshot=snapshot)


def closed() -> Event:
    return event(DoorClosed, DoorMoved(door="1"), snapshot=True)


def test_a_state_said_again_is_no_news_once_it_is_kept() -> None:
    news = News()
    assert news.is_news(opened())
    news.kept([opened()])
    assert not news.is_news(opened())
    assert news.is_news(opened(snapshot=False)), "what happened is always news"


def test_a_state_that_never_reached_the_disk_holds_nothing_back() -> None:
    news = News()
    assert news.is_news(opened())
    assert news.is_news(opened()), "the first one is still on its way, or failed"
    news.kept([opened()])
    assert not news.is_news(opened())


def test_the_opposite_makes_it_news_again() -> None:
    news = News()
    for state in (opened(), closed()):
        assert news.is_news(state)
        news.kept([state])
    assert news.is_news(opened())


def test_a_condition_of_life_that_is_active_is_always_news() -> None:
    news = News()
    fire = event(FireAlarm, FireCondition(active=True, zone="1", point="2"), snapshot=True)
    for _ in range(3):
        assert news.is_news(fire)
        news.kept([fire])


def test_a_quiet_point_is_said_once_until_something_happens_there() -> None:
    news = News()
    quiet = event(FireNormal, FirePoint(zone="1", point="2"))
    assert news.is_news(quiet)
    news.kept([quiet])
    assert not news.is_news(quiet)
    news.is_news(event(FireAlarm, FireCondition(active=True, zone="1", point="2")))
    assert news.is_news(quiet)
