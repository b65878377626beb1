"""Convert exports of annotation tools to the files that the config names."""

import argparse

from lfb.exchange.imports import import_annotations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--record", required=True, help="JSON that remembers the written files")


def run(arguments: argparse.Namespace) -> None:
    settings = arguments.settings
    import_annotations(settings["data"], settings["exports"], arguments.record)
