"""Write the demo data set."""

import argparse

from lfb.data.demo import write_demo

FILES = ("annotations", "excluded", "proposals")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--videos", required=True, help="folder of videos to write")
    parser.add_argument("--labels", required=True, help="label list to write")
    for split in ("train", "val"):
        parser.add_argument(
            f"--{split}", nargs=3, required=True, metavar=FILES, help="files to write"
        )
    parser.add_argument("--processes", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    demo = arguments.settings["demo"]
    write_demo(
        arguments.videos,
        arguments.labels,
        {
            "train": (demo["train_videos"], dict(zip(FILES, arguments.train, strict=True))),
            "val": (demo["val_videos"], dict(zip(FILES, arguments.val, strict=True))),
        },
        seconds=demo["seconds"],
        first_second=arguments.settings["first_second"],
        fps=arguments.settings["fps"],
        seed=demo["seed"],
        processes=arguments.processes,
    )
