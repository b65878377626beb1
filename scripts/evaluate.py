"""Measures a model's predictions under the three public protocols."""

import logging

from lfb.data.predictions import Predictions, read_csv
from lfb.files.atomic import write_json
from lfb.program import program
from lfb.scoring.evaluation import metrics
from scripts.annotation_arguments import add_split, read_split
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_split(made)
    made.add_argument("--predictions", required=True, help=".npz, or a submission as .csv")
    made.add_argument("--output", required=True, help="metrics to write, JSON")
    arguments = made.parse_args()
    with program(arguments.log):
        split = read_split(arguments)
        load = read_csv if arguments.predictions.endswith(".csv") else Predictions.load
        measured = metrics(
            load(arguments.predictions),
            split.annotations,
            classes=split.labels,
            excluded=split.excluded,
        )
        for protocol, found in measured.items():
            spread = ""
            if found["mAP_std"] is not None:
                spread = f" ± {found['mAP_std']:.2f} over {len(found['mAPs'])} draws"
            log.info("mAP %.2f%s under protocol %s", found["mAP"], spread, protocol)
            if found["left_out"]:
                log.warning(
                    "warning: %s: left out of the mean: %s",
                    protocol,
                    ", ".join(found["left_out"]),
                )
        write_json(arguments.output, measured)


if __name__ == "__main__":
    main()
