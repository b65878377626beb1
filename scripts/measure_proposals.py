"""Counts the annotated people that the proposals of a split show."""

import logging

from lfb.data.recall import describe, measure, shifted_seconds
from lfb.files.atomic import write_json
from lfb.program import program
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--proposals", required=True, help="pickle or csv of detected people")
    made.add_argument("--split", required=True)
    made.add_argument("--output", required=True, help="counts to write, JSON")
    arguments = made.parse_args()
    scores = arguments.settings["scores"]
    with program(arguments.log):
        split = read_split(arguments, arguments.proposals)
        assert split.proposals is not None
        measured = measure(split.annotations, split.proposals, split.excluded, scores)
        log.info("%s: %s", arguments.split, describe(measured, scores))
        if warning := shifted_seconds(split.annotations, split.proposals, split.excluded):
            log.warning("warning: %s: %s", arguments.split, warning)
        write_json(arguments.output, measured)


if __name__ == "__main__":
    main()
