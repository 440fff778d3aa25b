"""`hub import people`: residents from a CSV file."""

import argparse
import sys
from pathlib import Path

from hub.cli.arguments import add_storage_arguments
from hub.cli.storage import Told, building_of, told, write
from hub.console.people_import import read_people
from hub.console.words import Words
from hub.store import audit, people
from hub.store.database import Transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="people")
    add = acts.add_parser(
        "people",
        help="import people",
        description="Save the people of a CSV file (UTF-8 or GB18030, header in Chinese or English). Lines that "
        "can't be taken are named with the reason, and make the exit status 1; the others are saved all the same.",
    )
    add.add_argument("file", type=Path, metavar="FILE.csv")
    add_storage_arguments(add)


def run(args: argparse.Namespace) -> int:
    return told(lambda: _import(args))


def _import(args: argparse.Namespace) -> int:
    try:
        raw = args.file.read_bytes()
    except OSError as error:
        raise Told(f"{args.file}: {error.strerror}") from error
    building = building_of(args)
    found, rejected = read_people(raw, building)

    def work(tx: Transaction) -> None:
        people.save(tx, *found)
        numbers = {"saved": str(len(found)), "rejected": str(len(rejected))}
        audit.add(tx, building.site.id, tx.now, "command line", "", "people.import", "", numbers)

    if found:
        write(args, work)
    words = Words("en")
    for line in rejected:
        print(f"{args.file}:{line.line} {words(line.reason, **line.params)}", file=sys.stderr)
    print(f"{len(found)} people saved, {len(rejected)} lines rejected")
    return 1 if rejected else 0
