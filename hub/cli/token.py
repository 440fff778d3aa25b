"""`hub token add`: a program's leave to ask the API."""

import argparse
import re
import secrets
from datetime import timedelta
from uuid import uuid4

from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import ROLES, Told, building_of, told, write
from hub.store import accounts, audit
from hub.store.accounts import ApiToken
from hub.store.database import Transaction

_NAME = re.compile(r"[\w.@-]{1,60}")
_MOST_DAYS = 3650


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="add")
    add = acts.add_parser(
        "add",
        help="add a token",
        description="Add a token for the JSON API. It is printed this once; the audit log names it as token:NAME.",
    )
    add.add_argument("name", metavar="NAME", help="the program that it is for")
    add.add_argument("--role", choices=("read", *ROLES), default="desk", help="what it may do; read: nothing but read")
    add.add_argument("--days", type=int, metavar="N", help="valid for so many days (default: until it is revoked)")
    add_storage_arguments(add)


def run(args: argparse.Namespace) -> int:
    return told(lambda: _add(args))


def _add(args: argparse.Namespace) -> int:
    if not _NAME.fullmatch(args.name):
        raise Told(f"{args.name!r} is no name for a program: letters, digits and . _ @ - only, at most 60.")
    if args.days is not None and not 1 <= args.days <= _MOST_DAYS:
        raise Told(f"--days is 1 to {_MOST_DAYS}.")
    secret = make_token(args, args.name, args.role, args.days)
    print(f"token {args.name}, shown only this once: {secret}")
    return 0


def make_token(args: argparse.Namespace, name: str, role: str, days: int | None, *, anew: bool = False) -> str:
    """The token itself, of which only the hash is kept; `anew` revokes an earlier one of that name. Raises Told."""
    site = building_of(args).site.id
    secret = f"hub_{secrets.token_urlsafe(32)}"

    def work(tx: Transaction) -> None:
        for earlier in [token for token in accounts.tokens(tx, site) if token.name == name]:
            if not anew:
                raise Told(f"there is a token {name} already.")
            accounts.revoke_token(tx, site, earlier.id)
        expires = tx.now + timedelta(days=days) if days else None
        token = ApiToken(str(uuid4()), name, role, tx.now, expires)
        accounts.add_token(tx, site, secret, token)
        audit.add(tx, site, tx.now, "command line", "", "token.add", token.id, {"role": role, "name": name})

    write(args, work)
    return secret
