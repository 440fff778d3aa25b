"""Dispatch: a notice is tried again under its own key until it went or is given up; a command is offered to its host
until the host has it, and to nobody after its time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub import dispatch as dispatch_module
from hub.bus.client import BrokerAddress
from hub.bus.mosquitto import free_port
from hub.core.notifier import Message, NotSent, Sent
from hub.core.records import CommandState, Notice
from hub.dispatch import RETRIES, Dispatch
from hub.store import outbox
from hub.store.database import Priority, Store, StoreAway
from hub.store.sealing import Keys
from tests.disk import until
from tests.live_broker import Ear, LiveBroker
from tests.store.examples import BUILDING, SITE, T, command, notice


class Post:
    """A channel that answers as it is told, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Message] = []
        self.answer: Callable[[], Sent | NotSent] = Sent

    async def __call__(self, message: Message) -> Sent | NotSent:
        self.given.append(message)
        return self.answer()


class Sender:
    def __init__(self, store: Store, broker: BrokerAddress | None = None) -> None:
        self.store = store
        self.now = T
        self.post = Post()
        self.commands: list[str] = []
        self.dispatch = Dispatch(
            BUILDING,
            store,
            broker or BrokerAddress("127.0.0.1", free_port()),
            {"smtp": self.post},
            None if broker else lambda payload: self.commands.append(json.loads(payload)["id"]),
            lambda: self.now,
        )

    async def put(self, *notices: Notice) -> None:
        await self.store.write(Priority.PERSON, lambda tx: outbox.add_notices(tx, notices))

    async def notice(self, key: str = "pickup/k1") -> Notice:
        found = await self.store.read(lambda tx: outbox.get_notice(tx, SITE, key))
        assert found is not None
        return found

    async def becomes(self, state: str, key: str = "pickup/k1") -> Notice:
        async with asyncio.timeout(5):
            while (found := await self.notice(key)).state != state:
                await asyncio.sleep(0.01)
        return found

    async def attempted(self, times: int) -> Notice:
        async with asyncio.timeout(5):
            while (found := await self.notice()).attempts < times:
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'hub.db'}", Keys.load_or_create(tmp_path))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_module, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(dispatch_module, "OFFER_AGAIN", 0.1)


@pytest.fixture
async def sender(store: Store) -> AsyncIterator[Sender]:
    made = Sender(store)
    task = asyncio.create_task(made.dispatch.run())
    yield made
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError), results[0]


# notices


async def test_a_notice_goes_out_once_in_its_words(sender: Sender) -> None:
    await sender.put(notice())
    sent = await sender.becomes("sent")
    await asyncio.sleep(0.1)
    assert (sent.attempts, sent.sent_at, len(sender.post.given)) == (1, T, 1)
    message = sender.post.given[0]
    assert (message.key, message.to, message.site) == ("pickup/k1", "qinghe@mail.example", SITE)
    assert "904417" in message.text


async def test_it_is_tried_again_under_the_same_key_ever_later_and_given_up(sender: Sender) -> None:
    sender.post.answer = lambda: NotSent(retry=True, reason="no_connection")
    await sender.put(notice())
    for attempt, seconds in enumerate(RETRIES, start=1):
        found = await sender.attempted(attempt)
        assert (found.state, found.error) == ("queued", "no_connection")
        assert found.next_at == sender.now + timedelta(seconds=seconds)
        assert len(sender.post.given) == attempt
        sender.now += timedelta(seconds=seconds)
    given_up = await sender.becomes("failed")
    assert given_up.attempts == len(RETRIES) + 1
    assert {message.key for message in sender.post.given} == {"pickup/k1"}


async def test_what_no_further_try_would_help_is_given_up_at_once(sender: Sender) -> None:
    sender.post.answer = lambda: NotSent(retry=False, reason="bad_address")
    await sender.put(notice())
    assert (await sender.becomes("failed")).error == "bad_address"


async def test_a_channel_that_nobody_configured_is_said(sender: Sender) -> None:
    await sender.put(notice(channel="webhook"))
    assert (await sender.becomes("failed")).error == "channel_not_configured"


async def test_one_that_fails_does_not_hold_up_the_others(sender: Sender) -> None:
    def fail() -> Sent:
        raise RuntimeError("欧阳青禾")

    sender.post.answer = fail
    await sender.put(notice(), notice("odd", template="no-such-template"))
    assert (await sender.attempted(1)).error == "channel_failed"
    sender.post.answer = Sent
    await sender.put(notice("next"))
    await sender.becomes("sent", "next")


async def test_sent_while_the_store_is_away_it_is_not_sent_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store.write
    away = True

    async def refuse(store: Store, priority: Priority, work: Callable[..., object]) -> object:
        if away and priority is Priority.DISPATCH and sender.post.given:
            raise StoreAway("full")
        return await write(store, priority, work)

    monkeypatch.setattr(Store, "write", refuse)
    await sender.put(notice())
    await until(lambda: sender.post.given)
    await asyncio.sleep(0.2)
    away = False
    await sender.becomes("sent")
    assert len(sender.post.given) == 1


async def test_what_became_of_many_is_written_together(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Store.write
    commits = 0

    async def count(store: Store, priority: Priority, work: Callable[..., object]) -> object:
        nonlocal commits
        commits += priority is Priority.DISPATCH and bool(sender.post.given)
        return await write(store, priority, work)

    monkeypatch.setattr(Store, "write", count)
    names = [f"k{number}" for number in range(40)]
    await sender.put(*(notice(name) for name in names))
    for name in names:
        await sender.becomes("sent", name)
    assert len(sender.post.given) == 40
    assert commits < 30


# commands


async def state_of(store: Store, identity: str) -> CommandState:
    found = await store.read(lambda tx: outbox.get_command(tx, SITE, identity))
    assert found is not None
    return found.state


async def test_a_command_is_offered_until_its_host_has_it(sender: Sender) -> None:
    record = command()
    identity = str(record.command.id)
    await sender.store.write(Priority.PERSON, lambda tx: outbox.add_commands(tx, [record]))
    await until(lambda: len(sender.commands) >= 3)
    await sender.store.write(Priority.PERSON, lambda tx: outbox.command_kept(tx, [identity]))
    await asyncio.sleep(0.05)
    offered = len(sender.commands)
    await asyncio.sleep(0.3)
    assert len(sender.commands) <= offered + 1
    assert set(sender.commands) == {identity}


async def test_after_its_time_it_is_offered_to_nobody(sender: Sender) -> None:
    record = command()
    record = replace(record, command=record.command.model_copy(update={"expires": T}))
    await sender.store.write(Priority.PERSON, lambda tx: outbox.add_commands(tx, [record]))
    async with asyncio.timeout(5):
        while await state_of(sender.store, str(record.command.id)) != "expired":
            await asyncio.sleep(0.01)
    assert sender.commands == []


async def test_a_slow_channel_holds_no_command_up(sender: Sender) -> None:
    class Slow(Post):
        async def __call__(self, message: Message) -> Sent | NotSent:
            self.given.append(message)
            await asyncio.sleep(60)
            return Sent()

    slow = sender.dispatch._channels["smtp"] = Slow()  # type: ignore[index]
    await sender.put(notice())
    await until(lambda: slow.given)
    await sender.store.write(Priority.PERSON, lambda tx: outbox.add_commands(tx, [command()]))
    await until(lambda: sender.commands)


async def test_a_host_elsewhere_gets_it_over_the_broker(store: Store, tmp_path: Path) -> None:
    async with LiveBroker(tmp_path / "broker").running() as broker:
        sender = Sender(store, broker.address)
        async with Ear(broker.address, "host", f"hub/v1/{SITE}/commands/+").up() as host:
            task = asyncio.create_task(sender.dispatch.run())
            record = command()
            await store.write(Priority.PERSON, lambda tx: outbox.add_commands(tx, [record]))
            (first, *_) = await host.hears(f"hub/v1/{SITE}/commands/locker-1")
            assert json.loads(first)["id"] == str(record.command.id)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
