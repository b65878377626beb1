"""Pack the frames of a film that is to be watched."""

import argparse

from lfb.data.check_frames import report_frames
from lfb.files.atomic import write_json
from lfb.video.extraction import extract_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="name of the film")
    parser.add_argument("--video", required=True, help="its file")
    parser.add_argument("--folder", required=True, help="folder of the zip")
    parser.add_argument("--output", required=True, help="manifest to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    manifest = extract_all(
        {arguments.name: arguments.video},
        arguments.folder,
        fps=arguments.settings["fps"],
        first_second=0,
        start=0,
        seconds=None,
    )
    report_frames(manifest, {})
    write_json(arguments.output, {"folder": arguments.folder, "pattern": None, **manifest})
