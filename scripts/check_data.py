"""Checks every annotation file and every video, and lists all faults at once."""

import json
import logging

from lfb.check import check
from lfb.files import write_json
from lfb.program import program
from scripts.annotation_arguments import split_files
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--files", type=json.loads, required=True, help="files by split, JSON")
    made.add_argument("--output", required=True, help="summary to write, JSON")
    arguments = made.parse_args()
    settings = arguments.settings
    with program(arguments.log):
        labels, splits = split_files(arguments.files)
        summary = check(
            splits=splits,
            labels=labels,
            unscored=settings["unscored"],
            videos=settings.get("videos"),
            first_second=settings["first_second"],
            start=settings["start"],
            seconds=settings["seconds"],
            fps=settings["fps"],
            score=settings["test_score"],
            expected=settings.get("expected", {}),
        )
        for split, found in summary["splits"].items():
            log.info(
                "%s: %d videos, %d keyframes, %d boxes",
                split,
                found["videos"],
                found["keyframes"],
                found["boxes"],
            )
        for warning in summary["warnings"]:
            log.warning("warning: %s", warning)
        write_json(arguments.output, summary)


if __name__ == "__main__":
    main()
