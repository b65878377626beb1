"""Looks for people in the keyframes of one piece of a split: every so-many-th video."""

import argparse

from lfb.program import program
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import computing_threads, every, parser


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--weights", required=True, help="of the person detector, .pth")
    made.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    made.add_argument("--threads", type=int, default=1, help="of the whole job")
    made.add_argument("--workers", type=int, default=0, help="processes that read frames")
    made.add_argument("--piece", required=True, help="Snakemake's scatter item, such as 1-of-4")
    made.add_argument("--output", required=True, help="proposals of the piece, pickle")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.data.proposals import write_proposals
    from lfb.learning.person_detection import detect_people
    from lfb.learning.team import join_team

    with join_team(arguments.device, computing_threads(arguments)) as team:
        people = detect_people(
            arguments.settings,
            annotations=read_split(arguments).annotations,
            manifest=arguments.manifest,
            weights=arguments.weights,
            piece=every(arguments.piece),
            device=team.device,
            workers=arguments.workers,
        )
    write_proposals(arguments.output, people)


if __name__ == "__main__":
    main()
