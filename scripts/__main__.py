"""Run a program of this folder from any working directory: ``python path/to/scripts train ...``."""

import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(words: list[str]) -> None:
    """Parse a program's name and arguments, and run it."""
    # Python puts this folder on the path. Replace it by its parent, for `scripts` and `lfb`.
    sys.path[0] = str(FOLDER.parent)

    from lfb.program import program
    from scripts.arguments import base_parser

    programs = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef run(" in path.read_text())
    if not words or words[0] not in programs:
        sys.exit(f"usage: python scripts PROGRAM [--help]\nprograms: {', '.join(programs)}")
    module = import_module(f"scripts.{words[0]}")
    parser = base_parser(words[0], module.__doc__)
    module.add_arguments(parser)
    arguments = parser.parse_args(words[1:])
    with program(arguments.log):
        module.run(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
