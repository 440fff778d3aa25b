"""Devices: those declared, with link and clock; unknown ones that knock; frames that couldn't be read."""

from typing import Literal
from urllib.parse import quote

from aiohttp import web

from hub.console.acts import actor, offer_again, perform
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import form_of, paging_urls
from hub.console.render import Shown, fragment, page, wants_part
from hub.console.signed import SIGNED
from hub.core.device_events import CLOCK_RIGHT
from hub.core.effects import Effect, Refused
from hub.core.facts import Facts
from hub.rules import acts
from hub.store import devices, events, outbox, quarantine
from hub.store.database import Transaction
from hub.store.facts import Wanted

_FRAMES_SHOWN = 20


async def devices_page(request: web.Request) -> web.Response:
    """GET /devices"""
    desk = request.app[DESK]

    def read(tx: Transaction) -> Shown:
        status = {one.device: one for one in devices.listing(tx, desk.site) if one.declared}
        frames = quarantine.listing(tx, desk.site, cursor=request.query.get("cursor"), limit=_FRAMES_SHOWN)
        return {
            "declared": [(device, status.get(device.id)) for device in desk.building.devices.values()],
            "unknown": devices.unknown(tx, desk.site),
            "frames": frames,
            "urls": paging_urls(request, frames),
            "mistakes": desk.config_mistakes,
            "broker_notice": desk.broker_notice(),
        }

    values = await desk.store.read(read)
    if wants_part(request):
        return fragment(request, "part/devices_list.html", **values)
    return await page(request, "devices.html", **values)


async def device_page(request: web.Request) -> web.Response:
    """GET /devices/{id}: one device, its last records, commands and unread frames."""
    desk = request.app[DESK]
    identity = request.match_info["id"]
    device = desk.building.devices.get(identity)
    if device is None:
        raise web.HTTPNotFound

    def read(tx: Transaction) -> Shown:
        return {
            "heard": devices.get(tx, desk.site, identity),
            "list": events.listing(tx, desk.site, device=identity, limit=50),
            "commands": outbox.command_listing(tx, desk.site, device=identity, limit=10),
            "frames": quarantine.listing(tx, desk.site, device=identity, limit=10),
        }

    values = await desk.store.read(read)
    return await page(request, "device.html", device=device, clock_right=CLOCK_RIGHT, **values)


async def frame_page(request: web.Request) -> web.Response:
    """GET /devices/frames/{id}: one frame that couldn't be read, whole."""
    desk = request.app[DESK]
    identity = request.match_info["id"]
    frame = await desk.store.read(lambda tx: quarantine.get(tx, desk.site, identity))
    if frame is None:
        raise web.HTTPNotFound
    return await page(request, "frame.html", frame=frame, hex=hex_lines(frame.frame), plain=plain_text(frame.frame))


async def read_again(request: web.Request) -> web.Response:
    """POST /devices/frames/{id}/send-again: an event that failed goes to the rules once more."""
    desk, identity = request.app[DESK], request.match_info["id"]
    frame = await desk.store.read(lambda tx: quarantine.get(tx, desk.site, identity))
    if frame is None:
        raise Refused("refused.not_found")
    await offer_again(desk, request[SIGNED], frame)
    return await acted(request, "said.sent_again", go=f"/devices/frames/{quote(identity, safe='')}")


def hex_lines(raw: bytes) -> str:
    """16 bytes a line, with offsets."""
    lines = [raw[at : at + 16] for at in range(0, len(raw), 16)]
    return "\n".join(f"{number * 16:06x}  {line.hex(' ')}" for number, line in enumerate(lines))


def plain_text(raw: bytes) -> str:
    """The frame as text, where it is one."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else ""


async def open_point(request: web.Request) -> web.Response:
    """POST /devices/{id}/open: a door or a compartment, with a reason."""
    signed, form, device = request[SIGNED], await form_of(request), request.match_info["id"]
    kind, _, point = form.needed("what").partition("/")
    why, cause = form.needed("why"), form.act_id
    match kind:
        case "door" | "compartment":
            what: Literal["door.open", "compartment.open"] = "door.open" if kind == "door" else "compartment.open"
        case _:
            raise Refused("refused.field_missing", field="what")

    def act(facts: Facts) -> list[Effect]:
        return acts.command_device(facts, device, what, point, why, actor(signed), facts.now, cause)

    wanted = Wanted(devices={device})
    await perform(request.app[DESK], signed, wanted, act, name=what, target=device, act_id=cause)
    return await acted(request, "said.command", go=f"/devices/{device}")


async def set_clock(request: web.Request) -> web.Response:
    """POST /devices/{id}/set-clock: its clock to ours."""
    signed, form, device = request[SIGNED], await form_of(request), request.match_info["id"]
    cause = form.act_id

    def act(facts: Facts) -> list[Effect]:
        return acts.command_device(facts, device, "device.set_clock", "", "", actor(signed), facts.now, cause)

    wanted = Wanted(devices={device})
    await perform(request.app[DESK], signed, wanted, act, name="device.set_clock", target=device, act_id=cause)
    return await acted(request, "said.command", go=f"/devices/{device}")
