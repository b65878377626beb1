"""Gathers the pieces of a feature bank into one store."""

from lfb.bank.writing import gather
from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("pieces", nargs="+", help="folders of the pieces")
    made.add_argument("--output", required=True, help="folder of the bank")
    arguments = made.parse_args()
    with program(arguments.log):
        gather(arguments.pieces, arguments.output)


if __name__ == "__main__":
    main()
