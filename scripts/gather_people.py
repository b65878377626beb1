"""Puts the detected people of all videos of a split together."""

import logging

from lfb.data.proposals import join_proposals, write_proposals
from lfb.program import program
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("pieces", nargs="+")
    made.add_argument("--output", required=True, help="proposals to write, pickle")
    arguments = made.parse_args()
    with program(arguments.log):
        proposals = join_proposals(arguments.pieces)
        log.info("%d boxes on %d keyframes", len(proposals.boxes), len(proposals.index))
        write_proposals(arguments.output, proposals)


if __name__ == "__main__":
    main()
