"""Arguments that several programs share."""

import argparse
import json
from pathlib import Path
from typing import Any


def base_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every program."""
    parser = argparse.ArgumentParser(f"scripts {program}", description=description)
    parser.add_argument("--log", help="file to append the log to")
    parser.add_argument(
        "--settings", type=read_json, default={}, help="this job's config, JSON file"
    )
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a program that runs a model."""
    parser.add_argument("--keyframes", required=True, help="selected keyframes, .npz")
    parser.add_argument("--manifest", required=True, help="manifest of the frames")
    parser.add_argument("--device", required=True, choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1, help="threads of the whole job")
    parser.add_argument("--workers", type=int, default=0, help="processes that load clips")


def add_piece(parser: argparse.ArgumentParser) -> None:
    """Add the piece of the videos, sorted by name, that a program works on."""
    parser.add_argument(
        "--piece",
        type=_every,
        default=slice(None),
        help="which videos, such as 2-of-4: the second and every fourth after it (default: all)",
    )


def computing_threads(arguments: argparse.Namespace, processes: int = 1) -> int:
    """Return the computing threads of each process of a job; its workers use the other threads."""
    return max(1, arguments.threads // processes - arguments.workers)


def _every(piece: str) -> slice:
    """Return the slice of a piece's videos: 2-of-4 has the second and every fourth after it."""
    number, pieces = map(int, piece.split("-of-"))
    return slice(number - 1, None, pieces)


def read_json(path: str) -> Any:
    """Return the content of a JSON file."""
    return json.loads(Path(path).read_text())
