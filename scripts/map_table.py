"""Writes the mAP table."""

import json
import logging

from lfb.files.atomic import atomic
from lfb.program import program
from lfb.scoring.table import map_table
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--metrics", type=json.loads, required=True, help="files by model, JSON")
    made.add_argument("--output", required=True, help="table to write, csv")
    arguments = made.parse_args()
    settings = arguments.settings
    with program(arguments.log):
        table = map_table(arguments.metrics, settings["models"], settings["protocol"])
        shown = table.drop(columns="protocol").dropna(axis="columns", how="all")
        printed = shown.to_string(index=False, float_format="%.2f")
        log.info("mAP at IoU 0.5, protocol %s\n%s", settings["protocol"], printed)
        with atomic(arguments.output) as scratch:
            table.to_csv(scratch, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
