"""Makes proposals of a detector's csv."""

import logging

from lfb.data.detector_csv import in_pixels, read_detections, to_proposals
from lfb.data.proposals import write_proposals
from lfb.errors import DataErrors
from lfb.program import program
from lfb.video.frames import Manifest
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--detections", required=True, help="csv of a person detector")
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--output", required=True, help="proposals to write, pickle")
    arguments = made.parse_args()
    with program(arguments.log):
        detections, errors = read_detections(arguments.detections)
        if errors:
            raise DataErrors(errors)
        videos = Manifest(arguments.manifest).videos
        sizes = {name: (about["width"], about["height"]) for name, about in videos.items()}
        proposals = to_proposals(detections, arguments.detections, sizes)
        pixels = in_pixels(detections)
        unit = "pixels, divided by the size of the frames" if pixels else "fractions"
        log.info(
            "%d boxes in %s; %d of them on other videos, left out",
            len(detections),
            unit,
            len(detections) - len(proposals.boxes),
        )
        write_proposals(arguments.output, proposals)


if __name__ == "__main__":
    main()
