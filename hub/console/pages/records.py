"""The pages that only show: the board, all records, notices as residents get them, the audit log, one's own account."""

from aiohttp import web

from hub.console.acts import note
from hub.console.answers import acted
from hub.console.desk import DESK
from hub.console.forms import asked, form_of, paging_urls
from hub.console.letters import letter, masked_letter
from hub.console.render import Shown, fragment, look_of, page, wants_part
from hub.console.signed import SIGNED
from hub.console.stream import LIVE
from hub.core.effects import Refused
from hub.core.events import EVENT_CLASSES
from hub.core.records import Notice, NoticeState
from hub.store import audit, events, held, outbox
from hub.store.database import Priority, Transaction
from hub.store.paging import Page


async def board_page(request: web.Request) -> web.Response:
    """GET /: while the store is away, as it was last known, and saying so."""
    return await page(request, "board.html", snapshot=await request.app[LIVE].look())


GROUPS = ("access", "door", "fire", "parcel", "compartment", "visit", "alert", "incident", "device", "command")


async def records_page(request: web.Request) -> web.Response:
    """GET /records: everything that happened, newest first."""
    desk = request.app[DESK]
    group = asked(request, "group")
    device = asked(request, "device")
    types = [name for name in EVENT_CLASSES if name.startswith(f"{group}.")] if group in GROUPS else []

    def read(tx: Transaction) -> Page[events.StoredEvent]:
        cursor = request.query.get("cursor")
        return events.listing(tx, desk.site, types=types, device=device or None, cursor=cursor, limit=50)

    listed = await desk.store.read(read)
    values: Shown = {"list": listed, "urls": paging_urls(request, listed)}
    if wants_part(request):
        return fragment(request, "part/records_list.html", **values)
    return await page(request, "records.html", **values, groups=GROUPS, group=group, device=device)


async def notices_page(request: web.Request) -> web.Response:
    """GET /notices: the local inbox, what residents get or would get, masked."""
    desk = request.app[DESK]
    wanted: dict[str, tuple[NoticeState, ...]] = {state: (state,) for state in ("queued", "sent", "failed", "held")}
    state = asked(request, "state")

    def read(tx: Transaction) -> tuple[Page[Notice], held.Held]:
        cursor = request.query.get("cursor")
        found = outbox.notice_listing(tx, desk.site, state=wanted.get(state, ()), cursor=cursor, limit=30)
        return found, held.listing(tx)

    listed, restored = await desk.store.read(read)
    values: Shown = {
        "list": listed,
        "held_deadlines": restored.deadlines,
        "urls": paging_urls(request, listed),
        "letters": [(notice, masked_letter(notice, desk.building)) for notice in listed.items],
    }
    if wants_part(request):
        return fragment(request, "part/notices_list.html", **values)
    return await page(request, "notices.html", **values, states=tuple(wanted), state=state)


async def reveal_notice(request: web.Request) -> web.Response:
    """POST /notices/reveal: to whom it goes and its words, written down first. Never where visitors see the screen."""
    desk, signed, form = request.app[DESK], request[SIGNED], await form_of(request)
    key = form.needed("key", 500)
    if look_of(desk, signed).public:
        raise Refused("refused.public_screen")
    found = await desk.store.read(lambda tx: outbox.get_notice(tx, desk.site, key))
    if found is None:
        raise Refused("refused.not_found")
    await note(desk, signed, name="notice.reveal", target=key)
    _, body = letter(found, desk.building)
    return fragment(request, "part/letter.html", to=found.to, body=body)


async def send_again(request: web.Request) -> web.Response:
    """POST /notices/again: a person's word that a notice which failed goes out once more."""
    desk, signed, form = request.app[DESK], request[SIGNED], await form_of(request)
    key = form.needed("key", 500)

    def work(tx: Transaction) -> bool:
        known = outbox.send_again(tx, desk.site, key)
        if known:
            audit.add(tx, desk.site, desk.clock(), signed.name, signed.post, "notice.again", key, {})
        return known

    if not await desk.store.write(Priority.PERSON, work):
        raise Refused("refused.not_found")
    return await acted(request, "said.notice_again")


async def decide_held(request: web.Request) -> web.Response:
    """POST /notices/held: a person's word on a notice or a deadline that a restore has held."""
    desk, signed, form = request.app[DESK], request[SIGNED], await form_of(request)
    key = form.needed("key", 500)
    decision: held.Decision = "release" if form.needed("decision", 10) == "release" else "drop"

    def work(tx: Transaction) -> bool:
        wanted = held.listing(tx).named({key})
        held.decide(tx, wanted, decision, signed.name, signed.post)
        return bool(wanted.keys)

    if not await desk.store.write(Priority.PERSON, work):
        raise Refused("refused.not_found")
    return await acted(request, f"said.held_{decision}")


async def audit_page(request: web.Request) -> web.Response:
    """GET /audit: who did what to what; with ?verify=yes, whether the chain is whole, which reads all of it."""
    desk, signed = request.app[DESK], request[SIGNED]
    if not signed.reads_audit:
        raise web.HTTPForbidden
    verified = asked(request, "verify") == "yes"

    def read(tx: Transaction) -> tuple[Page[audit.AuditRow], audit.AuditRow | None]:
        listed = audit.listing(tx, desk.site, cursor=request.query.get("cursor"), limit=50)
        return listed, audit.verify(tx, desk.site) if verified else None

    listed, broken = await desk.store.read(read)
    return await page(
        request, "audit.html", list=listed, urls=paging_urls(request, listed), verified=verified, broken=broken
    )


async def account_page(request: web.Request) -> web.Response:
    return await page(request, "account.html")
