"""Show the boxes of one video, as a film or as a page of stills."""

import argparse
from dataclasses import replace
from functools import partial

from lfb.data.predictions import Predictions
from lfb.data.split import Split
from lfb.errors import UserError
from lfb.report.overlays import (
    prediction_overlays,
    proposal_overlays,
    require_video,
    truth_overlays,
    within,
)
from lfb.report.stills import write_stills
from lfb.scoring.thresholds import read_thresholds
from lfb.video.film import Footage, write_film
from lfb.video.overlays import Overlay
from lfb.video.single import frames_of
from scripts.annotation_arguments import add_split, read_split


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_split(parser)
    parser.add_argument("--split", required=True, help="name of the split")
    parser.add_argument("--shown", required=True, help="ground_truth, proposals, or a model")
    parser.add_argument("--video", required=True, help="name of the video")
    parser.add_argument("--proposals", nargs="?", help="to show: pickle of proposals")
    parser.add_argument("--predictions", help="to show: .npz of a model's predictions")
    parser.add_argument("--thresholds", help="of the same model, JSON")
    parser.add_argument("--folder", required=True, help="folder of the zips of frames")
    parser.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    parser.add_argument("--output", required=True, help="file to write, .mp4 or .html")


def run(arguments: argparse.Namespace) -> None:
    split = read_split(arguments, arguments.proposals)
    overlays, about = _overlays(arguments, split)
    frames = frames_of(arguments.video, arguments.settings, arguments.folder)
    overlays = within(overlays, frames.info)
    if arguments.output.endswith(".mp4"):
        first = frames.info.first_second
        shifted = [replace(overlay, time=overlay.time - first) for overlay in overlays]
        footage = Footage.of_frames(frames, arguments.video)
        write_film(footage, arguments.output, shifted, threads=arguments.threads)
    else:
        title = f"{arguments.video}: {arguments.shown.replace('_', ' ')}"
        write_stills(arguments.output, frames, overlays, title=title, about=about)


def _overlays(arguments: argparse.Namespace, split: Split) -> tuple[list[Overlay], str]:
    """Return what to show, and a sentence that says what it is."""
    video, settings = arguments.video, arguments.settings
    require = partial(require_video, video, arguments.split, others=settings["annotations"])
    if arguments.predictions:
        predictions = Predictions.load(arguments.predictions)
        require(predictions.videos)
        thresholds = read_thresholds(arguments.thresholds)
        return (
            prediction_overlays(predictions, video, split.labels, thresholds),
            f"The people that {arguments.shown} scores, with the actions whose score reaches the "
            "threshold of the action. Numbers come from linking the boxes.",
        )
    if arguments.shown == "proposals":
        if split.proposals is None:
            raise UserError(
                f"split {arguments.split} has no proposals: its people are the annotated ones. Ask "
                "for ground_truth in place of proposals."
            )
        require(split.proposals.index.videos)
        least = min(settings["scores"].values())
        keys = " and ".join(f"boxes.{key}" for key in settings["scores"])
        return (
            proposal_overlays(split.proposals, video, least),
            f"The proposals of split {arguments.split}, with their scores. Grey ones score below "
            f"{least:g}, the lower of {keys}: nothing uses them. Numbers come from linking the "
            "boxes.",
        )
    require(split.annotations["video"].unique())
    return (
        truth_overlays(split.annotations, video, split.labels, split.excluded),
        f"The annotated people of split {arguments.split} with their actions. People without an id "
        "are numbered by linking their boxes.",
    )
