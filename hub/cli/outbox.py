"""`hub outbox`: what a restore has held, released or dropped by a person. Beside a hub that runs, or before."""

import argparse

from hub.cli.arguments import add_storage_arguments
from hub.cli.restore import print_report
from hub.cli.storage import Told, read, told, write
from hub.store import held
from hub.store.backup import NotCopied, SpoolLeft, hold_outbox, prepare_spool
from hub.store.database import Transaction
from hub.store.held import Held


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="list | release | drop | hold")
    listing = acts.add_parser("list", help="what is held", description="What is held, with the key of each.")
    listing.set_defaults(does=_list)
    for name, text in (
        ("release", "Send these notices, and let these deadlines run."),
        ("drop", "Don't send these notices, and forget these deadlines."),
    ):
        act = acts.add_parser(name, help=text, description=text)
        act.add_argument("keys", nargs="*", metavar="KEY", help="as hub outbox list shows it")
        act.add_argument("--all", action="store_true", help="all that is held")
        act.set_defaults(does=_decide)
    text = "Hold all that waits to go out, after a database was restored with its own tool and before the hub starts."
    acts.add_parser("hold", help=text, description=text).set_defaults(does=_hold)
    for act in acts.choices.values():
        add_storage_arguments(act)


def run(args: argparse.Namespace) -> int:
    return told(lambda: args.does(args))


def _list(args: argparse.Namespace) -> int:
    found = read(args, held.listing)
    for notice in found.notices:
        where = f"{notice.template} by {notice.channel}"
        print(f"notice    {notice.key}  {where}, of {notice.created_at:%Y-%m-%d %H:%M:%S} UTC")
    for deadline in found.deadlines:
        print(f"deadline  {deadline.key}  {deadline.kind}, due {deadline.due:%Y-%m-%d %H:%M:%S} UTC")
    print(f"{len(found.notices)} notices and {len(found.deadlines)} deadlines are held.")
    return 0


def _decide(args: argparse.Namespace) -> int:
    """All of the keys or none."""
    if bool(args.keys) == args.all:
        raise Told("name the keys, or say --all.")

    def decide(tx: Transaction) -> Held:
        every = held.listing(tx)
        wanted = every if args.all else every.named(args.keys)
        if unknown := set(args.keys) - wanted.keys:
            raise Told(f"not held: {', '.join(sorted(unknown))}")
        held.decide(tx, wanted, args.act, "command line")
        return wanted

    done = write(args, decide)
    became = "released" if args.act == "release" else "dropped"
    print(f"{len(done.notices)} notices and {len(done.deadlines)} deadlines {became}.")
    return 0


def _hold(args: argparse.Namespace) -> int:
    file = args.data / "spool.db"
    try:
        spool = prepare_spool(file) if file.exists() else SpoolLeft()
    except NotCopied as problem:
        raise Told(str(problem)) from problem
    print_report(write(args, lambda tx: hold_outbox(tx, spool)), spool)
    return 0
