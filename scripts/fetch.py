"""Download the missing files among those that the config's `fetch` names."""

import argparse

from lfb.files.fetch import fetch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1, help="files to download at once")


def run(arguments: argparse.Namespace) -> None:
    fetch(**arguments.settings, threads=arguments.threads)
