"""Arguments that several programs share."""

import argparse
import json


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the arguments of every program."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--log", help="file that keeps the log")
    made.add_argument("--settings", type=json.loads, default={}, help="this rule's config, JSON")
    return made


def add_device(made: argparse.ArgumentParser) -> None:
    """Adds what a program that runs a model needs to know."""
    made.add_argument("--keyframes", required=True, help="chosen keyframes, .npz")
    made.add_argument("--manifest", required=True, help="manifest of the frames")
    made.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    made.add_argument("--threads", type=int, default=1, help="of the whole job")
    made.add_argument("--workers", type=int, default=0, help="processes that prepare clips")


def computing_threads(arguments: argparse.Namespace, processes: int = 1) -> int:
    """Threads that each process of a job computes with; its workers have the others."""
    return max(1, arguments.threads // processes - arguments.workers)


def every(piece: str) -> slice:
    """Return which videos are in a piece: 2-of-4 has the second one and every fourth after it."""
    number, pieces = map(int, piece.split("-of-"))
    return slice(number - 1, None, pieces)
