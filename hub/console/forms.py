"""Reading forms and queries: every field is text that can be stored, or refused with a word on which one."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.console.desk import DESK
from hub.core.effects import Refused
from hub.core.text import clean
from hub.store.paging import Page


class Form:
    """A posted form. Fields that aren't there are empty."""

    def __init__(self, fields: Mapping[str, object], zone: ZoneInfo) -> None:
        self._fields = fields
        self._zone = zone
        self.act_id = self.text("act", 80) or secrets.token_hex(16)

    def text(self, name: str, limit: int = 200) -> str:
        value = self._fields.get(name, "")
        return clean(value, limit) if isinstance(value, str) else ""

    def needed(self, name: str, limit: int = 200) -> str:
        if value := self.text(name, limit):
            return value
        raise Refused("refused.field_missing", field=name)

    def moment(self, name: str) -> datetime | None:
        """A <input type=datetime-local>, in the site's time zone; as UTC."""
        value = self.text(name)
        if not value:
            return None
        try:
            return datetime.fromisoformat(value).replace(tzinfo=self._zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Refused("refused.no_time", field=name) from error

    def file(self, name: str) -> bytes:
        field = self._fields.get(name)
        if not isinstance(field, web.FileField):
            raise Refused("refused.field_missing", field=name)
        return field.file.read()


async def form_of(request: web.Request) -> Form:
    return Form(await request.post(), request.app[DESK].zone)


def asked(request: web.Request, name: str, limit: int = 200) -> str:
    """A word of the query."""
    return clean(request.query.get(name, ""), limit)


def paging_urls(request: web.Request, page: Page[object]) -> Mapping[str, str]:
    """Where the first and the next page of a list are; "" where there is none."""
    query = {name: value for name, value in request.query.items() if name != "cursor" and value}
    first = f"{request.path}?{urlencode(query)}" if "cursor" in request.query else ""
    following = f"{request.path}?{urlencode({**query, 'cursor': page.next})}" if page.next else ""
    return {"first": first, "next": following}
