"""Pack the frames of every annotated video, or check the frames that you have."""

import argparse
import logging

from lfb.data.check import annotated_seconds
from lfb.data.check_frames import check_frames, describe_frames, unexpected_counts
from lfb.errors import DataErrors
from lfb.files.atomic import write_json
from lfb.files.videos import find_videos
from lfb.video.extraction import extract_all, verify_all
from scripts.annotation_arguments import add_labels, split_files

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_labels(parser)
    parser.add_argument("--folder", required=True, help="folder of the zips, one per video")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", required=True, help="manifest to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    annotated = annotated_seconds(split_files(arguments), arguments.labels, settings["unscored"])
    if "videos" in settings:
        files = find_videos(settings["videos"])
        folder, pattern = arguments.folder, None
        manifest = extract_all(
            {name: files[name] for name in annotated},
            folder,
            fps=settings["fps"],
            first_second=settings["first_second"],
            start=settings["start"],
            seconds=settings["seconds"],
            processes=arguments.processes,
        )
    else:
        folder, pattern = settings["frames"]["folder"], settings["frames"]["pattern"]
        manifest = verify_all(
            list(annotated),
            folder,
            pattern,
            fps=settings["fps"],
            first_second=settings["first_second"],
            processes=arguments.processes,
        )
    log.info("%s", describe_frames(manifest))
    if errors := check_frames(annotated, manifest):
        raise DataErrors(errors)
    if "frames" in settings.get("expected", {}):
        for warning in unexpected_counts(manifest, *settings["expected"]["frames"]):
            log.warning("warning: %s", warning)
    write_json(arguments.output, {"folder": folder, "pattern": pattern, **manifest})
