"""Detect people in the keyframes of one piece of a split, some of its videos."""

import argparse

from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import add_piece, computing_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--manifest", required=True, help="manifest of the frames")
    parser.add_argument("--weights", required=True, help="weights of the person detector, .pth")
    parser.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1, help="threads of the whole job")
    parser.add_argument("--workers", type=int, default=0, help="processes that read frames")
    add_piece(parser)
    parser.add_argument("--output", required=True, help="proposals of the piece, pickle")


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
            piece=arguments.piece,
            device=team.device,
            workers=arguments.workers,
        )
    write_proposals(arguments.output, people)
