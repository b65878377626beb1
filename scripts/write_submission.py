"""Writes a model's predictions as the csv that AVA's evaluation script reads."""

from lfb.data.predictions import Predictions
from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--predictions", required=True)
    made.add_argument("--output", required=True, help="csv to write")
    arguments = made.parse_args()
    with program(arguments.log):
        Predictions.load(arguments.predictions).write_csv(arguments.output)


if __name__ == "__main__":
    main()
