"""`hub outbox`: what a restore has held, released or dropped by a person. Beside a hub that runs, or before."""

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass

from hub.cli.arguments import add_storage_arguments
from hub.cli.restore import print_report
from hub.cli.storage import Told, read, told, write
from hub.core.records import Deadline, Notice
from hub.store import audit, deadlines, outbox
from hub.store.backup import NotCopied, SpoolLeft, hold_outbox, prepare_spool
from hub.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    notices: list[Notice]
    deadlines: list[Deadline]

    def named(self, keys: Collection[str]) -> "Held":
        """Those with these keys. Raises Told where one of them isn't held."""
        chosen = Held([n for n in self.notices if n.key in keys], [d for d in self.deadlines if d.key in keys])
        found = {notice.key for notice in chosen.notices} | {deadline.key for deadline in chosen.deadlines}
        if unknown := set(keys) - found:
            raise Told(f"not held: {', '.join(sorted(unknown))}")
        return chosen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="list | release | drop | hold")
    listing = acts.add_parser("list", help="what is held", description="What is held, with the key of each.")
    listing.set_defaults(does=_list)
    for name, does, text in (
        ("release", _release, "Send these notices, and let these deadlines run."),
        ("drop", _drop, "Don't send these notices, and forget these deadlines."),
    ):
        act = acts.add_parser(name, help=text, description=text)
        act.add_argument("keys", nargs="*", metavar="KEY", help="as hub outbox list shows it")
        act.add_argument("--all", action="store_true", help="all that is held")
        act.set_defaults(does=does)
    text = "Hold all that waits to go out, after a database was restored with its own tool and before the hub starts."
    acts.add_parser("hold", help=text, description=text).set_defaults(does=_hold)
    for act in acts.choices.values():
        add_storage_arguments(act)


def run(args: argparse.Namespace) -> int:
    return told(lambda: args.does(args))


def _list(args: argparse.Namespace) -> int:
    held = read(args, _held)
    for notice in held.notices:
        where = f"{notice.template} by {notice.channel}"
        print(f"notice    {notice.key}  {where}, of {notice.created_at:%Y-%m-%d %H:%M:%S} UTC")
    for deadline in held.deadlines:
        print(f"deadline  {deadline.key}  {deadline.kind}, due {deadline.due:%Y-%m-%d %H:%M:%S} UTC")
    print(f"{len(held.notices)} notices and {len(held.deadlines)} deadlines are held.")
    return 0


def _release(args: argparse.Namespace) -> int:
    def work(tx: Transaction, held: Held) -> None:
        for notice in held.notices:
            outbox.send_again(tx, notice.site, notice.key)
            audit.add(tx, notice.site, tx.now, "command line", "", "notice.release", notice.key)
        for deadline in held.deadlines:
            deadlines.release(tx, deadline.site, deadline.key)
            audit.add(tx, deadline.site, tx.now, "command line", "", "deadline.release", deadline.key)

    return _decide(args, "released", work)


def _drop(args: argparse.Namespace) -> int:
    def work(tx: Transaction, held: Held) -> None:
        for notice in held.notices:
            outbox.drop_notice(tx, notice.site, notice.key)
            audit.add(tx, notice.site, tx.now, "command line", "", "notice.drop", notice.key)
        for deadline in held.deadlines:
            deadlines.delete(tx, deadline.site, deadline.key)
            audit.add(tx, deadline.site, tx.now, "command line", "", "deadline.drop", deadline.key)

    return _decide(args, "dropped", work)


def _decide(args: argparse.Namespace, became: str, work: Callable[[Transaction, Held], None]) -> int:
    """All of the keys or none."""
    if bool(args.keys) == args.all:
        raise Told("name the keys, or say --all.")

    def decide(tx: Transaction) -> Held:
        held = _held(tx)
        wanted = held if args.all else held.named(set(args.keys))
        work(tx, wanted)
        return wanted

    done = write(args, decide)
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


def _held(tx: Transaction) -> Held:
    return Held(outbox.held_notices(tx), deadlines.held(tx))
