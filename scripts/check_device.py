"""Checks that the device asked for is there, before any work begins."""

from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    arguments = made.parse_args()
    with program(arguments.log):
        from lfb.learning.gpus import choose_device

        choose_device(arguments.device)


if __name__ == "__main__":
    main()
