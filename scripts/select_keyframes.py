"""Chooses the keyframes and people that one stage works on."""

import logging

from lfb.program import program
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--proposals", nargs="?", help="pickle or csv of detected people")
    made.add_argument("--purpose", required=True, choices=["training", "testing", "bank"])
    made.add_argument("--output", required=True, help="keyframes to write, .npz")
    arguments = made.parse_args()
    with program(arguments.log):
        split = read_split(arguments, arguments.proposals)
        chosen = split.select(arguments.purpose, arguments.settings["boxes"])
        people = sum(len(keyframe.boxes) for keyframe in chosen.keyframes)
        log.info("%s: %d keyframes, %d boxes", arguments.purpose, len(chosen.keyframes), people)
        chosen.save(arguments.output)


if __name__ == "__main__":
    main()
