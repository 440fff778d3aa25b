"""What happened, and what was told of it: events and notices."""

from hub.console.acts import note
from hub.console.api.asks import EventFilter, Nothing, NoticeFilter
from hub.console.api.models import EventList, EventRecord, Notice, NoticeList, NoticeRevealed
from hub.console.api.route import Call, NotFound
from hub.console.desk import Desk
from hub.console.letters import letter
from hub.core import records as core
from hub.store import audit, events, outbox
from hub.store.database import Priority, Transaction


async def event_listing(call: Call[EventFilter, Nothing]) -> EventList:
    """Events, the last committed first."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: events.listing(
            tx,
            desk.site,
            types=asked.type,
            device=asked.device,
            lane=asked.lane,
            since=asked.since,
            until=asked.until,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return EventList(items=tuple(EventRecord.of(stored) for stored in page.items), next=page.next, total=page.total)


async def event(call: Call[Nothing, Nothing]) -> EventRecord:
    """One event."""
    desk = call.desk
    found = await desk.store.read(lambda tx: events.get(tx, desk.site, call.id))
    if found is None:
        raise NotFound
    return EventRecord.of(found)


async def notice_listing(call: Call[NoticeFilter, Nothing]) -> NoticeList:
    """Notices to people and posts, with their state."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: outbox.notice_listing(
            tx,
            desk.site,
            state=asked.state,
            channel=asked.channel,
            record=asked.record,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return NoticeList(items=tuple(Notice.of(one) for one in page.items), next=page.next, total=page.total)


async def notice(call: Call[Nothing, Nothing]) -> Notice:
    """One notice, by its key (with its slashes)."""
    return Notice.of(await _notice(call.desk, call.path["key"]))


async def reveal_notice(call: Call[Nothing, Nothing]) -> NoticeRevealed:
    """To whom it goes and its words, as its reader gets it. It is written to the audit log first."""
    found = await _notice(call.desk, call.path["key"])
    await note(call.desk, call.signed, name="notice.reveal", target=found.key)
    title, text = letter(found, call.desk.building)
    return NoticeRevealed(key=found.key, to=found.to, title=title, text=text)


async def send_again(call: Call[Nothing, Nothing]) -> Notice:
    """Send a notice once more, under the same key. One that still waits is tried at once."""
    desk, signed, key = call.desk, call.signed, call.path["key"]

    def work(tx: Transaction) -> None:
        if not outbox.send_again(tx, desk.site, key):
            raise NotFound
        audit.add(tx, desk.site, desk.clock(), signed.name, signed.post, "notice.again", key)

    await desk.store.write(Priority.PERSON, work)
    return Notice.of(await _notice(desk, key))


async def _notice(desk: Desk, key: str) -> core.Notice:
    found = await desk.store.read(lambda tx: outbox.get_notice(tx, desk.site, key))
    if found is None:
        raise NotFound
    return found
