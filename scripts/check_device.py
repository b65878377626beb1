"""Check that this machine has the device of the config, before any work begins."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.gpus import choose_device

    choose_device(arguments.device)
