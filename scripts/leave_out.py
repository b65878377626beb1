"""Copy a file of the data set without the keyframes that the data check leaves out."""

import argparse
import json
from pathlib import Path

from lfb.data.left_out import copy_without


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", required=True, help="what the data check found, JSON")
    parser.add_argument("--split", required=True)
    parser.add_argument("--kind", required=True, choices=["annotations", "proposals", "detections"])
    parser.add_argument("--source", required=True, help="your file")
    parser.add_argument("--manifest", required=True, help="manifest of the frames")
    parser.add_argument("--output", required=True, help="csv to write")


def run(arguments: argparse.Namespace) -> None:
    checked = json.loads(Path(arguments.check).read_text())["splits"][arguments.split]
    keyframes = {(video, second) for video, second in checked["left_out"]}
    manifest = json.loads(Path(arguments.manifest).read_text())
    copy_without(arguments.kind, arguments.source, keyframes, manifest, arguments.output)
