"""Join the pieces of the manifest."""

import argparse

from lfb.data.check_frames import report_frames
from lfb.files.atomic import write_json
from lfb.video.extraction import join_manifests


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pieces", nargs="+", help="manifests of the pieces, JSON")
    parser.add_argument("--output", required=True, help="manifest to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    manifest = join_manifests(arguments.pieces)
    report_frames(manifest, arguments.settings)
    write_json(arguments.output, manifest)
