"""Pack the frames of one piece of the annotated videos, or check the frames that you have."""

import argparse
import json
import logging
from pathlib import Path

from lfb.data.check_frames import check_frames, left_out_frames, report_frames
from lfb.errors import DataErrors
from lfb.files.atomic import write_json
from lfb.files.videos import find_videos
from lfb.video.extraction import extract_all, verify_all
from scripts.arguments import add_piece

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", required=True, help="what the data check found, JSON")
    parser.add_argument("--folder", required=True, help="folder of the zips, one per video")
    parser.add_argument("--processes", type=int, default=1)
    add_piece(parser)
    parser.add_argument("--output", required=True, help="manifest to write, JSON")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    annotated = json.loads(Path(arguments.check).read_text())["seconds"]
    videos = sorted(annotated)[arguments.piece]
    if "videos" in settings:
        files = find_videos(settings["videos"], videos)
        folder, pattern = arguments.folder, None
        manifest = extract_all(
            {name: files[name] for name in videos},
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
            videos,
            folder,
            pattern,
            fps=settings["fps"],
            first_second=settings["first_second"],
            processes=arguments.processes,
        )
    report_frames(manifest, settings.get("expected", {}))
    seconds = {video: annotated[video] for video in videos}
    if settings["invalid_keyframes"] == "drop":
        for warning in left_out_frames(seconds, manifest):
            log.warning("warning: %s", warning)
    elif errors := check_frames(seconds, manifest):
        raise DataErrors(errors)
    write_json(arguments.output, {"folder": folder, "pattern": pattern, **manifest})
