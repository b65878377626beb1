"""Join the detected people of a split's videos."""

import argparse
import logging

from lfb.data.proposals import join_proposals, write_proposals

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pieces", nargs="+", help="proposals of the pieces, pickles")
    parser.add_argument("--output", required=True, help="proposals to write, pickle")


def run(arguments: argparse.Namespace) -> None:
    proposals = join_proposals(arguments.pieces)
    log.info("%d boxes on %d keyframes", len(proposals.boxes), len(proposals.index))
    write_proposals(arguments.output, proposals)
