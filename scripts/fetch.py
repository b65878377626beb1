"""Fetches what the config's `fetch` names and is not there yet."""

from lfb.files.fetch import fetch
from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--threads", type=int, default=1, help="files at a time")
    arguments = made.parse_args()
    with program(arguments.log):
        fetch(**arguments.settings, threads=arguments.threads)


if __name__ == "__main__":
    main()
