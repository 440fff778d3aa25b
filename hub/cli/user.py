"""`hub user add`: who may sign in."""

import argparse
import re
import sys
from dataclasses import replace
from uuid import uuid4

from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import ROLES, Told, building_of, told, write
from hub.console.passwords import SHORTEST, hash_password
from hub.console.users import fresh_password
from hub.store import accounts, audit
from hub.store.accounts import User
from hub.store.database import Transaction

_NAME = re.compile(r"[\w.@-]{1,60}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="add")
    add = acts.add_parser(
        "add",
        help="add a user",
        description="Add a user who may sign in at the console. The password is made and printed this once.",
    )
    add.add_argument("name", metavar="NAME", help="what they sign in with, and what the audit log says")
    add.add_argument("--role", choices=ROLES, default="desk", help="default: desk")
    add.add_argument("--password-stdin", action="store_true", help="take the first line of standard input instead")
    add.add_argument("--renew", action="store_true", help="a new password for a user who is there; ends their sessions")
    add_storage_arguments(add)


def run(args: argparse.Namespace) -> int:
    return told(lambda: _add(args))


def _add(args: argparse.Namespace) -> int:
    if not _NAME.fullmatch(args.name):
        raise Told(f"{args.name!r} is no name to sign in with: letters, digits and . _ @ - only, at most 60.")
    site = building_of(args).site.id
    password = sys.stdin.readline().rstrip("\r\n") if args.password_stdin else fresh_password()
    if len(password) < SHORTEST:
        raise Told(f"a password has at least {SHORTEST} characters.")
    hashed = hash_password(password)

    def work(tx: Transaction) -> None:
        known = accounts.user_by_name(tx, site, args.name)
        if args.renew and known is None:
            raise Told(f"there is no user {args.name}.")
        if known is not None and not args.renew:
            raise Told(f"there is a user {args.name} already; --renew gives them a new password.")
        if known is not None:
            user = replace(known, password_hash=hashed, active=True)
            accounts.change_user(tx, site, user)
            accounts.close_sessions_of(tx, site, user.id)
        else:
            user = User(str(uuid4()), args.name, args.name, hashed, args.role)
            accounts.add_user(tx, site, user)
        act = "user.renew" if known else "user.add"
        audit.add(tx, site, tx.now, "command line", "", act, user.id, {"role": user.role})

    write(args, work)
    if args.password_stdin:
        print(f"user {args.name} has the password that was given")
    else:
        print(f"user {args.name}  password, shown only this once: {password}")
    return 0
