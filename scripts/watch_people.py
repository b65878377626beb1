"""Find the people of a film, and choose whom to score and who enters the bank."""

import argparse
import logging

from scripts.annotation_arguments import add_labels
from scripts.arguments import computing_threads

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--name", required=True, help="name of the film")
    parser.add_argument("--manifest", required=True, help="manifest of its frames")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--proposals", help="pickle or csv of detected people")
    source.add_argument("--detections", help="csv of a person detector")
    source.add_argument("--weights", help="weights of a person detector, .pth")
    parser.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1, help="threads of the whole job")
    parser.add_argument("--workers", type=int, default=0, help="processes that read frames")
    parser.add_argument("--testing", required=True, help="people to score, .npz")
    parser.add_argument("--bank", required=True, help="people of the bank, .npz")


def run(arguments: argparse.Namespace) -> None:
    from lfb.data.watched import choose_people, given_people
    from lfb.learning.person_detection import detect_in_film
    from lfb.learning.team import join_team

    settings = arguments.settings
    if arguments.weights:
        with join_team(arguments.device, computing_threads(arguments)) as team:
            people = detect_in_film(
                settings["detector"],
                video=arguments.name,
                manifest=arguments.manifest,
                weights=arguments.weights,
                device=team.device,
                workers=arguments.workers,
            )
    else:
        people = given_people(
            arguments.name,
            arguments.manifest,
            proposals=arguments.proposals,
            detections=arguments.detections,
        )
    for purpose in "testing", "bank":
        chosen = choose_people(
            people,
            arguments.name,
            purpose,
            settings["boxes"],
            labels=arguments.labels,
            unscored=settings["unscored"],
        )
        log.info(
            "%s: %d boxes in %d seconds",
            purpose,
            len(chosen.people.boxes),
            len(chosen.people.index),
        )
        chosen.save(getattr(arguments, purpose))
