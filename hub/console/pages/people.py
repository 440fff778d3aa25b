"""People: who lives and works here, masked; residents from a CSV file; one person in full is an act in the log."""

from aiohttp import web

from hub.console.acts import note
from hub.console.desk import DESK
from hub.console.forms import asked, form_of, paging_urls
from hub.console.people_import import read_people
from hub.console.render import Shown, fragment, page, wants_part
from hub.console.signed import SIGNED
from hub.core.effects import Refused
from hub.core.records import Person
from hub.store import audit, people
from hub.store.database import Priority, Transaction
from hub.store.paging import Page

_FEW = 6


async def people_page(request: web.Request) -> web.Response:
    """GET /people"""
    desk = request.app[DESK]
    wanted = asked(request, "text")

    def read(tx: Transaction) -> Page[Person]:
        if wanted:
            return Page(tuple(people.search(tx, desk.site, wanted)))
        return people.listing(tx, desk.site, cursor=request.query.get("cursor"), limit=50)

    listed = await desk.store.read(read)
    values: Shown = {"list": listed, "urls": paging_urls(request, listed)}
    if wants_part(request):
        return fragment(request, "part/people_list.html", **values)
    return await page(request, "people.html", **values, wanted=wanted, report=None)


async def find_people(request: web.Request) -> web.Response:
    """GET /people/find: few whom a half-typed unit or name may mean, to choose from."""
    desk = request.app[DESK]
    typed = asked(request, "unit")
    if len(typed) < 2:
        return fragment(request, "part/hosts.html", found=())
    found = await desk.store.read(lambda tx: people.search(tx, desk.site, typed))
    living = [person for person in found if person.unit and person.kind in ("owner", "family", "tenant")]
    return fragment(request, "part/hosts.html", found=living[:_FEW])


async def reveal_person(request: web.Request) -> web.Response:
    """POST /people/{id}/reveal: name and phone in full, written down first."""
    desk, identity = request.app[DESK], request.match_info["id"]
    person = await desk.store.read(lambda tx: people.get(tx, desk.site, identity))
    if person is None:
        raise Refused("refused.not_found")
    await note(desk, request[SIGNED], name="person.reveal", target=identity)
    return fragment(request, "part/revealed.html", name=person.name, phone=person.phone, email=person.email)


async def import_people(request: web.Request) -> web.Response:
    """POST /people: a CSV file of residents. Good lines are saved, bad ones named with line and reason."""
    desk, signed = request.app[DESK], request[SIGNED]
    if not signed.manages:
        raise Refused("refused.not_your_role")
    raw = (await form_of(request)).file("file")
    found, rejected = read_people(raw, desk.building)

    def work(tx: Transaction) -> None:
        people.save(tx, *found)
        numbers = {"saved": str(len(found)), "rejected": str(len(rejected))}
        audit.add(tx, desk.site, desk.clock(), signed.name, signed.post, "people.import", "", numbers)

    await desk.store.write(Priority.PERSON, work)
    listed = await desk.store.read(lambda tx: people.listing(tx, desk.site, limit=50))
    report = {"saved": len(found), "rejected": rejected}
    return await page(request, "people.html", list=listed, urls=paging_urls(request, listed), wanted="", report=report)
