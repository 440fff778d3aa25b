"""Devices, declared and unknown, with what they were asked to do; and frames that couldn't be read."""

import base64
import json

from pydantic import TypeAdapter

from hub.console.acts import actor, made_by, offer_again, perform
from hub.console.api.asks import DeviceFilter, NewCommand, Nothing, QuarantineFilter
from hub.console.api.models import (
    Command,
    Device,
    DeviceList,
    DeviceWhole,
    KeptFrame,
    KeptFrameList,
    KeptFrameWhole,
)
from hub.console.api.route import Call, NotFound
from hub.console.desk import Desk
from hub.core.effects import Effect
from hub.core.facts import Facts
from hub.rules import acts
from hub.store import devices, outbox, quarantine
from hub.store.database import Transaction
from hub.store.facts import Wanted
from hub.store.paging import BadCursor

_COMMANDS_SHOWN = 20
_CURSOR = TypeAdapter(tuple[str])


async def listing(call: Call[DeviceFilter, Nothing]) -> DeviceList:
    """Devices by id: all that are declared, and those that knock without being declared."""
    asked = call.query
    found = [
        device
        for device in await _all(call.desk)
        if (asked.declared is None or device.declared == asked.declared)
        and (not asked.link or device.link in asked.link)
        and (asked.adapter is None or device.adapter == asked.adapter)
    ]
    after = _after(asked.cursor) if asked.cursor else ""
    rest = [device for device in found if device.id > after]
    page = rest[: asked.limit]
    following = _cursor(page[-1].id) if len(rest) > len(page) else None
    return DeviceList(items=tuple(page), next=following, total=len(found))


async def one(call: Call[Nothing, Nothing]) -> DeviceWhole:
    """One device and the last things that it was asked to do."""
    desk = call.desk
    declared = desk.building.devices.get(call.id)

    def read(tx: Transaction) -> DeviceWhole:
        status = devices.get(tx, desk.site, call.id)
        if status is None and declared is None:
            raise NotFound
        asked = outbox.command_listing(tx, desk.site, device=call.id, limit=_COMMANDS_SHOWN)
        return DeviceWhole(
            **Device.of(call.id, declared, status).model_dump(),
            commands=tuple(Command.of(record) for record in asked.items),
        )

    return await desk.store.read(read)


async def command(call: Call[Nothing, Nothing]) -> Command:
    """What became of a command."""
    return await _command(call.desk, call.id, call.path["command"])


async def send_command(call: Call[Nothing, NewCommand]) -> Command:
    """Ask a device to open a door or a compartment, or to set its clock. The answer to it comes later: look at the
    command until it is done, failed, expired or unknown."""
    desk, signed, asked = call.desk, call.signed, call.body
    if call.id not in desk.building.devices:
        raise NotFound
    identity = made_by(desk, call.cause, asked.kind)

    def act(facts: Facts) -> list[Effect]:
        return acts.command_device(
            facts, call.id, asked.kind, asked.point, asked.reason, actor(signed), facts.now, call.cause
        )

    wanted = Wanted(devices={call.id}, commands={identity})
    await perform(desk, signed, wanted, act, name=asked.kind, target=call.id, act_id=call.act_id)
    return await _command(desk, call.id, identity)


def _cursor(device: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([device]).encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    try:
        [device] = _CURSOR.validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error
    return device


async def _all(desk: Desk) -> list[Device]:
    said = {status.device: status for status in await desk.store.read(lambda tx: devices.listing(tx, desk.site))}
    declared = desk.building.devices
    return [Device.of(device, declared.get(device), said.get(device)) for device in sorted({*declared, *said})]


async def _command(desk: Desk, device: str, identity: str) -> Command:
    found = await desk.store.read(lambda tx: outbox.get_command(tx, desk.site, identity))
    if found is None or found.command.device != device:
        raise NotFound
    return Command.of(found)


# frames that couldn't be read


async def quarantine_listing(call: Call[QuarantineFilter, Nothing]) -> KeptFrameList:
    """Frames that couldn't be read and events that couldn't be stored, with the reason."""
    desk, asked = call.desk, call.query
    page = await desk.store.read(
        lambda tx: quarantine.listing(tx, desk.site, device=asked.device, cursor=asked.cursor, limit=asked.limit)
    )
    return KeptFrameList(items=tuple(KeptFrame.of(kept) for kept in page.items), next=page.next, total=page.total)


async def quarantined(call: Call[Nothing, Nothing]) -> KeptFrameWhole:
    """One of them, with its bytes."""
    return KeptFrameWhole.of(await _frame(call.desk, call.id))


async def read_again(call: Call[Nothing, Nothing]) -> KeptFrameWhole:
    """Offer an event that failed to the rules once more. What comes of it stands in the events."""
    await offer_again(call.desk, call.signed, await _frame(call.desk, call.id))
    return KeptFrameWhole.of(await _frame(call.desk, call.id))


async def _frame(desk: Desk, identity: str) -> quarantine.QuarantinedFrame:
    found = await desk.store.read(lambda tx: quarantine.get(tx, desk.site, identity))
    if found is None:
        raise NotFound
    return found
