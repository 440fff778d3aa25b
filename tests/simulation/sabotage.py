"""The hub with a promise broken, one at a time: what the simulation must find."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from hub.core.events import Event
from hub.host.commands import Commands
from hub.host.frames import Frames
from hub.host.window import Window
from hub.intake.intake import Intake
from hub.store import deadlines, events
from hub.store.database import Priority
from hub.store.spool import SpooledCommand, SpooledRow

Sabotage = Callable[[], AbstractContextManager[object]]


def yes_before_the_commit() -> AbstractContextManager[object]:
    kept = Frames._kept

    def told_at_once(self: Frames, adapter: Any, context: Any, frame: Any, decoded: Any, events: Any) -> Any:
        kept(self, adapter, context, frame, decoded, events)
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(decoded.reply)
        return answer

    return mock.patch.object(Frames, "_kept", told_at_once)


def the_id_unchecked() -> AbstractContextManager[object]:
    return mock.patch.object(events, "unseen", lambda tx, batch: list(batch))


def a_receipt_before_the_commit() -> AbstractContextManager[object]:
    settle = Intake._settle

    async def receipted_first(self: Intake, priority: Priority, batch: Sequence[Any]) -> Sequence[Any]:
        for taken in batch:
            if taken.row:
                self._send_receipt(taken.row[0], [(taken.row[1], taken.row[1])])
        return await settle(self, priority, batch)

    return mock.patch.object(Intake, "_settle", receipted_first)


def a_deadline_cleared_outside_its_transaction() -> AbstractContextManager[object]:
    """And set anew for the deciding to find."""
    reached = Intake.reached

    def cleared_first(self: Intake, event: Event) -> Any:
        async def clear_and_decide() -> bool:
            key = event.data.deadline  # type: ignore[union-attr]
            known = await self._store.read(lambda tx: deadlines.get(tx, self._site, key))
            await self._store.write(Priority.DEADLINE, lambda tx: deadlines.delete(tx, self._site, key))
            if known:
                await self._store.write(Priority.DEADLINE, lambda tx: deadlines.put(tx, [known]))
            return await reached(self, event)

        return asyncio.ensure_future(clear_and_decide())

    return mock.patch.object(Intake, "reached", cleared_first)


def a_command_marked_after_it_is_written() -> AbstractContextManager[object]:
    begin = Commands._begin

    async def written_first(self: Commands, command: SpooledCommand, ref: str) -> bool:
        if not self._is_kept(command):
            return False
        for frame in self._encode(command).frames:  # type: ignore[union-attr]
            self._send(self._building.devices[command.command.device], frame)
        return await begin(self, command, ref) and False

    return mock.patch.object(Commands, "_begin", written_first)


def a_gap_unnoticed() -> AbstractContextManager[object]:
    send = Window._send

    def without_a_word(self: Window, row: SpooledRow) -> bool:
        publish = self._publish
        self._publish = lambda one, after: publish(one, 0)
        try:
            return send(self, row)
        finally:
            self._publish = publish

    return mock.patch.object(Window, "_send", without_a_word)
