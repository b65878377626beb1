"""Check that all results are undamaged and belong together."""

import argparse
import logging

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", required=True, help="folder of the results")
    parser.add_argument("--threads", type=int, default=1, help="videos to read at a time")


def run(arguments: argparse.Namespace) -> None:
    from lfb.errors import UserError
    from lfb.verification.walk import verify

    found = verify(arguments.settings, arguments.results, arguments.threads)
    for note in found.notes:
        log.info("note: %s", note)
    if found.problems:
        count = len(found.problems)
        lines = [f"{count} problem{'s' if count > 1 else ''}:", *found.problems]
        raise UserError("\n  ".join(lines))
    log.info("%d files: all are complete, undamaged and fit together", found.files)
