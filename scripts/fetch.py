"""Fetch what the config's ``fetch`` names and is not there yet."""

import argparse

from lfb.files.fetch import fetch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1, help="files at a time")


def run(arguments: argparse.Namespace) -> None:
    fetch(**arguments.settings, threads=arguments.threads)
