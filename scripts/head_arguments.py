"""Arguments of the programs that train a head or score people with it."""

import argparse

from scripts.bank_arguments import add_bank


def add_head(parser: argparse.ArgumentParser) -> None:
    """Add the people with their features, the bank, and what computes."""
    parser.add_argument("--keyframes", required=True, help="selected keyframes, .npz")
    parser.add_argument("--people", required=True, help="features of the people in the keyframes")
    parser.add_argument(
        "--baseline", required=True, help="checkpoint that features and bank must be built with"
    )
    add_bank(parser)
    parser.add_argument("--seed", type=int, required=True, help="seed of weights and random draws")
    parser.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1, help="computing threads")
