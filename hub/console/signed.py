"""Who is asking: a person signed in at a post, or a program with a token."""

from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from hub.console.words import Language

Role = Literal["desk", "guard", "fire_room", "works", "manager", "auditor", "admin"]


@dataclass(frozen=True, slots=True)
class Signed:
    """`name` stands in the audit log, `display` on screen. `csrf` is "" for a token, which no browser sends by
    itself."""

    name: str
    display: str
    role: str
    language: Language
    post: str = ""
    csrf: str = ""
    session: str = ""

    @property
    def reads_only(self) -> bool:
        return self.role == "auditor"

    @property
    def manages(self) -> bool:
        """Whether people may be imported and the audit log be read."""
        return self.role in ("manager", "admin")

    @property
    def reads_audit(self) -> bool:
        return self.manages or self.reads_only


SIGNED = web.RequestKey("signed", Signed)
