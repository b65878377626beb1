"""Checks every annotation file and every video, and lists all faults at once."""

import logging

from lfb.data.check import check
from lfb.files.atomic import write_json
from lfb.program import program
from scripts.annotation_arguments import add_splits
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_splits(made)
    made.add_argument("--output", required=True, help="summary to write, JSON")
    arguments = made.parse_args()
    settings = arguments.settings
    with program(arguments.log):
        summary = check(
            splits=arguments.files,
            labels=arguments.labels,
            unscored=settings["unscored"],
            videos=settings.get("videos"),
            first_second=settings["first_second"],
            start=settings["start"],
            seconds=settings["seconds"],
            fps=settings["fps"],
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
