"""Convert the csv of a person detector to proposals."""

import argparse
import logging

from lfb.data.detector_csv import in_pixels, read_detections, to_proposals
from lfb.data.proposals import write_proposals
from lfb.video.frames import Manifest

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detections", required=True, help="csv of a person detector")
    parser.add_argument("--manifest", required=True, help="manifest of the frames")
    parser.add_argument("--output", required=True, help="proposals to write, pickle")


def run(arguments: argparse.Namespace) -> None:
    detections = read_detections(arguments.detections).checked()
    videos = Manifest(arguments.manifest).videos
    sizes = {name: (about["width"], about["height"]) for name, about in videos.items()}
    placed = to_proposals(detections, arguments.detections, sizes)
    proposals = placed.checked()
    for text in placed.warnings:
        log.warning("warning: %s", text)
    pixels = in_pixels(detections)
    unit = "pixels, divided by the size of the frames" if pixels else "fractions"
    log.info(
        "%d boxes in %s; %d of them on other videos, left out",
        len(detections),
        unit,
        len(detections) - len(proposals.boxes),
    )
    write_proposals(arguments.output, proposals)
